"""Assigners, match costs, span coders and samplers of negatives."""

from .assigner import HungarianAssigner, Matched
from .coders import AdditiveSpanCoder, LogitSpanCoder
from .match_costs import ForegroundCost, QualityCost, SpanGIoUCost, SpanL1Cost
from .negatives import RollNegativeSampler, SimilarityNegativeSampler
from .nms import SoftNMS
from .pseudo_events import PseudoEvents

__all__ = [
    'AdditiveSpanCoder',
    'ForegroundCost',
    'HungarianAssigner',
    'LogitSpanCoder',
    'Matched',
    'PseudoEvents',
    'QualityCost',
    'RollNegativeSampler',
    'SimilarityNegativeSampler',
    'SoftNMS',
    'SpanGIoUCost',
    'SpanL1Cost',
]
