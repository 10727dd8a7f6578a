"""Losses on matched spans."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mmvmr.registry import MODELS

from ...structures import MomentTargets, PredictionSet, paired_giou, to_start_end
from ..task_modules import Matched
from .base import SetLoss
from .gather import joint_ratio


class _MatchedSpanLoss(SetLoss):
    """Mean of a per-pair value.

    Args:
        normalizer: ``pairs`` divides by the number of pairs; ``targets`` by the number of ground-truth spans of
            the batch, so that several queries on one span add up (SA-DETR's noise groups).
    """

    def __init__(self, normalizer: str = 'pairs', **kwargs: Any):
        super().__init__(**kwargs)
        if normalizer not in ('pairs', 'targets'):
            raise ValueError(f"normalizer={normalizer!r} is unknown, expected 'pairs' or 'targets'")
        self.normalizer = normalizer

    def forward(self, predictions: PredictionSet, matched: Matched, targets: MomentTargets) -> Tensor:
        values = self.values(predictions.spans[matched.batch, matched.query], matched.spans)
        count = values.shape[0] if self.normalizer == 'pairs' else targets.span_mask.sum()
        # A batch without ground truth has no pairs: the loss is 0 and stays connected to the graph.
        return joint_ratio(values.sum(), count)

    def values(self, found: Tensor, wanted: Tensor) -> Tensor:
        """Loss per pair (M,) from spans (M, 2)."""
        raise NotImplementedError


@MODELS.register_module()
class SpanL1Loss(_MatchedSpanLoss):
    """Absolute error, averaged over the two coordinates and the pairs (Moment-DETR).

    Args:
        windows: Compare (start, end) instead of (center, width) (BAM-DETR).
        normalizer: See :class:`_MatchedSpanLoss`.
        weight: Factor in the total.
        sets: Names of the sets that it applies to.
        final_only: Leave intermediate decoder layers out.
    """

    def __init__(self, windows: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.windows = windows

    def values(self, found: Tensor, wanted: Tensor) -> Tensor:
        """Loss per pair (M,) from spans (M, 2)."""
        if self.windows:
            found, wanted = to_start_end(found), to_start_end(wanted)
        return (found - wanted).abs().mean(-1)


@MODELS.register_module()
class SpanGIoULoss(_MatchedSpanLoss):
    """``1 - gIoU``, averaged over the pairs (Moment-DETR).

    Args:
        normalizer: See :class:`_MatchedSpanLoss`.
        weight: Factor in the total.
        sets: Names of the sets that it applies to.
        final_only: Leave intermediate decoder layers out.
    """

    def values(self, found: Tensor, wanted: Tensor) -> Tensor:
        """Loss per pair (M,) from spans (M, 2)."""
        return 1 - paired_giou(to_start_end(found), to_start_end(wanted))
