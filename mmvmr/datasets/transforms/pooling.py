"""Fewer clips by averaging."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from mmcv.transforms import BaseTransform

from mmvmr.registry import TRANSFORMS


@TRANSFORMS.register_module()
class PoolClips(BaseTransform):
    """Average neighbouring clips where a video has more than ``max_clips`` (adaptive average pooling).

    Before the slot ``tef`` (as an entry of ``augment``) endpoints are those of the pooled clips; in the slot ``pool``
    after it they are averaged too, as the official TD-DETR code does with synthesized videos.

    Args:
        max_clips: Most clips that are left.

    Raises:
        ValueError: If that is not positive.
    """

    def __init__(self, max_clips: int) -> None:
        if max_clips < 1:
            raise ValueError(f'PoolClips: max_clips={max_clips}, expected a positive number')
        self.max_clips = max_clips

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pool the clips.

        Args:
            results: The sample; ``video_feat`` is (L, D).

        Returns:
            The sample with at most ``max_clips`` clips and ``clip_len`` (seconds) as much longer.
        """
        features = results['video_feat']
        length = len(features)
        if length <= self.max_clips:
            return results
        pooled = F.adaptive_avg_pool1d(torch.from_numpy(features.copy()).t()[None], self.max_clips)[0].t()
        return {
            **results,
            'video_feat': pooled.contiguous().numpy(),
            'num_clips': self.max_clips,
            'clip_len': results['clip_len'] * length / self.max_clips,
        }
