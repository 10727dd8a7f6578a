"""Heads: decoded queries and encoded clips to predictions."""

from mmvmr.models.heads.dual_path_heads import DualPathQualityHead
from mmvmr.models.heads.existence_head import ExistenceHead
from mmvmr.models.heads.guided_saliency_head import MomentGuidedSaliencyHead
from mmvmr.models.heads.moment_head import (
    AnchorSpanHead,
    DirectSpanHead,
    ForegroundHead,
    MomentHead,
    QualityHead,
    RefinedSpanHead,
)
from mmvmr.models.heads.point_head import CosineSaliencyHead, LevelSaliencyHead, PointHead, ScoreRefinement
from mmvmr.models.heads.proposal_head import ProposalHead
from mmvmr.models.heads.relevance_head import RelevanceHead
from mmvmr.models.heads.saliency_head import LinearSaliencyHead, TokenSaliencyHead

__all__ = [
    'AnchorSpanHead',
    'CosineSaliencyHead',
    'DirectSpanHead',
    'DualPathQualityHead',
    'ExistenceHead',
    'ForegroundHead',
    'LevelSaliencyHead',
    'LinearSaliencyHead',
    'MomentGuidedSaliencyHead',
    'MomentHead',
    'PointHead',
    'ProposalHead',
    'QualityHead',
    'RefinedSpanHead',
    'RelevanceHead',
    'ScoreRefinement',
    'TokenSaliencyHead',
]
