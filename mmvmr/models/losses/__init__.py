"""Losses: named terms that :class:`mmvmr.models.criterion.MomentCriterion` adds up."""

from mmvmr.models.losses.alignment_losses import ClipTextLocalLoss, VideoTextContrastiveLoss
from mmvmr.models.losses.base import DenseLoss, SetLoss
from mmvmr.models.losses.boundary_losses import BoundaryEvidenceLoss
from mmvmr.models.losses.clip_text_losses import ClipClassLoss, ClipTextInterLoss, ClipTextIntraLoss
from mmvmr.models.losses.correlation_losses import (
    AttentionDistillLoss,
    MomentClipLoss,
    MomentDummyLoss,
    MomentSentenceLoss,
    OrthogonalTokenLoss,
)
from mmvmr.models.losses.existence_losses import ExistenceLoss
from mmvmr.models.losses.frame_losses import FrameGuidanceLoss, PooledAlignmentLoss
from mmvmr.models.losses.injection_losses import SpatialDynamicLoss, VisualContextLoss
from mmvmr.models.losses.layer_losses import LayerContrastLoss
from mmvmr.models.losses.point_losses import (
    ClipAwareScoreLoss,
    ClipForegroundLoss,
    MovingCount,
    PointFocalLoss,
    PointForegroundLoss,
    PointOffsetLoss,
)
from mmvmr.models.losses.proposal_losses import MomentToSentenceLoss, ProposalIoULoss, SentenceToMomentLoss
from mmvmr.models.losses.saliency_losses import (
    ClipAttentionLoss,
    SaliencyMarginLoss,
    SaliencyNegativeLoss,
    SaliencyRankLoss,
)
from mmvmr.models.losses.score_losses import (
    BalancedQualityLoss,
    FocalForegroundLoss,
    ForegroundErrorLoss,
    ForegroundLoss,
    QualityLoss,
    QualityMarginLoss,
)
from mmvmr.models.losses.similarity_losses import ClipSentenceLoss, VideoSentenceLoss
from mmvmr.models.losses.span_losses import ShortMomentWeight, SpanGIoULoss, SpanIoULoss, SpanL1Loss

__all__ = [
    'AttentionDistillLoss',
    'BalancedQualityLoss',
    'BoundaryEvidenceLoss',
    'ClipAttentionLoss',
    'ClipAwareScoreLoss',
    'ClipClassLoss',
    'ClipForegroundLoss',
    'ClipSentenceLoss',
    'ClipTextInterLoss',
    'ClipTextIntraLoss',
    'ClipTextLocalLoss',
    'DenseLoss',
    'ExistenceLoss',
    'FocalForegroundLoss',
    'ForegroundErrorLoss',
    'ForegroundLoss',
    'FrameGuidanceLoss',
    'LayerContrastLoss',
    'MomentClipLoss',
    'MomentDummyLoss',
    'MomentSentenceLoss',
    'MomentToSentenceLoss',
    'MovingCount',
    'OrthogonalTokenLoss',
    'PointFocalLoss',
    'PointForegroundLoss',
    'PointOffsetLoss',
    'PooledAlignmentLoss',
    'ProposalIoULoss',
    'QualityLoss',
    'QualityMarginLoss',
    'SaliencyMarginLoss',
    'SaliencyNegativeLoss',
    'SaliencyRankLoss',
    'SentenceToMomentLoss',
    'SetLoss',
    'ShortMomentWeight',
    'SpanGIoULoss',
    'SpanIoULoss',
    'SpanL1Loss',
    'SpatialDynamicLoss',
    'VideoSentenceLoss',
    'VideoTextContrastiveLoss',
    'VisualContextLoss',
]
