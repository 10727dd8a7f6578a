"""Suppression of predictions that repeat a better one."""

from __future__ import annotations

import torch
from torch import Tensor

from mmvmr.registry import TASK_UTILS

from ...structures import pairwise_iou


@TASK_UTILS.register_module()
class SoftNMS:
    """Scores of predictions that overlap a better one decay: ``s <- s exp(-IoU^2 / sigma)`` (Bodla et al., ICCV 2017).

    Greedy, for all samples at once: every step takes the best remaining prediction of each sample. On intervals the
    official code of BAM-DETR divides by the hull instead of the union, which is the same wherever two overlap.

    Args:
        threshold: Predictions that overlap no more than this keep their score.
        sigma: Width of the decay.
        max_predictions: Stop after this many; None keeps all.
    """

    def __init__(self, threshold: float = 0.3, sigma: float = 0.5, max_predictions: int | None = None):
        self.threshold = threshold
        self.sigma = sigma
        self.max_predictions = max_predictions

    def __call__(self, windows: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Rank predictions anew.

        Args:
            windows: (start, end) in any unit (B, N, 2).
            scores: Non-negative scores (B, N).

        Returns:
            Indices of the kept predictions (B, M), best first, and their scores (B, M). Of equal scores the first
            counts as better.
        """
        count = scores.shape[1]
        iou = pairwise_iou(windows, windows)
        decay = torch.where(iou > self.threshold, (-iou.square() / self.sigma).exp(), 1.0)  # symmetric (B, N, N)
        remaining = scores.clone()
        kept, values = [], []
        for _ in range(count if self.max_predictions is None else min(count, self.max_predictions)):
            best = remaining.amax(1, keepdim=True)
            index = _first(remaining == best)
            kept.append(index)
            values.append(best)
            remaining = remaining * decay.gather(1, index[..., None].expand(-1, -1, count)).squeeze(1)
            remaining = remaining.scatter(1, index, -torch.inf)
        if not kept:
            return torch.zeros_like(scores, dtype=torch.long), scores
        return torch.cat(kept, dim=1), torch.cat(values, dim=1)


def _first(found: Tensor) -> Tensor:
    """Index of the first True of every row (B, N), as (B, 1)."""
    index = torch.arange(found.shape[1], device=found.device)
    return index.where(found, found.shape[1]).amin(1, keepdim=True)
