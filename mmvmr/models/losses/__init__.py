"""Losses: named terms that :class:`mmvmr.models.criterion.MomentCriterion` adds up."""

from .alignment_losses import (
    ClipClassLoss,
    ClipTextInterLoss,
    ClipTextIntraLoss,
    ClipTextLocalLoss,
    VideoTextContrastiveLoss,
)
from .base import DenseLoss, SetLoss
from .boundary_losses import BoundaryEvidenceLoss
from .correlation_losses import (
    AttentionDistillLoss,
    MomentClipLoss,
    MomentDummyLoss,
    MomentSentenceLoss,
    OrthogonalTokenLoss,
)
from .frame_losses import FrameGuidanceLoss, PooledAlignmentLoss
from .injection_losses import SpatialDynamicLoss, VisualContextLoss
from .point_losses import ClipForegroundLoss, MovingCount, PointFocalLoss, PointForegroundLoss
from .proposal_losses import MomentToSentenceLoss, ProposalIoULoss, SentenceToMomentLoss
from .saliency_losses import (
    ClipAttentionLoss,
    SaliencyMarginLoss,
    SaliencyNegativeLoss,
    SaliencyRankLoss,
    rank_contrastive,
)
from .score_losses import (
    BalancedQualityLoss,
    FocalForegroundLoss,
    ForegroundErrorLoss,
    ForegroundLoss,
    QualityLoss,
    QualityMarginLoss,
)
from .similarity_losses import ClipSentenceLoss, VideoSentenceLoss
from .span_losses import SpanGIoULoss, SpanIoULoss, SpanL1Loss

__all__ = [
    'AttentionDistillLoss',
    'BalancedQualityLoss',
    'BoundaryEvidenceLoss',
    'ClipAttentionLoss',
    'ClipClassLoss',
    'ClipForegroundLoss',
    'ClipSentenceLoss',
    'ClipTextInterLoss',
    'ClipTextIntraLoss',
    'ClipTextLocalLoss',
    'DenseLoss',
    'FocalForegroundLoss',
    'ForegroundErrorLoss',
    'ForegroundLoss',
    'FrameGuidanceLoss',
    'MomentClipLoss',
    'MomentDummyLoss',
    'MomentSentenceLoss',
    'MomentToSentenceLoss',
    'MovingCount',
    'OrthogonalTokenLoss',
    'PointFocalLoss',
    'PointForegroundLoss',
    'PooledAlignmentLoss',
    'ProposalIoULoss',
    'QualityLoss',
    'QualityMarginLoss',
    'SaliencyMarginLoss',
    'SaliencyNegativeLoss',
    'SaliencyRankLoss',
    'SentenceToMomentLoss',
    'SetLoss',
    'SpanGIoULoss',
    'SpanIoULoss',
    'SpanL1Loss',
    'SpatialDynamicLoss',
    'VideoSentenceLoss',
    'VideoTextContrastiveLoss',
    'VisualContextLoss',
    'rank_contrastive',
]
