"""Evaluation: pure numpy functions (:mod:`.functional`) and the registered metrics that wrap them.

Importing this package loads neither torch nor mmengine: predictions can be scored on a machine that has only numpy.
The registered wrappers are loaded on first use.
"""

from typing import Any

__all__ = ['HighlightMetric', 'MomentRetrievalMetric', 'SpuriousMetric']


def __getattr__(name: str) -> Any:
    """Load the registered metrics, which need torch and mmengine, only when asked for."""
    if name in __all__:
        from mmvmr.evaluation import metrics

        return getattr(metrics, name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
