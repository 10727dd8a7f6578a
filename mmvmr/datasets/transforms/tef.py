"""Temporal endpoint features."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmvmr.registry import TRANSFORMS


def endpoints(length: int) -> np.ndarray:
    """Normalised start and end of every clip.

    Args:
        length: Number of clips L.

    Returns:
        Shape (L, 2), float32.
    """
    start = np.arange(length, dtype=np.float32) / np.float32(length)
    # start + 1/L in float32, not (i + 1) / L: the last bit decides about equality with published inputs.
    return np.stack((start, start + np.float32(1.0 / length)), axis=1)


@TRANSFORMS.register_module()
class AppendTEF(BaseTransform):
    """Append the normalised start i / L and end (i + 1) / L of every clip (Moment-DETR, section 5).

    It runs after the augmentations: a clip that was moved gets the endpoints of its new place, unless the
    augmentation says otherwise in ``tef`` (L, 2).
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Append two columns.

        Args:
            results: The sample; ``video_feat`` is (L, D).

        Returns:
            The sample; ``video_feat`` is (L, D + 2).
        """
        features = results['video_feat']
        tef = results.get('tef')
        stored, with_tef = results.get('with_tef', (None, None))
        if stored is features and tef is None:  # packed features that no augmentation has touched
            results['video_feat'] = with_tef
            return results
        columns = endpoints(len(features)) if tef is None else tef
        results['video_feat'] = np.concatenate((features, columns), axis=1)
        return results
