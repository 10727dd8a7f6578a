"""Losses: named terms that :class:`mmvmr.models.criterion.MomentCriterion` adds up."""

from .base import DenseLoss, SetLoss
from .saliency_losses import SaliencyMarginLoss, SaliencyNegativeLoss, SaliencyRankLoss, rank_contrastive
from .score_losses import ForegroundLoss, QualityLoss
from .span_losses import SpanGIoULoss, SpanL1Loss

__all__ = [
    'DenseLoss',
    'ForegroundLoss',
    'QualityLoss',
    'SaliencyMarginLoss',
    'SaliencyNegativeLoss',
    'SaliencyRankLoss',
    'SetLoss',
    'SpanGIoULoss',
    'SpanL1Loss',
    'rank_contrastive',
]
