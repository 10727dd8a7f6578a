"""Existence of a moment: scores, and figures of the decision that a query has none (over ``Q`` queries)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmvmr.evaluation.functional.padding import Bools, Floats
from mmvmr.evaluation.functional.validation import EXIST_KEY, WINDOWS_KEY
from mmvmr.evaluation.functional.values import Row


def existence_scores(predictions: Sequence[Row]) -> Floats:
    """Existence scores (Q,): ``pred_exist_score``; where a row has none, the highest score of its windows, else 0."""
    return np.array(
        [
            max((window[2] for window in row[WINDOWS_KEY]), default=0.0)
            if row.get(EXIST_KEY) is None
            else row[EXIST_KEY]
            for row in predictions
        ],
        dtype=np.float64,
    )


def area_under_roc(positive: Bools, scores: Floats) -> float:
    """Area under the ROC curve: how often a positive query scores above a negative one, ties counting half.

    Both arguments are (Q,). The result is in [0, 1], NaN where one of the two kinds is missing.
    """
    _, level = np.unique(scores, return_inverse=True)
    above, below = (np.bincount(level[kind], minlength=level.max() + 1) for kind in (positive, ~positive))
    lower = np.cumsum(below) - below
    pairs = above.sum() * below.sum()
    return float((above * (lower + below / 2)).sum() / pairs) if pairs else math.nan


def rejection_figures(positive: Bools, scores: Floats, threshold: float) -> dict[str, Any]:
    """Figures of the decision that a query has no moment, taken where its score is at most the threshold.

    Args:
        positive: Which queries have a moment (Q,).
        scores: Existence scores (Q,).
        threshold: Score above which a query is taken to have one.

    Returns:
        ``Rej-F1``, ``Acc``, ``Rej-P``, ``Rej-R`` in [0, 1], 0 where nothing is rejected; and the four counts, where
        a query with a moment is the positive case.
    """
    accepted = scores > threshold
    counts = {
        'TP': int((positive & accepted).sum()),
        'TN': int((~positive & ~accepted).sum()),
        'FP': int((~positive & accepted).sum()),
        'FN': int((positive & ~accepted).sum()),
    }
    right = counts['TN']
    precision, recall = right / max(right + counts['FN'], 1), right / max(right + counts['FP'], 1)
    figures = {
        'Rej-F1': 2 * precision * recall / (precision + recall) if right else 0.0,
        'Acc': (counts['TP'] + right) / max(len(scores), 1),
        'Rej-P': precision,
        'Rej-R': recall,
    }
    return {**figures, **counts}


def best_rejection(positive: Bools, scores: Floats) -> float:
    """Highest Rej-F1 of all thresholds: what a threshold chosen with the labels in view would reach.

    Both arguments are (Q,). The result is in [0, 1], NaN where one of the two kinds is missing.
    """
    if positive.all() or not positive.any():
        return math.nan
    values, level = np.unique(scores, return_inverse=True)
    rejected, right = (np.cumsum(np.bincount(level, kind, minlength=len(values))) for kind in (None, ~positive))
    return float((2 * right / (rejected + (~positive).sum())).max())
