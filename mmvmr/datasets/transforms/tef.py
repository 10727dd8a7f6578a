"""Temporal endpoint features."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmvmr.registry import TRANSFORMS
from mmvmr.utils.arrays import endpoints


@TRANSFORMS.register_module()
class AppendTEF(BaseTransform):
    """Append the normalised start i / L and end (i + 1) / L of every clip (Moment-DETR, section 5).

    It runs after the augmentations: a clip that was moved gets the endpoints of its new place, unless the
    augmentation says otherwise in ``tef`` (L, 2).
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Append two columns to ``video_feat`` (L, D)."""
        features = results['video_feat']
        tef = results.get('tef')
        loaded, with_tef, rows = results.pop('packed', (None, None, None))
        if loaded is features and tef is None:  # packed features that no augmentation has touched
            results['video_feat'], results['packed'] = with_tef, (with_tef, with_tef, rows)
            return results
        columns = endpoints(len(features)) if tef is None else tef
        results['video_feat'] = np.concatenate((features, columns), axis=1)
        return results
