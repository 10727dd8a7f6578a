"""Assigners, match costs, span coders and samplers of negatives."""

from mmvmr.models.task_modules.assigner import HungarianAssigner, Matched
from mmvmr.models.task_modules.coders import AdditiveSpanCoder, LogitSpanCoder
from mmvmr.models.task_modules.lengthwise import LengthwiseAssigner
from mmvmr.models.task_modules.match_costs import ForegroundCost, QualityCost, SpanGIoUCost, SpanL1Cost
from mmvmr.models.task_modules.negatives import (
    NextVideoSampler,
    RollNegativeSampler,
    SimilarityNegativeSampler,
    SimilarSentenceSampler,
)
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
    'NextVideoSampler',
    'PointAssigner',
    'PseudoEvents',
    'PyramidPoints',
    'QualityCost',
    'RollNegativeSampler',
    'SegmentVoting',
    'SimilarSentenceSampler',
    'SimilarityNegativeSampler',
    'SoftNMS',
    'SpanGIoUCost',
    'SpanL1Cost',
]
