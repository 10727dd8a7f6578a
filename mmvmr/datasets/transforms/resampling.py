"""Videos of a fixed or limited number of clips."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from mmcv.transforms import BaseTransform

from mmvmr.datasets.transforms.clip_times import with_clip_len
from mmvmr.datasets.transforms.loading import LoadMomentFeatures
from mmvmr.datasets.transforms.video_cuts import video_of
from mmvmr.registry import TRANSFORMS


def resample(features: np.ndarray, length: int) -> np.ndarray:
    """Interpolate (L, D) linearly to the next multiple of ``length``, then average: (length, D) float32."""
    ratio = math.ceil(len(features) / length)
    sequence = torch.from_numpy(np.ascontiguousarray(features, dtype=np.float32)).t()[None]
    sequence = F.interpolate(sequence, size=length * ratio, mode='linear', align_corners=False)
    return F.avg_pool1d(sequence, ratio)[0].t().contiguous().numpy()


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
        """Pool the clips of ``video_feat`` (L, D); ``clip_len`` (seconds) grows with them, and ratings follow."""
        features = results['video_feat']
        length = len(features)
        if length <= self.max_clips:
            return results
        pooled = F.adaptive_avg_pool1d(torch.from_numpy(features.copy()).t()[None], self.max_clips)[0].t()
        return {
            **results,
            'video_feat': pooled.contiguous().numpy(),
            'num_clips': self.max_clips,
            **with_clip_len(results, results['clip_len'] * length / self.max_clips),
        }


@TRANSFORMS.register_module()
class ResampleClips(BaseTransform):
    """Bring a video to a number of clips, as :class:`LoadResampledFeatures` does with all of them.

    For the slot ``pool``, where views have the length that their augmentation gave them: a model whose positions and
    ranges are made for a fixed length then gets only that one.

    Args:
        length: Clips that a sample or view has afterwards.
    """

    def __init__(self, length: int) -> None:
        if length < 1:
            raise ValueError(f'ResampleClips: length={length}, expected a positive number')
        self.length = length

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Resample the clips of ``video_feat`` (L, D); ``clip_len`` (seconds) and ratings follow."""
        count = len(results['video_feat'])
        if count == self.length:
            return results
        return {
            **results,
            'video_feat': resample(results['video_feat'], self.length),
            'num_clips': self.length,
            **with_clip_len(results, results['clip_len'] * count / self.length),
        }


@TRANSFORMS.register_module()
class LoadResampledFeatures(LoadMomentFeatures):
    """:class:`LoadMomentFeatures`, with every video at the same number of clips, or with only every n-th clip.

    It loads and does not augment, so that transforms that mix videos get all of them the same way. ``clip_len`` becomes
    that of the new clips, and ratings go to the clips of their time.

    Args:
        length: Clips of every video; None leaves their number.
        step: First take every clip at this distance.
        kwargs: See :class:`LoadMomentFeatures`.
    """

    def __init__(self, length: int | None = None, step: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.length = length
        self.step = step
        self._clip_len: dict[Any, float] = {}

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Load the features; see :meth:`LoadMomentFeatures.transform`."""
        results = super().transform(results)
        if self.clip_time == 'declared':
            results.update(with_clip_len(results, self._clip_len[video_of(results['annotation'])]))
        return results

    def streams(self, row: dict[str, Any]) -> list[np.ndarray]:
        """The resampled streams; see :meth:`LoadMomentFeatures.streams`."""
        stored = super().streams(row)
        shortest = min(map(len, stored))
        stored = [stream[: shortest : self.step] for stream in stored]
        count, clip_len = len(stored[0]), self.spec.clip_len * self.step
        if self.length is not None:
            stored = [resample(stream, self.length) for stream in stored]
            clip_len = count * clip_len / self.length
        self._clip_len[video_of(row)] = clip_len
        return stored
