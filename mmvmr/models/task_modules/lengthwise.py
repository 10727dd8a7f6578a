"""Matching inside classes of length (LA-DETR)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmvmr.models.task_modules.assigner import HungarianAssigner, Matched
from mmvmr.registry import TASK_UTILS
from mmvmr.structures import MomentTargets, PredictionSet

#: Cost of a pair of different classes, far above any other: as few of them as possible are matched, and then removed.
_FORBIDDEN = 1e6


@TASK_UTILS.register_module()
class LengthwiseAssigner(HungarianAssigner):
    """One-to-one matching in which every query only takes moments of its class of length (LA-DETR).

    The N queries of a set are C blocks of N / C, one for each class, the shortest first. A moment belongs to the first
    class whose bound it does not exceed. Where a class has more moments than queries, those of the largest cost stay
    unmatched. Sets of other names are matched as usual.

    Args:
        costs: Named configs of match costs.
        bounds: Longest moment of every class but the last, in clips, ascending; there is one class more.
        sets: Names of the sets whose queries have classes.

    Raises:
        ValueError: If the bounds are not positive and ascending.
    """

    def __init__(
        self, costs: dict[str, dict[str, Any] | None], bounds: Sequence[float], sets: Sequence[str] = ('direct',)
    ):
        super().__init__(costs)
        self.bounds = [float(bound) for bound in bounds]
        if not self.bounds or self.bounds[0] <= 0 or self.bounds != sorted(set(self.bounds)):
            raise ValueError(f'LengthwiseAssigner: bounds={list(bounds)}, expected positive lengths in ascending order')
        self.sets = tuple(sets)

    @torch.no_grad()
    def __call__(self, sets: list[PredictionSet], targets: MomentTargets) -> list[Matched]:
        """Match every set; see :meth:`HungarianAssigner.__call__`."""
        matched = super().__call__(sets, targets)
        for i, (predictions, pairs) in enumerate(zip(sets, matched)):
            if self._has_classes(predictions):
                same = self._same_class(predictions, targets)[pairs.batch, pairs.query, pairs.gt]
                matched[i] = Matched(pairs.batch[same], pairs.query[same], pairs.gt[same], pairs.spans[same])
        return matched

    def _has_classes(self, predictions: PredictionSet) -> bool:
        return predictions.name in self.sets and predictions.matched_gt is None and predictions.targets is None

    def _same_class(self, predictions: PredictionSet, targets: MomentTargets) -> Tensor:
        """Queries and moments of the same class (B, N, G)."""
        number, classes = predictions.spans.shape[1], len(self.bounds) + 1
        if number % classes:
            raise ValueError(
                f'LengthwiseAssigner: {number} queries for {classes} classes of length, expected a multiple: '
                'put LengthwiseQueryInitializer around model.query_initializer'
            )
        clips = targets.spans[..., 1] * targets.clip_mask.sum(1, keepdim=True)
        # A width that was normalised and scaled back is a few parts in a million off.
        wanted = torch.bucketize(clips * (1 - 1e-5), clips.new_tensor(self.bounds))
        class_of_query = torch.arange(number, device=clips.device) // (number // classes)
        return class_of_query[:, None] == wanted[:, None]

    def _cost(self, predictions: PredictionSet, spans: Tensor, targets: MomentTargets) -> Tensor:
        cost = super()._cost(predictions, spans, targets)
        if self._has_classes(predictions):
            cost = cost.where(self._same_class(predictions, targets) | ~cost.isfinite(), _FORBIDDEN)
        return cost
