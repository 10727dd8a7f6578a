"""Registered metrics: thin wrappers around :mod:`mmvmr.evaluation.functional`."""

from mmvmr.evaluation.metrics.highlight_metric import HighlightMetric
from mmvmr.evaluation.metrics.moment_metric import MomentRetrievalMetric
from mmvmr.evaluation.metrics.query_metric import QueryMetric
from mmvmr.evaluation.metrics.spurious_metric import SpuriousMetric

__all__ = ['HighlightMetric', 'MomentRetrievalMetric', 'QueryMetric', 'SpuriousMetric']
