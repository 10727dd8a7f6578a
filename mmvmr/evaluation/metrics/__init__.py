"""Registered metrics: thin wrappers around :mod:`mmvmr.evaluation.functional`."""

from .highlight_metric import HighlightMetric
from .moment_metric import MomentRetrievalMetric
from .query_metric import QueryMetric
from .spurious_metric import SpuriousMetric

__all__ = ['HighlightMetric', 'MomentRetrievalMetric', 'QueryMetric', 'SpuriousMetric']
