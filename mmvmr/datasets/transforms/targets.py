"""From windows in seconds to what losses see."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmvmr.registry import TASK_UTILS, TRANSFORMS
from mmvmr.structures import to_center_width

GRIDS = ('clip_len', 'duration')
SHORT = ('containing', 'preceding')


@TRANSFORMS.register_module()
class BuildMomentTargets(BaseTransform):
    """Fill ``gt_spans`` (N, 2), ``gt_clips`` (L,) bool, ``gt_saliency`` (L,) and ``gt_pairs`` (2, P).

    Spans are windows / (L x clip length), as (center, width). Windows are cut to the clips that exist; one that lies
    wholly behind them (a video cut to ``max_clips``) gives no span. A sample without ``relevant_windows`` is left as
    it is.

    Args:
        labels: Config of the clip labels: ``HighlightLabels`` (ratings) or ``MomentLabels``.
        max_windows: With more windows than this, take as many at random; Moment-DETR trains with 5.
        grid: Which clips a window covers: clip i begins at i x ``clip_len`` of the features, or at
            i x ``duration`` / L (CG-DETR on Charades-STA and TACoS).
        short: The clip of a window that begins and ends inside one clip: the ``containing`` one; the published codes
            take the ``preceding`` one, which the window does not touch.
    """

    def __init__(
        self, labels: dict[str, Any], max_windows: int = 5, grid: str = 'clip_len', short: str = 'containing'
    ) -> None:
        for name, value, known in (('grid', grid, GRIDS), ('short', short, SHORT)):
            if value not in known:
                raise ValueError(f'BuildMomentTargets: {name}={value!r}, expected one of {known}')
        self.labels = TASK_UTILS.build(labels)
        self.max_windows = max_windows
        self.grid = grid
        self.short = short

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Build the targets.

        Args:
            results: The sample, with ``video_feat``.

        Returns:
            The sample with targets.
        """
        windows = results.get('relevant_windows')
        if windows is None:
            return results
        length = len(results['video_feat'])
        results['gt_spans'] = self._spans(windows, length * results['clip_len'], results['draw'])
        results['gt_clips'] = inside = self._inside(windows, length, results)
        results['gt_saliency'], results['gt_pairs'] = self.labels(results, inside)
        return results

    def _spans(self, windows: list[list[float]], end: float, draw: Any) -> torch.Tensor:
        chosen = [list(window) for window in windows]
        if len(chosen) > self.max_windows:
            draw.shuffle(chosen)
            chosen = chosen[: self.max_windows]
        cut = [[max(s, 0), min(e, end)] for s, e in chosen if s < end and e > 0]
        return to_center_width(torch.tensor(cut, dtype=torch.float32).reshape(-1, 2) / end)

    def _inside(self, windows: list[list[float]], length: int, results: dict[str, Any]) -> np.ndarray:
        clip_len = results['clip_len'] if self.grid == 'clip_len' else results['duration'] / length
        inside = np.zeros(length, dtype=bool)
        for start, end in windows:
            if start >= length * clip_len or end <= 0:
                continue
            # The clip in which the window ends does not count, unless that would leave none.
            first, last = max(0, int(start / clip_len)), max(0, min(int(end / clip_len), length) - 1)
            if first > last:
                first, last = (first, first) if self.short == 'containing' else (last, last)
            inside[first : last + 1] = True
        return inside
