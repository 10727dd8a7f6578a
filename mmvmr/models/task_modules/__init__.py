"""Assigners, match costs, span coders and samplers of negatives."""

from mmvmr.models.task_modules.assigner import HungarianAssigner, Matched
from mmvmr.models.task_modules.coders import AdditiveSpanCoder, LogitSpanCoder
from mmvmr.models.task_modules.lengthwise import LengthwiseAssigner
from mmvmr.models.task_modules.match_costs import ForegroundCost, QualityCost, SpanGIoUCost, SpanL1Cost
from mmvmr.models.task_modules.negatives import RollNegativeSampler, SimilarityNegativeSampler
from mmvmr.models.task_modules.nms import HardNMS, SegmentVoting, SoftNMS
from mmvmr.models.task_modules.points import PointAssigner, PyramidPoints
from mmvmr.models.task_modules.pseudo_events import PseudoEvents

__all__ = [
    'AdditiveSpanCoder',
    'ForegroundCost',
    'HardNMS',
    'HungarianAssigner',
    'LengthwiseAssigner',
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
