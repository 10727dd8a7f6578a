"""Random windows of long videos (SnAG; ActionFormer)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmvmr.registry import TRANSFORMS


@TRANSFORMS.register_module()
class CropClips(BaseTransform):
    """Train on a random window of a video, the same for all of its sentences in the batch.

    A longer video is cut to ``max_clips``, a shorter one to a random share of its length. Of the places that keep
    more than ``min_overlap`` of every moment one is drawn; where there is none, that which keeps most.

    Args:
        max_clips: Longest video that is not cut for its length.
        ratio: Smallest and largest share of a shorter video; None leaves it whole.
        min_overlap: Share of a moment that has to stay.
    """

    def __init__(self, max_clips: int, ratio: Sequence[float] | None = (0.9, 1.0), min_overlap: float = 0.5) -> None:
        self.max_clips = max_clips
        self.ratio = ratio
        self.min_overlap = min_overlap

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Crop the video; features, windows, ratings and ``duration`` are those of what is left."""
        length, clip_len = len(results['video_feat']), results['clip_len']
        rng = results.get('group_rng', results['rng'])
        length_left = self._kept(length, rng)
        if length_left == length:
            return results
        rows = results.get('group', [results])
        windows = [window for row in rows for window in row.get('relevant_windows') or ()]
        first = self._first(np.array(windows, dtype=np.float64).reshape(-1, 2) / clip_len, length, length_left, rng)
        return {**results, **cut(results, first, length_left)}

    def _kept(self, length: int, rng: Any) -> int:
        if length > self.max_clips:
            return self.max_clips
        if self.ratio is None:
            return length
        low, high = (max(math.ceil(share * length), 1) for share in self.ratio)
        return rng.integers(low, min(high, length) + 1)

    def _first(self, moments: np.ndarray, length: int, length_left: int, rng: Any) -> int:
        """First clip of the window; moments (N, 2) in clips."""
        starts = np.arange(length - length_left + 1)
        if not len(moments):
            return int(rng.integers(0, len(starts)))
        begin, end = (moments[:, i, None] for i in range(2))
        overlap = (np.minimum(end, starts + length_left) - np.maximum(begin, starts)).clip(min=0)
        share = (overlap / (end - begin).clip(min=1e-5)).min(axis=0)
        good = np.flatnonzero(share > self.min_overlap)
        return int(good[rng.integers(0, len(good))]) if len(good) else int(share.argmax())


def cut(results: dict[str, Any], first: int, length_left: int) -> dict[str, Any]:
    """New entries of a sample of which only ``length_left`` clips are left, from the clip ``first`` on."""
    clip_len = results['clip_len']
    end = length_left * clip_len
    new: dict[str, Any] = {
        'video_feat': results['video_feat'][first : first + length_left],
        'num_clips': length_left,
        'duration': end,
    }
    if results.get('relevant_windows') is not None:
        moved = ([start - first * clip_len, stop - first * clip_len] for start, stop in results['relevant_windows'])
        new['relevant_windows'] = [[max(s, 0.0), min(e, end)] for s, e in moved if s < end and e > 0]
    if results.get('relevant_clip_ids') is not None:
        inside = [i for i, clip in enumerate(results['relevant_clip_ids']) if first <= clip < first + length_left]
        new['relevant_clip_ids'] = [results['relevant_clip_ids'][i] - first for i in inside]
        if results.get('saliency_scores') is not None:
            new['saliency_scores'] = [results['saliency_scores'][i] for i in inside]
    return new
