"""Matching predictions with ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmvmr.models.builder import build_named
from mmvmr.registry import TASK_UTILS
from mmvmr.structures import MomentTargets, PredictionSet


@dataclass
class Matched:
    """Pairs of one prediction set and the ground truth, over the whole batch.

    Attributes:
        batch: Sample of every pair (M,).
        query: Query of every pair (M,), counted inside the set.
        gt: Ground-truth span of every pair (M,).
        spans: Target spans of the pairs, normalised (center, width) (M, 2).
    """

    batch: Tensor
    query: Tensor
    gt: Tensor
    spans: Tensor


@TASK_UTILS.register_module()
class HungarianAssigner:
    """One-to-one matching of minimal total cost, for all sets of a step in one transfer to the CPU (DETR).

    Args:
        costs: Named configs of match costs; a child config changes one by its name.
    """

    def __init__(self, costs: dict[str, dict[str, Any] | None]):
        self.costs = build_named(costs, TASK_UTILS)

    @torch.no_grad()
    def __call__(self, sets: list[PredictionSet], targets: MomentTargets) -> list[Matched]:
        """Match every set with its targets.

        Args:
            sets: Prediction sets. One with ``matched_gt`` is not matched but read; one with ``targets`` is matched
                with those instead of the ground truth.
            targets: Ground truth of the batch.

        Returns:
            The pairs of every set, in order; inside a set sorted by sample, then query.

        Raises:
            ValueError: If a cost is not finite (the model predicted NaN or infinity).
        """
        truths = [s.targets or (targets.spans, targets.span_mask) for s in sets]
        free = [i for i, s in enumerate(sets) if s.matched_gt is None]
        costs = [self._cost(sets[i], truths[i][0], targets) for i in free]
        pairs = iter(_solve(costs, [truths[i][1] for i in free]))
        matched = []
        for predictions, (spans, _) in zip(sets, truths):
            if predictions.matched_gt is None:
                batch, query, gt = (index.to(spans.device) for index in next(pairs))
            else:
                batch, query = (predictions.matched_gt >= 0).nonzero(as_tuple=True)
                gt = predictions.matched_gt[batch, query]
            matched.append(Matched(batch, query, gt, spans[batch, gt]))
        return matched

    def _cost(self, predictions: PredictionSet, spans: Tensor, targets: MomentTargets) -> Tensor:
        total = sum(cost(predictions, spans) for cost in self.costs.values())
        return total.expand(*predictions.spans.shape[:2], spans.shape[1]).float()


def _solve(costs: list[Tensor], masks: list[Tensor]) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Solve all assignment problems of a step after one transfer.

    Args:
        costs: Per set (B, N, G).
        masks: Per set (B, G), the valid columns, which come first.

    Returns:
        Per set the (sample, query, span) indices on the CPU.
    """
    if not costs:
        return []
    flat = torch.cat([c.flatten() for c in costs] + [m.sum(1).float() for m in masks]).cpu().numpy()
    if not np.isfinite(flat).all():
        raise ValueError(
            'the matching cost is not finite: the model predicts NaN or infinity. '
            'Lower the learning rate or check the features (tools report NaN features at load)'
        )
    from scipy.optimize import linear_sum_assignment  # half a second, and inference never matches

    counts = np.split(flat[sum(c.numel() for c in costs) :].astype(int), np.cumsum([len(m) for m in masks])[:-1])
    solved, offset = [], 0
    for cost, valid in zip(costs, counts):
        block = flat[offset : offset + cost.numel()].reshape(cost.shape)
        offset += cost.numel()
        triples = [np.empty((3, 0), np.int64)]  # under distributed training a view may have no samples here
        for sample, (matrix, n) in enumerate(zip(block, valid)):
            rows, columns = linear_sum_assignment(matrix[:, :n])
            triples.append(np.stack((np.full_like(rows, sample), rows, columns)).astype(np.int64))
        solved.append(tuple(torch.from_numpy(np.concatenate(triples, axis=1)).unbind(0)))
    return solved
