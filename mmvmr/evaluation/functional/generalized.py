"""Generalized moment retrieval: a sentence may describe nothing in the video, one moment, or several.

The figures of the Soccer-GMR evaluator (Generalized Moment Retrieval, 2026), under its names: whether a query has a
moment at all (``AUROC``, ``Rej-F1``, ``Acc``), the moments of the queries that have some (``mAP``, ``mR@k``,
``mR+@k``, ``mIoU@k``, ``mIoU+@k``), and both together over all queries (``G-mIoU@k``). ``mAP-all`` and ``Rej-F1-max``
are additions.

Shapes use ``Q`` queries, ``P`` predictions, ``G`` ground-truth windows and ``T`` IoU thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmvmr.evaluation.functional.existence import area_under_roc, best_rejection, existence_scores, rejection_figures
from mmvmr.evaluation.functional.moment import MISSING, MomentBatch
from mmvmr.evaluation.functional.padding import Bools, Floats, Rows, as_lists
from mmvmr.evaluation.functional.validation import WINDOWS_KEY
from mmvmr.evaluation.functional.values import Row


@dataclass(frozen=True)
class ExistenceRule:
    """Rule by which a protocol scores queries that may have no moment.

    Attributes:
        ranks: The k of ``G-mIoU@k``, ``mR@k``, ``mR+@k``, ``mIoU@k`` and ``mIoU+@k``.
        thresholds: Existence scores above which a query is taken to have a moment, for ``Rej-F1@t`` and ``Acc@t``.
        gate: The one of ``G-mIoU@k`` and ``mAP-all``, where predictions of the other queries count as none.
    """

    ranks: tuple[int, ...] = (1, 3, 5)
    thresholds: tuple[float, ...] = (0.4, 0.6)
    gate: float = 0.4


def greedy_overlaps(iou: Floats, thresholds: Sequence[float]) -> Floats:
    """Match predictions in the order of the file, each to the free ground-truth window that it overlaps most.

    Args:
        iou: Pairwise IoU (Q, P, G), negative where either window does not exist.
        thresholds: T smallest IoUs of a match; 0 matches windows that do not overlap at all, too.

    Returns:
        IoU of every match (Q, P, T), :data:`MISSING` where a prediction has none.
    """
    least = np.asarray(thresholds, dtype=np.float64)[:, None]
    free = np.ones((len(iou), len(least), iou.shape[2]), dtype=bool)
    result = np.full((*iou.shape[:2], len(least)), MISSING)
    for p in range(iou.shape[1]):
        overlap = iou[:, p, None, :]
        candidate = np.where(free & (overlap >= least), overlap, MISSING)
        best = candidate.argmax(axis=-1)[..., None]
        result[:, p] = np.take_along_axis(candidate, best, -1)[..., 0]
        taken = np.take_along_axis(free, best, -1) & (result[:, p, :, None] == MISSING)
        np.put_along_axis(free, best, taken, -1)
    return result


def _mean_match(matched: Floats, skip: int) -> Floats:
    """Mean IoU of the matches of every query without its ``skip`` best ones: (Q, P) to (Q,)."""
    ordered = -np.sort(-matched, axis=1)[:, skip:]
    exists = ordered != MISSING
    return np.asarray((ordered * exists).sum(axis=1) / np.maximum(exists.sum(axis=1), 1))


def _spread(values: Floats, rows: Bools) -> Floats:
    result = np.full((len(rows), *values.shape[1:]), np.nan)
    result[rows] = values
    return result


def _gated(predictions: Sequence[Any], scores: Floats, rule: ExistenceRule, most: int) -> list[list[Any]]:
    """Predictions after the gate: none of rejected queries, elsewhere the first that have a length."""
    lasting = [[window for window in windows if window[1] > window[0]][:most] for windows in predictions]
    return [windows if score > rule.gate else [] for windows, score in zip(lasting, scores)]


def generalized_query_figures(
    predictions: Rows,
    windows: Rows,
    scores: Floats,
    rule: ExistenceRule,
    thresholds: Sequence[float],
    max_predictions: int,
) -> dict[str, Floats]:
    """Figures of single queries, before they are averaged.

    Args:
        predictions: ``[start, end, score]`` lists per query (s).
        windows: ``[start, end]`` lists per query (s), none for a query without a moment.
        scores: Existence scores (Q,).
        rule: Ranks and gate.
        thresholds: T IoU thresholds of ``mAP``, ``mR@k`` and ``mR+@k``.
        max_predictions: Predictions per query that count.

    Returns:
        Name to values in [0, 1], (Q,) or (Q, T), NaN where a query does not count: ``mAP``, ``mR@k``, ``mIoU@k`` are
        those of queries with a moment, ``mR+@k``, ``mIoU+@k`` of queries with several, ``G-mIoU@k``, ``mAP-all`` and
        ``Acc@t`` of all.
    """
    predicted, truth = as_lists(predictions), as_lists(windows)
    count = np.array([len(moments) for moments in truth], dtype=np.int64)
    some, several = count > 0, count > 1
    batch = MomentBatch.from_lists(predicted, truth, max_predictions)
    answered = _gated(predicted, scores, rule, max_predictions)
    gated = MomentBatch.from_lists(answered, truth, max_predictions)
    hits_by_rank = (greedy_overlaps(batch.iou, thresholds) != MISSING).cumsum(axis=1)
    forced, gated_match = greedy_overlaps(batch.iou, [0.0])[..., 0], greedy_overlaps(gated.iou, [0.0])[..., 0]
    precision = _average_precision(batch, some, thresholds)
    answers = np.array([len(answer) for answer in answered])
    empty_right = np.broadcast_to((answers == 0)[:, None], precision.shape)
    gated_precision = np.where(some[:, None], _average_precision(gated, some, thresholds), empty_right)
    figures = {'mAP': _spread(precision[some], some), 'mAP-all': gated_precision}
    for k in rule.ranks:
        hits = hits_by_rank[:, min(k, hits_by_rank.shape[1]) - 1]
        figures[f'mR@{k}'] = _spread(hits[some] / count[some, None], some)
        figures[f'mR+@{k}'] = _spread(np.maximum(hits[several] - 1, 0) / (count[several, None] - 1), several)
        figures[f'mIoU@{k}'] = _spread(_mean_match(forced[some, :k], 0), some)
        figures[f'mIoU+@{k}'] = _spread(_mean_match(forced[several, :k], 1), several)
        figures[f'G-mIoU@{k}'] = _set_iou(gated_match[:, :k], np.minimum(answers, k), count)
    for t in rule.thresholds:
        figures[f'Acc@{t}'] = (some == (scores > t)).astype(np.float64)
    return figures


def _average_precision(batch: MomentBatch, some: Bools, thresholds: Sequence[float]) -> Floats:
    """AP of the queries that have a moment (Q, T), 0 for the others."""
    result = np.zeros((len(some), len(thresholds)))
    if some.any():
        result[some] = batch.in_range(None).average_precision(thresholds)
    return result


def _set_iou(matched: Floats, answers: Any, count: Any) -> Floats:
    """IoU of two sets of windows: summed IoU of the matches over the size of the union; 1 of two empty ones."""
    exists = matched != MISSING
    union = answers + count - exists.sum(axis=1)
    overlap = (matched * exists).sum(axis=1)
    return np.divide(overlap, union, out=np.ones(len(matched)), where=union > 0)


def evaluate_generalized(
    predictions: Sequence[Row],
    annotations: Sequence[Row],
    rule: ExistenceRule,
    thresholds: Sequence[float],
    max_predictions: int,
) -> dict[str, Any]:
    """Score generalized moment retrieval.

    Args:
        predictions: Rows with ``pred_relevant_windows`` and ``pred_exist_score``, see :func:`existence_scores`.
        annotations: Rows with ``relevant_windows``, in the same order.
        rule: Ranks, thresholds and gate.
        thresholds: IoU thresholds.
        max_predictions: Predictions per query that count.

    Returns:
        The structure of the published evaluator, in percent with two decimals, and ``reasons`` of figures of nothing.
    """
    scores = existence_scores(predictions)
    windows = [row['relevant_windows'] for row in annotations]
    several = np.array([len(row) > 1 for row in windows])
    positive = np.array([len(row) > 0 for row in windows])
    moments = [row[WINDOWS_KEY] for row in predictions]
    single = generalized_query_figures(moments, windows, scores, rule, thresholds, max_predictions)
    decisions = {str(t): _rounded(rejection_figures(positive, scores, t)) for t in rule.thresholds}
    area = round(100 * area_under_roc(positive, scores), 2)
    brief = {'AUROC': area}
    brief['Rej-F1-max'] = round(100 * best_rejection(positive, scores), 2)
    brief.update({f'{key}@{t}': made[key] for t, made in decisions.items() for key in ('Rej-F1', 'Acc')})
    for name in ('G-mIoU', 'mAP', 'mAP-all', 'mR', 'mR+', 'mIoU', 'mIoU+'):
        ranked = [name] if name in single else [f'{name}@{k}' for k in rule.ranks]
        brief.update({key: _percent(single[key]) for key in ranked})
    report: dict[str, Any] = {'brief': brief, 'GMR-CLS': {'AUROC': area, 'per_threshold': decisions}}
    for name in ('G-mIoU', 'mIoU', 'mIoU+'):
        report[f'{name}_detail'] = {f'{name}@{k}': brief[f'{name}@{k}'] for k in rule.ranks}
    report['mAP_detail'] = {'mAP': brief['mAP'], 'AP@IoU': _by_threshold(single['mAP'], thresholds)}
    for name in ('mR', 'mR+'):
        report[f'{name}_detail'] = {
            key: value
            for k in rule.ranks
            for key, value in (
                (f'{name}@{k}', brief[f'{name}@{k}']),
                (f'{name}@{k}_per_IoU', _by_threshold(single[f'{name}@{k}'], thresholds)),
            )
        }
    report['stats'] = _counts(positive, several)
    return {**report, 'reasons': _reasons(positive, several)}


def _counts(positive: Bools, several: Bools) -> dict[str, int]:
    return {
        'num_total': len(positive),
        'num_positive': int(positive.sum()),
        'num_negative': int((~positive).sum()),
        'num_multi_instance': int(several.sum()),
        'num_single_instance': int((positive & ~several).sum()),
    }


def _reasons(positive: Bools, several: Bools) -> dict[str, str]:
    reasons = {}
    if not positive.any():
        reasons.update(dict.fromkeys(('AUROC', 'mAP', 'mR', 'mIoU'), 'no query has a moment'))
    if positive.all():
        reasons['AUROC'] = 'every query has a moment (relevant_windows [] marks one that has none)'
    if not several.any():
        reasons.update(dict.fromkeys(('mR+', 'mIoU+'), 'no query has several moments'))
    return reasons


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    return {key: value if isinstance(value, int) else round(100 * value, 2) for key, value in figures.items()}


def _percent(values: Floats) -> float:
    """Mean over thresholds of the means over the queries that count, in percent with two decimals; NaN of nothing."""
    counted = values[~np.isnan(values).reshape(len(values), -1).any(axis=1)]
    return round(100 * float(counted.mean(axis=0).mean()), 2) if counted.size else math.nan


def _by_threshold(values: Floats, thresholds: Sequence[float]) -> dict[str, float]:
    return {f'{t:.2f}': _percent(values[:, i]) for i, t in enumerate(thresholds)}
