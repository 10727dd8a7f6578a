"""Points of a video that predict spans, and their assignment to the ground truth."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mmvmr.models.task_modules.assigner import Matched
from mmvmr.registry import TASK_UTILS
from mmvmr.structures import MomentTargets, Points, PredictionSet, to_start_end
from mmvmr.utils import check_choice

#: Positions that differ by less than this part of a clip are equal; spans are float32 and have been converted.
TIE = 1e-4
_ENDS = ('open', 'closed')
_RANGES = ('half_open', 'closed')
_OVERLAPS = ('shortest', 'last')


@TASK_UTILS.register_module()
class PyramidPoints:
    """A point at every position of every temporal resolution (SnAG, section 3.3; a single level for UniVTG).

    Level l has positions 0, 2^l, 2 * 2^l, ... on the grid of the first level. Its points are assigned to spans whose
    farther end is ``[low, high)`` positions away: ``[0, r)`` at level 0, and from then on ``[sigma * h, 2 h)`` with h
    the upper bound of the level before; the last level has no upper bound up to ``max_length``.

    Args:
        offset: Position of the point of clip 0, in clips from the start of the video: 0.5 is the middle of the clip.
            Features whose receptive field is longer than their distance have it later (the half of both's ratio).
            UniVTG's official code takes half the clip length in *seconds*.
        input_stride: Clips per position of the first level.
        half_step: Move every point by half its distance to the next; ``accumulated`` moves it by those of all finer
            levels as well, as the official code of SnAG does (a point of level l by 2^l - 1/2 positions).
        regression_range: r in positions; None lets every point be assigned to any span.
        sigma: Overlap of the ranges of neighbouring levels, in (0, 1].
        max_length: Longest sequence in positions.

    Raises:
        ValueError: If ``half_step`` is unknown.
    """

    def __init__(
        self,
        offset: float = 0.5,
        input_stride: int = 1,
        half_step: bool | str = False,
        regression_range: float | None = None,
        sigma: float = 0.5,
        max_length: int = 0,
    ):
        self.offset = offset
        self.input_stride = input_stride
        self.half_step = check_choice(self, 'half_step', half_step, (False, True, 'accumulated'))
        self.regression_range = regression_range
        self.sigma = sigma
        self.max_length = max_length

    def ranges(self, num_levels: int) -> list[tuple[float, float]]:
        """Lower and upper bound of every level, in positions of the first level."""
        if self.regression_range is None:
            return [(0.0, float('inf'))] * num_levels
        ranges, high = [(0.0, float(self.regression_range))], float(self.regression_range)
        for level in range(1, num_levels):
            low, high = high * self.sigma, high * 2
            if level == num_levels - 1:
                high = max(high, self.max_length + 1.0)
            ranges.append((low, high))
        return ranges

    def grid(self, lengths: Sequence[int], device: torch.device | None = None) -> Tensor:
        """Position, range and distance to the next point, in positions of the first level.

        Args:
            lengths: Points of every level.
            device: Device of the result.

        Returns:
            (P, 4) with the columns position, low, high and distance, level after level.
        """
        rows = []
        for level, (length, bounds) in enumerate(zip(lengths, self.ranges(len(lengths)))):
            step = 2**level
            position = torch.arange(length, dtype=torch.float32, device=device) * step
            if self.half_step:
                position = position + (step - 0.5 if self.half_step == 'accumulated' else 0.5 * step)
            range_and_stride = position.new_tensor((*bounds, step)).expand(length, 3)
            rows.append(torch.cat((position.unsqueeze(1), range_and_stride), dim=1))
        return torch.cat(rows)

    def __call__(self, lengths: Sequence[int], clips: Tensor, start: Tensor | float = 0.0) -> Points:
        """Place the points.

        Args:
            lengths: Points of every level.
            clips: Clips of every video (B,).
            start: Clips in front of the features at hand (B,), where they are a window of the video.

        Returns:
            The points, normalised by the number of clips.
        """
        position, low, high, size = self.grid(lengths, clips.device).unbind(1)
        whole = clips.to(torch.float32).unsqueeze(1)
        start = torch.as_tensor(start, dtype=torch.float32, device=clips.device).reshape(-1, 1)
        stride = self.input_stride
        center = (position * stride + self.offset + start) / whole
        return Points(center, *(value * stride / whole for value in (size, low, high)))


@TASK_UTILS.register_module()
class PointAssigner:
    """Points inside a ground-truth span are assigned to it.

    Args:
        center_radius: Only points within this radius of the middle of the span, in sizes of the point (SnAG, 1.5); None
            takes all inside.
        ends: Whether a point on the end of a span is inside: ``closed`` (UniVTG) or ``open`` (SnAG).
        overlap: Span that a point inside several is assigned to: the ``shortest``, or the ``last`` in order (UniVTG).
        fallback: A sample that has spans but no point inside any of them takes the clip in which the first one
            begins (UniVTG).
        ranges: Whether the upper bound of the range of a level belongs to it (``closed``, FlashVTG) or not.

    Raises:
        ValueError: If an option is unknown.
    """

    def __init__(
        self,
        center_radius: float | None = None,
        ends: str = 'open',
        overlap: str = 'shortest',
        fallback: bool = False,
        ranges: str = 'half_open',
    ):
        given = (('ends', ends, _ENDS), ('overlap', overlap, _OVERLAPS), ('ranges', ranges, _RANGES))
        for name, value, choices in given:
            check_choice(self, name, value, choices)
        self.ranges = ranges
        self.center_radius = center_radius
        self.ends = ends
        self.overlap = overlap
        self.fallback = fallback

    @torch.no_grad()
    def __call__(self, sets: list[PredictionSet], targets: MomentTargets) -> list[Matched]:
        """Pair the points of every set with its targets.

        Args:
            sets: Prediction sets with points.
            targets: Ground truth of the batch.

        Returns:
            The pairs of every set, in order; inside a set sorted by sample, then point.

        Raises:
            ValueError: If a set has no points.
        """
        return [self._match(predictions, targets) for predictions in sets]

    def _match(self, predictions: PredictionSet, targets: MomentTargets) -> Matched:
        points = predictions.points
        if points is None:
            raise ValueError(f'PointAssigner: the set {predictions.name!r} has no points: use HungarianAssigner')
        windows = to_start_end(targets.spans)
        exists = torch.ones_like(points.center, dtype=torch.bool) if predictions.mask is None else predictions.mask
        inside = self._inside(points, windows) & exists.unsqueeze(-1) & targets.span_mask[:, None]
        if self.overlap == 'shortest':
            length = (windows[..., 1] - windows[..., 0])[:, None].expand(inside.shape)
            gt = length.where(inside, torch.inf).argmin(-1)
        else:
            order = torch.arange(1, inside.shape[-1] + 1, device=inside.device)
            gt = (order * inside).argmax(-1)
        positive = inside.any(-1)
        if self.fallback:
            self._fall_back(positive, gt, points, exists, windows, targets)
        batch, query = positive.nonzero(as_tuple=True)
        moments = gt[batch, query]
        return Matched(batch, query, moments, targets.spans[batch, moments])

    def _inside(self, points: Points, windows: Tensor) -> Tensor:
        """Mask of points inside spans, (B, P, G), spans as (start, end) (B, G, 2)."""
        center, size = points.center.unsqueeze(-1), points.size.unsqueeze(-1)
        start, end = windows[:, None].unbind(-1)
        farther = torch.maximum(center - start, end - center)
        low, high = points.low.unsqueeze(-1), points.high.unsqueeze(-1)
        # Whole numbers of clips have been normalised: equal distances differ in the last bits.
        margin = TIE * points.size[:, :1].unsqueeze(-1) if self.ranges == 'closed' else 0.0
        in_range = (farther >= low - margin) & (farther < high + margin)
        if self.center_radius is not None:
            middle, radius = (start + end) / 2, size * self.center_radius
            start, end = torch.maximum(middle - radius, start), torch.minimum(middle + radius, end)
        slack = TIE * size * (1 if self.ends == 'closed' else -1)
        return in_range & (center - start > -slack) & (end - center > -slack)

    @staticmethod
    def _fall_back(
        positive: Tensor, gt: Tensor, points: Points, exists: Tensor, windows: Tensor, targets: MomentTargets
    ) -> None:
        clip = (windows[:, 0, 0] / points.size[:, 0] + TIE).floor().long().clamp(min=0)
        clip = clip.minimum(exists.sum(1) - 1).clamp(min=0)
        rows = (targets.span_mask[:, 0] & ~positive.any(1)).nonzero().squeeze(1)
        positive[rows, clip[rows]] = exists[rows, clip[rows]]
        gt[rows, clip[rows]] = 0
