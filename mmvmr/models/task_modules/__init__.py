"""Assigners, match costs, span coders and samplers of negatives."""

from .assigner import HungarianAssigner, Matched
from .coders import AdditiveSpanCoder, LogitSpanCoder
from .match_costs import ForegroundCost, QualityCost, SpanGIoUCost, SpanL1Cost
from .negatives import RollNegativeSampler, SimilarityNegativeSampler
from .nms import HardNMS, SegmentVoting, SoftNMS
from .points import PointAssigner, PyramidPoints
from .pseudo_events import PseudoEvents

__all__ = [
    'AdditiveSpanCoder',
    'ForegroundCost',
    'HardNMS',
    'HungarianAssigner',
    'LogitSpanCoder',
    'Matched',
    'PointAssigner',
    'PseudoEvents',
    'PyramidPoints',
    'QualityCost',
    'RollNegativeSampler',
    'SegmentVoting',
    'SimilarityNegativeSampler',
    'SoftNMS',
    'SpanGIoUCost',
    'SpanL1Cost',
]
