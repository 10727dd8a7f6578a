"""Costs of matching predictions with ground-truth spans; an assigner adds them up."""

from __future__ import annotations

from torch import Tensor

from mmvmr.registry import TASK_UTILS
from mmvmr.structures import PredictionSet, pairwise_giou, to_start_end


@TASK_UTILS.register_module()
class SpanL1Cost:
    """L1 distance of (center, width), summed over the two coordinates (DETR).

    Args:
        weight: Factor of the cost.
        windows: Compare (start, end), clamped to [0, 1], instead (BAM-DETR).
    """

    def __init__(self, weight: float = 1.0, windows: bool = False):
        self.weight = weight
        self.windows = windows

    def __call__(self, predictions: PredictionSet, spans: Tensor) -> Tensor:
        """Cost (B, N, G) of a set with spans (B, N, 2) against ground truth (B, G, 2)."""
        predicted = predictions.spans
        if self.windows:
            predicted, spans = to_start_end(predicted).clamp(0, 1), to_start_end(spans).clamp(0, 1)
        return self.weight * (predicted[:, :, None] - spans[:, None]).abs().sum(-1)


@TASK_UTILS.register_module()
class SpanGIoUCost:
    """Negative generalised IoU (DETR).

    Args:
        weight: Factor of the cost.
        clamp: Clamp spans to [0, 1] first (BAM-DETR).
    """

    def __init__(self, weight: float = 1.0, clamp: bool = False):
        self.weight = weight
        self.clamp = clamp

    def __call__(self, predictions: PredictionSet, spans: Tensor) -> Tensor:
        """Compute the cost; arguments as in :meth:`SpanL1Cost.__call__`."""
        predicted, spans = to_start_end(predictions.spans), to_start_end(spans)
        if self.clamp:
            predicted, spans = predicted.clamp(0, 1), spans.clamp(0, 1)
        return -self.weight * pairwise_giou(predicted, spans)


@TASK_UTILS.register_module()
class ForegroundCost:
    """Negative softmax probability of the foreground; zero for sets without logits (DETR).

    Args:
        weight: Factor of the cost.
    """

    def __init__(self, weight: float = 1.0):
        self.weight = weight

    def __call__(self, predictions: PredictionSet, spans: Tensor) -> Tensor | float:
        """Compute the cost; arguments as in :meth:`SpanL1Cost.__call__`."""
        if predictions.logits is None:
            return 0.0
        return -self.weight * predictions.logits.softmax(-1)[..., :1]


@TASK_UTILS.register_module()
class QualityCost:
    """Negative predicted quality; zero for sets without quality (SA-DETR).

    Args:
        weight: Factor of the cost.
    """

    def __init__(self, weight: float = 1.0):
        self.weight = weight

    def __call__(self, predictions: PredictionSet, spans: Tensor) -> Tensor | float:
        """Compute the cost; arguments as in :meth:`SpanL1Cost.__call__`."""
        if predictions.quality is None:
            return 0.0
        return -self.weight * predictions.quality[..., None]
