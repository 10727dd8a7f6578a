"""From windows in seconds to what losses see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmvmr.datasets.schema import UNLABELLED, Issue
from mmvmr.registry import TASK_UTILS, TRANSFORMS
from mmvmr.utils import check_choice

GRIDS = ('clip_len', 'duration')
SHORT = ('containing', 'preceding')
BEYOND = ('cut', 'keep')
LABELLED = ('all', 'first')
INSIDE = ('overlap', 'center')


@TRANSFORMS.register_module()
class BuildMomentTargets(BaseTransform):
    """Fill ``gt_spans`` (N, 2), ``gt_clips`` (L,) bool, ``gt_saliency`` (L,) and ``gt_pairs`` (2, P).

    Spans are windows / (L x clip length), as (center, width). Windows are cut to the clips that exist; one
    wholly after them (a video cut to ``max_clips``) gives no span. A sample without ``relevant_windows`` is left as
    it is. An augmentation that moves clips knows which ones are inside: ``clips_inside`` (L,) of the results takes the
    place of the windows, and ``gt_clips`` is left as it is.

    Args:
        labels: Config of the clip labels: ``HighlightLabels`` (ratings) or ``MomentLabels``.
        max_windows: With more windows than this, take as many at random; Moment-DETR trains with 5.
        grid: Which clips a window covers: clip i begins at i x ``clip_len`` of the features, or at
            i x ``duration`` / L (CG-DETR on Charades-STA and TACoS).
        short: The clip of a window that begins and ends inside one clip: the ``containing`` one; the published codes
            take the ``preceding`` one, which the window does not touch.
        beyond: Windows beyond the clips that exist: ``cut``, or ``keep`` as the published codes do, where spans reach
            past 1 and a window wholly outside labels the last clip.
        labelled: Windows whose clips are labelled where no ratings are: ``all``, or the ``first`` one (after the
            choice of ``max_windows``) as the published codes do.
        inside: Clips that a window labels: those that ``overlap`` it, or those whose ``center`` is inside (UniVTG).
        min_window: Widen shorter windows to this many seconds around their middle (UniVTG: the length of a clip, on
            data sets whose windows can be shorter).

    Raises:
        ValueError: If an option is unknown.
    """

    def __init__(
        self,
        labels: dict[str, Any],
        max_windows: int = 5,
        grid: str = 'clip_len',
        short: str = 'containing',
        beyond: str = 'cut',
        labelled: str = 'all',
        inside: str = 'overlap',
        min_window: float = 0.0,
    ) -> None:
        given = (
            ('inside', inside, INSIDE),
            ('grid', grid, GRIDS),
            ('short', short, SHORT),
            ('beyond', beyond, BEYOND),
            ('labelled', labelled, LABELLED),
        )
        for name, value, choices in given:
            check_choice(self, name, value, choices)
        self.labels = TASK_UTILS.build(labels)
        self.max_windows = max_windows
        self.grid = grid
        self.short = short
        self.beyond = beyond
        self.labelled = labelled
        self.inside = inside
        self.min_window = min_window

    def row_issues(self, row: Mapping[str, Any], missing: bool = True) -> list[Issue]:
        """Reasons why a row cannot be trained on; absent labels are one only if ``missing``."""
        if row.get('relevant_windows') is None and missing:
            fix = 'write [[start, end], ...], or [] where nothing in the video is described'
            return [Issue('relevant_windows', 'is missing', f'{fix}; {UNLABELLED}')]
        check = getattr(self.labels, 'row_issues', None)  # labels of other packages may have nothing to check
        return [] if check is None else check(row, missing)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Build the targets of a sample with ``video_feat``."""
        windows = results.get('relevant_windows')
        if windows is None:
            return results
        windows = [widen(window, self.min_window, float(results['duration'])) for window in windows]
        length = len(results['video_feat'])
        chosen = self._chosen(windows, results['rng'])
        results['gt_spans'] = self._spans(chosen, length * results['clip_len'])
        inside = results.get('clips_inside')
        if inside is None or len(inside) != length:  # clips may have been pooled since
            inside = self.clips_inside(windows if self.labelled == 'all' else chosen[:1], length, results)
        results.setdefault('gt_clips', inside)
        results['gt_saliency'], results['gt_pairs'] = self.labels(results, inside)
        return results

    def _chosen(self, windows: list[list[float]], rng: Any) -> list[list[float]]:
        chosen = [list(window) for window in windows]
        if len(chosen) > self.max_windows:
            rng.shuffle(chosen)
        return chosen[: self.max_windows]

    def _spans(self, windows: list[list[float]], end: float) -> torch.Tensor:
        if self.beyond == 'cut':
            windows = [[max(s, 0), min(e, end)] for s, e in windows if s < end and e > 0]
        start, stop = (np.array(windows, dtype=np.float32).reshape(-1, 2) / np.float32(end)).T
        spans = np.empty((len(windows), 2), dtype=np.float32)  # by numpy, which is faster where arrays are tiny
        spans[:, 0], spans[:, 1] = np.float32(0.5) * (start + stop), stop - start
        return torch.from_numpy(spans)

    def clips_inside(self, windows: list[list[float]], length: int, results: dict[str, Any]) -> np.ndarray:
        """Mark the clips (L,) inside a window; windows, ``clip_len`` and ``duration`` of the sample are in seconds."""
        clip_len = results['clip_len'] if self.grid == 'clip_len' else results['duration'] / length
        inside = np.zeros(length, dtype=bool)
        for start, end in windows:
            if self.beyond == 'cut' and (start >= length * clip_len or end <= 0):
                continue
            # The clip in which the window ends does not count, unless that would leave none.
            first, last = max(0, int(start / clip_len)), max(0, min(int(end / clip_len), length) - 1)
            if self.inside == 'center':
                centers = (np.arange(length) + 0.5) * clip_len
                clips = np.flatnonzero((centers >= start) & (centers <= end))
                first, last = (clips[0], clips[-1]) if len(clips) else (min(first, length - 1),) * 2
            elif first > last:
                first, last = (first, first) if self.short == 'containing' else (last, last)
            inside[first : last + 1] = True
        return inside


def widen(window: list[float], least: float, duration: float) -> list[float]:
    """Stretch a window around its middle to the length ``least``, unless the video ends; all in seconds."""
    start, end = window
    if end - start >= least:
        return [start, end]
    middle = (start + end) / 2
    return [max(0.0, middle - least / 2), max(least, min(duration, middle + least / 2))]
