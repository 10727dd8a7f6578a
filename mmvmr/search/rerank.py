"""Re-ranking of predicted moments by a scorer of one's choice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from mmvmr.evaluation.functional import InputError

WINDOWS = 'pred_relevant_windows'


class Scorer(Protocol):
    """A judge of moments, registered in :data:`mmvmr.registry.SCORERS`; its arguments are the options."""

    def score(self, row: Mapping[str, Any], windows: np.ndarray) -> np.ndarray:
        """Score windows of a query.

        Args:
            row: The annotation of the query, with ``qid``, ``query``, ``vid`` and ``duration``.
            windows: Start and end in seconds (N, 2), at least one.

        Returns:
            A finite number per window (N,), higher is better; only its order and ratios of differences count.
        """


def rerank(
    predictions: Sequence[Mapping[str, Any]],
    annotations: Sequence[Mapping[str, Any]],
    scorer: Scorer,
    weight: float = 0.5,
) -> Iterator[dict[str, Any]]:
    """Rank the moments of every query anew.

    The new score is ``(1 - weight) * a + weight * b`` with a the score in the file and b that of the scorer, both
    brought to [0, 1] over the moments of the query (0 where all are equal). Of equal ones the first stays in front.

    Args:
        predictions: Rows with ``qid`` and ``pred_relevant_windows``, as :func:`check_predictions` accepts them.
        annotations: Rows with the same qids.
        scorer: See :class:`Scorer`.
        weight: Share of the scorer: 0 keeps the order of the scores, 1 is the scorer alone.

    Yields:
        The rows with their moments in the new order, everything else as it was.

    Raises:
        InputError: If the scorer does not give a finite number per window, or the weight is not in [0, 1].
    """
    if not 0 <= weight <= 1:
        raise InputError(f'weight={weight}, expected a number from 0 to 1')
    truth = {row['qid']: row for row in annotations}
    for row in predictions:
        if not row.get(WINDOWS):
            yield dict(row)
            continue
        windows = np.asarray(row[WINDOWS], dtype=float)
        given = np.asarray(scorer.score(truth[row['qid']], windows[:, :2]), dtype=float)
        if given.shape != (len(windows),) or not np.isfinite(given).all():
            raise InputError(
                f'{type(scorer).__name__}: scores of qid {row["qid"]!r} have shape {given.shape}, expected '
                f'{len(windows)} finite numbers'
            )
        mixed = (1 - weight) * unit_range(windows[:, 2]) + weight * unit_range(given)
        order = np.argsort(-mixed, kind='stable')
        yield {**row, WINDOWS: [[*row[WINDOWS][i][:2], round(float(mixed[i]), 6)] for i in order]}


def unit_range(values: np.ndarray) -> np.ndarray:
    """Values (N,) of which the lowest becomes 0 and the highest 1; zeros where all are equal."""
    low, high = values.min(), values.max()
    return np.zeros_like(values) if high == low else (values - low) / (high - low)
