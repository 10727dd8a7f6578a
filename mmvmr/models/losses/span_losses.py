"""Losses on matched spans."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvmr.models.losses.base import SetLoss
from mmvmr.models.losses.gather import joint_ratio
from mmvmr.models.task_modules import Matched
from mmvmr.registry import MODELS
from mmvmr.structures import MomentTargets, PredictionSet, paired_giou, paired_iou, to_start_end
from mmvmr.utils import check_choice


class _MatchedSpanLoss(SetLoss):
    """Mean of a per-pair value.

    Args:
        normalizer: ``pairs`` divides by the number of pairs; ``targets`` by the number of ground-truth spans of
            the batch, so that several queries on one span add up (SA-DETR's noise groups); a config builds what
            divides, e.g. :class:`MovingCount`.
        pair_weight: Config of a factor for every pair, e.g. :class:`ShortMomentWeight`; None for 1. What divides stays
            the same.
    """

    def __init__(
        self, normalizer: str | dict[str, Any] = 'pairs', pair_weight: dict[str, Any] | None = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.pair_weight = None if pair_weight is None else MODELS.build(pair_weight)
        if isinstance(normalizer, str):
            self.normalizer = check_choice(self, 'normalizer', normalizer, ('pairs', 'targets'))
        else:
            self.normalizer = MODELS.build(normalizer)

    def forward(self, predictions: PredictionSet, matched: Matched, targets: MomentTargets) -> Tensor:
        values = self.values(predictions.spans[matched.batch, matched.query], matched.spans)
        if self.pair_weight is not None:
            values = values * self.pair_weight(matched, targets)
        if not isinstance(self.normalizer, str):
            return self.normalizer.divide(values.sum(), len(values))
        count = values.shape[0] if self.normalizer == 'pairs' else targets.span_mask.sum()
        # A batch without ground truth has no pairs: the loss is 0 and stays connected to the graph.
        return joint_ratio(values.sum(), count)

    def values(self, predicted: Tensor, wanted: Tensor) -> Tensor:
        """Loss per pair (M,) from spans (M, 2)."""
        raise NotImplementedError


@MODELS.register_module()
class ShortMomentWeight(nn.Module):
    """A factor for short moments, ``1 + extra * exp(-l^2 / (2 sigma^2))`` for one of l clips (code of LA-DETR).

    Args:
        sigma: Standard deviation of the Gaussian in clips.
        extra: Added weight of a moment of length 0; a very long one has weight 1.

    Raises:
        ValueError: If ``sigma`` is not positive, or ``extra`` is at most -1: weights would not be positive.
    """

    def __init__(self, sigma: float, extra: float = 1.0):
        super().__init__()
        if sigma <= 0 or extra <= -1:
            raise ValueError(f'ShortMomentWeight: sigma={sigma}, extra={extra}, expected sigma > 0 and extra > -1')
        self.sigma = sigma
        self.extra = extra

    def forward(self, matched: Matched, targets: MomentTargets) -> Tensor:
        """Weigh the pairs (M,) by the length of their moments."""
        length = matched.spans[:, 1] * targets.clip_mask.sum(1)[matched.batch]
        return 1 + self.extra * torch.exp(-0.5 * (length / self.sigma).square())


@MODELS.register_module()
class SpanL1Loss(_MatchedSpanLoss):
    """Absolute error, averaged over the two coordinates and the pairs (Moment-DETR).

    Args:
        windows: Compare (start, end) instead of (center, width) (BAM-DETR).
        beta: Errors below this count by their square, ``e^2 / (2 beta)``, and the others ``beta / 2`` less (smooth
            L1, UniVTG: 1, which every error is below); 0 for the absolute error.
        coordinates: Take the ``mean`` over the two coordinates, or the ``sum`` (UniVTG).
        normalizer, pair_weight: See :class:`_MatchedSpanLoss`.
        kwargs: ``weight``, ``sets`` and ``final_only`` of :class:`SetLoss`.

    Raises:
        ValueError: If ``coordinates`` is unknown.
    """

    def __init__(self, windows: bool = False, beta: float = 0.0, coordinates: str = 'mean', **kwargs: Any):
        super().__init__(**kwargs)
        self.windows = windows
        self.beta = beta
        self.coordinates = check_choice(self, 'coordinates', coordinates, ('mean', 'sum'))

    def values(self, predicted: Tensor, wanted: Tensor) -> Tensor:
        """Loss per pair (M,) from spans (M, 2)."""
        if self.windows:
            predicted, wanted = to_start_end(predicted), to_start_end(wanted)
        error = F.smooth_l1_loss(predicted, wanted, reduction='none', beta=self.beta)
        return error.mean(-1) if self.coordinates == 'mean' else error.sum(-1)


@MODELS.register_module()
class SpanGIoULoss(_MatchedSpanLoss):
    """``1 - gIoU``, averaged over the pairs (Moment-DETR).

    Args:
        normalizer, pair_weight: See :class:`_MatchedSpanLoss`.
        kwargs: ``weight``, ``sets`` and ``final_only`` of :class:`SetLoss`.
    """

    def values(self, predicted: Tensor, wanted: Tensor) -> Tensor:
        """Loss per pair (M,) from spans (M, 2)."""
        return 1 - paired_giou(to_start_end(predicted), to_start_end(wanted))


@MODELS.register_module()
class SpanIoULoss(_MatchedSpanLoss):
    """``1 - IoU + d^2``, averaged over the pairs (SnAG; Zheng et al., AAAI 2020).

    Args:
        distance: What d is: ``none``, or the distance of the ``center`` of both over the length of their hull (DIoU).
            The published name of ``none`` is GIoU, which is the same where both spans contain the point that
            predicts.
        normalizer, pair_weight: See :class:`_MatchedSpanLoss`.
        kwargs: ``weight``, ``sets`` and ``final_only`` of :class:`SetLoss`.

    Raises:
        ValueError: If ``distance`` is unknown.
    """

    def __init__(self, distance: str = 'center', **kwargs: Any):
        super().__init__(**kwargs)
        self.distance = check_choice(self, 'distance', distance, ('none', 'center'))

    def values(self, predicted: Tensor, wanted: Tensor) -> Tensor:
        """Loss per pair (M,) from spans (M, 2)."""
        a, b = to_start_end(predicted), to_start_end(wanted)
        loss = 1 - paired_iou(a, b)
        if self.distance == 'none':
            return loss
        hull = torch.maximum(a[:, 1], b[:, 1]) - torch.minimum(a[:, 0], b[:, 0])
        return loss + ((predicted[:, 0] - wanted[:, 0]) / hull.clamp(min=torch.finfo(hull.dtype).tiny)).square()
