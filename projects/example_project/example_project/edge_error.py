"""A metric: how far the ends of the best prediction are off."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmvmr.evaluation.metrics import QueryMetric
from mmvmr.registry import METRICS


@METRICS.register_module()
class EdgeErrorMetric(QueryMetric):
    """Mean distance in seconds of start and end of the best-scored prediction from the nearest true moment.

    Names of the figures: ``start-error`` and ``end-error``. The base class collects every query once, also under
    distributed evaluation.
    """

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Average over the queries that have a true moment.

        Args:
            results: One dict per query with ``prediction`` (published form) and ``annotation``.

        Returns:
            The two figures; empty where nothing is labelled.
        """
        errors = []
        for result in results:
            truth = np.asarray(result['annotation'].get('relevant_windows') or [], dtype=float).reshape(-1, 2)
            if len(truth):
                start, end, _ = result['prediction']['pred_relevant_windows'][0]
                distance = np.abs(truth - (start, end))
                errors.append(distance[distance.sum(1).argmin()])
        if not errors:
            return {}
        start_error, end_error = np.mean(errors, axis=0)
        return {'start-error': float(start_error), 'end-error': float(end_error)}
