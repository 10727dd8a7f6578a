"""Suppression of predictions that repeat a better one, for all samples at once."""

from __future__ import annotations

import torch
from torch import Tensor

from mmvmr.registry import TASK_UTILS
from mmvmr.structures import paired_hull_iou, pairwise_iou
from mmvmr.utils import check_choice

_DECAYS = ('gaussian', 'linear')


class _GreedySuppression:
    """Takes the best remaining prediction of every sample, step by step, and lets it lower the others.

    Memory grows with the number of predictions and not with its square. Predictions that do not exist have the score
    ``-inf``, in and out. Overlap is measured by the hull, as published code does, which is the union wherever two
    windows overlap.

    Args:
        max_predictions: Stop after this many; None keeps all.
        min_score: Predictions that score less, at first or by decay, are dropped.
    """

    def __init__(self, max_predictions: int | None = None, min_score: float = 0.0):
        self.max_predictions = max_predictions
        self.min_score = min_score

    def __call__(self, windows: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Rank predictions anew.

        Args:
            windows: (start, end) in any unit (B, N, 2).
            scores: Non-negative scores (B, N), or ``-inf`` for predictions that do not exist.

        Returns:
            Indices of the kept predictions (B, M), best first, and their scores (B, M), ``-inf`` for what a sample
            has less than others. Of equal scores the first counts as better.
        """
        count = scores.shape[1]
        remaining = self.start(scores)
        chosen, values = [], []
        for _ in range(count if self.max_predictions is None else min(count, self.max_predictions)):
            best = remaining.amax(1, keepdim=True)
            if not bool((best > -torch.inf).any()):
                break
            index = _first(remaining == best)
            chosen.append(index)
            values.append(best)
            taken = windows.gather(1, index[..., None].expand(-1, -1, 2))
            lowered = self.lower(remaining, paired_hull_iou(windows, taken))
            remaining = self._enough(lowered.where(remaining > -torch.inf, -torch.inf)).scatter(1, index, -torch.inf)
        if not chosen:
            return torch.zeros_like(scores[:, :0], dtype=torch.long), scores[:, :0]
        return torch.cat(chosen, dim=1), torch.cat(values, dim=1)

    def start(self, scores: Tensor) -> Tensor:
        """Scores (B, N) before anything is taken, ``-inf`` for what is not in the running."""
        return self._enough(scores)

    def lower(self, scores: Tensor, iou: Tensor) -> Tensor:
        """Scores (B, N) after a better prediction with this overlap (B, N) was taken."""
        raise NotImplementedError

    def _enough(self, scores: Tensor) -> Tensor:
        return scores.where(scores >= self.min_score, -torch.inf)


@TASK_UTILS.register_module()
class SoftNMS(_GreedySuppression):
    """Scores of predictions that overlap a better one decay: ``s <- s exp(-IoU^2 / sigma)`` (Bodla et al., ICCV 2017).

    Args:
        threshold: Predictions that overlap no more than this keep their score.
        sigma: Width of the decay.
        max_predictions: Stop after this many; None keeps all.
        min_score: Predictions whose score decays below are dropped (SnAG).
        decay: ``gaussian`` as above, or ``linear``: ``s <- s (1 - IoU)``.
        keep_best: The best prediction of a sample stays whatever it scores, as in the official code of SnAG.

    Raises:
        ValueError: If ``decay`` is unknown.
    """

    def __init__(
        self,
        threshold: float = 0.3,
        sigma: float = 0.5,
        max_predictions: int | None = None,
        min_score: float = 0.0,
        decay: str = 'gaussian',
        keep_best: bool = False,
    ):
        super().__init__(max_predictions, min_score)
        self.threshold = threshold
        self.sigma = sigma
        self.decay = check_choice(self, 'decay', decay, _DECAYS)
        self.keep_best = keep_best

    def start(self, scores: Tensor) -> Tensor:
        """Scores with which to begin; see :meth:`_GreedySuppression.start`."""
        remaining = super().start(scores)
        return scores.where(scores == scores.amax(1, keepdim=True), remaining) if self.keep_best else remaining

    def lower(self, scores: Tensor, iou: Tensor) -> Tensor:
        """Let the scores of overlapping predictions decay; see :meth:`_GreedySuppression.lower`."""
        factor = (-iou.square() / self.sigma).exp() if self.decay == 'gaussian' else 1 - iou
        return scores * factor.where(iou > self.threshold, 1.0)


@TASK_UTILS.register_module()
class HardNMS(_GreedySuppression):
    """Predictions that overlap a better one by more than a threshold are dropped.

    Args:
        threshold: The largest overlap that is kept.
        max_predictions: Stop after this many; None keeps all.
        min_score: Predictions that score less are dropped.
    """

    def __init__(self, threshold: float = 0.7, max_predictions: int | None = None, min_score: float = 0.0):
        super().__init__(max_predictions, min_score)
        self.threshold = threshold

    def lower(self, scores: Tensor, iou: Tensor) -> Tensor:
        """Drop overlapping predictions; see :meth:`_GreedySuppression.lower`."""
        return scores.where(iou <= self.threshold, -torch.inf)


@TASK_UTILS.register_module()
class SegmentVoting:
    """A kept window becomes the mean of all that overlap it, weighted by their scores (SnAG).

    Box voting of Gidaris and Komodakis (ICCV 2015), in time.

    Args:
        threshold: Smallest overlap with the kept window of those that vote; it votes itself, too.
        power: Exponent of the scores; the larger, the less the worse ones count.
        once: A window votes for the best of those that it overlaps and for no other one.
    """

    def __init__(self, threshold: float = 0.95, power: float = 1.0, once: bool = False):
        self.threshold = threshold
        self.power = power
        self.once = once

    def __call__(self, chosen: Tensor, windows: Tensor, scores: Tensor) -> Tensor:
        """Refine windows.

        Args:
            chosen: Windows that survived (B, M, 2).
            windows: All windows (B, N, 2) in the same unit.
            scores: Their scores before suppression (B, N), ``-inf`` where there is none.

        Returns:
            (B, M, 2); windows that nothing votes for stay.
        """
        weight = scores.where(scores > -torch.inf, 0.0)
        if self.power != 1:  # relative to the best: a power of small scores could be nothing at all
            weight = (weight / weight.amax(1, keepdim=True).clamp(min=1e-12)) ** self.power
        overlaps = pairwise_iou(chosen, windows) >= self.threshold
        if self.once:  # kept windows come best first
            overlaps &= overlaps.cumsum(1) == 1
        weight = weight[:, None] * overlaps
        total = weight.sum(-1, keepdim=True)
        return torch.where(total > 0, weight @ windows / total.clamp(min=torch.finfo(total.dtype).tiny), chosen)


def _first(hits: Tensor) -> Tensor:
    """Index of the first True of every row (B, N), as (B, 1)."""
    index = torch.arange(hits.shape[1], device=hits.device)
    return index.where(hits, hits.shape[1]).amin(1, keepdim=True)
