"""Heads: decoded queries and encoded clips to predictions."""

from .dual_path_heads import DualPathQualityHead
from .guided_saliency_head import MomentGuidedSaliencyHead
from .moment_head import AnchorSpanHead, DirectSpanHead, ForegroundHead, MomentHead, QualityHead, RefinedSpanHead
from .point_head import CosineSaliencyHead, PointHead
from .proposal_head import ProposalHead
from .saliency_head import LinearSaliencyHead, TokenSaliencyHead

__all__ = [
    'AnchorSpanHead',
    'CosineSaliencyHead',
    'DirectSpanHead',
    'DualPathQualityHead',
    'ForegroundHead',
    'LinearSaliencyHead',
    'MomentGuidedSaliencyHead',
    'MomentHead',
    'PointHead',
    'ProposalHead',
    'QualityHead',
    'RefinedSpanHead',
    'TokenSaliencyHead',
]
