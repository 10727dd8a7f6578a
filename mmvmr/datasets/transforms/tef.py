"""Temporal endpoint features."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmvmr.registry import TRANSFORMS


@TRANSFORMS.register_module()
class AppendTEF(BaseTransform):
    """Append the normalised start i / L and end (i + 1) / L of every clip (Moment-DETR, section 5).

    It runs after the augmentations: a clip that was moved gets the endpoints of its new place.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Append two columns.

        Args:
            results: The sample; ``video_feat`` is (L, D).

        Returns:
            The sample; ``video_feat`` is (L, D + 2).
        """
        features = results['video_feat']
        length = len(features)
        start = np.arange(length, dtype=np.float32) / np.float32(length)
        # start + 1/L in float32, not (i + 1) / L: the last bit decides about equality with published inputs.
        end = start + np.float32(1.0 / length)
        results['video_feat'] = np.concatenate((features, start[:, None], end[:, None]), axis=1)
        return results
