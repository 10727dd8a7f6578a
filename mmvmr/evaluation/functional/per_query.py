"""Figures of single queries: what the summary of a protocol averages, before it is averaged.

Nearly every figure of a summary is a mean over queries, so intervals, tests and slices need nothing but these. Those
that are not (AUROC, Rej-F1) are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mmvmr.evaluation.functional.clip_labels import clip_label_average_precision
from mmvmr.evaluation.functional.corpus import corpus_query_figures, corpus_rows
from mmvmr.evaluation.functional.evaluate import cut_windows
from mmvmr.evaluation.functional.generalized import existence_scores, generalized_query_figures
from mmvmr.evaluation.functional.highlight import HighlightBatch, check_scale
from mmvmr.evaluation.functional.moment import MomentBatch
from mmvmr.evaluation.functional.padding import Bools, Floats
from mmvmr.evaluation.functional.protocols import Protocol, get_protocol
from mmvmr.evaluation.functional.validation import (
    SALIENCY_KEY,
    WINDOWS_KEY,
    check_annotations,
    check_predictions,
    has_labels,
    has_ratings,
)
from mmvmr.evaluation.functional.values import InputError, Row

Figures = dict[str, Floats]


def query_figures(
    predictions: Sequence[Row],
    annotations: Sequence[Row],
    protocol: str | Protocol = 'qvhighlights',
    source: str = 'predictions',
    reference: str = 'the annotations',
) -> Figures:
    """Score every query by itself.

    Args:
        predictions: Rows in the published form, one per query.
        annotations: Rows of the annotation file.
        protocol: Protocol or its name.
        source: Name of the prediction file, for messages.
        reference: Name of the annotation file, for messages.

    Returns:
        Name in the summary to an array over the annotations, in percent; NaN where a query does not count. The mean of
        what is not NaN is the figure of the summary.

    Raises:
        InputError: If the input is invalid, or if nothing at all can be scored.
    """
    protocol = get_protocol(protocol)
    if protocol.corpus_rule is not None:
        answers, truth = corpus_rows(predictions, annotations, False, source, reference)
        hits, _ = corpus_query_figures(answers, truth, protocol.corpus_rule)
        return {name: 100.0 * values for name, values in hits.items()}
    check_annotations(annotations, protocol.rated_clip_len, reference)
    check_predictions(predictions, annotations, source, reference)
    predicted = {row['qid']: row for row in predictions}
    if predictions[0].get(SALIENCY_KEY) is not None:
        check_scale(annotations, protocol, reference)
    figures: Figures = {}
    for key, counts, score in (
        (WINDOWS_KEY, lambda row: protocol.lengths and _windows(row, protocol), _moments),
        (SALIENCY_KEY, lambda row: protocol.saliency_levels and has_ratings(row), _highlights),
        (SALIENCY_KEY, lambda row: protocol.clip_rule and has_labels(row), _clip_labels),
    ):
        if predictions[0].get(key) is None:
            continue
        selected = np.array([bool(counts(row)) for row in annotations])
        if selected.any():
            rows = [row for row, count in zip(annotations, selected) if count]
            part = score([predicted[row['qid']][key] for row in rows], rows, protocol)
            figures.update({name: _spread(values, selected) for name, values in part.items()})
    if protocol.existence_rule is not None and predictions[0].get(WINDOWS_KEY) is not None:
        figures.update(_generalized(predicted, annotations, protocol))
    if not figures:
        raise InputError(f'{source}: nothing to score against {reference} by the protocol {protocol.name!r}')
    return figures


def _windows(row: Row, protocol: Protocol) -> list[Any]:
    return cut_windows(row.get('relevant_windows') or [], protocol.window_end)


def _generalized(predicted: dict[Any, Row], annotations: Sequence[Row], protocol: Protocol) -> Figures:
    selected = np.array([row.get('relevant_windows') is not None for row in annotations])
    if protocol.existence_rule is None or not selected.any():
        return {}
    rows = [row for row, count in zip(annotations, selected) if count]
    answers = [predicted[row['qid']] for row in rows]
    figures = generalized_query_figures(
        [row[WINDOWS_KEY] for row in answers],
        [row['relevant_windows'] for row in rows],
        existence_scores(answers),
        protocol.existence_rule,
        protocol.map_thresholds,
        protocol.max_predictions,
    )
    return {
        name: _spread(values if values.ndim == 1 else values.mean(axis=1), selected) for name, values in figures.items()
    }


def _spread(values: Floats, rows: Bools) -> Floats:
    """Percentages of some rows, NaN for the others."""
    result = np.full(len(rows), np.nan)
    result[rows] = 100.0 * values
    return result


def _moments(predictions: Sequence[Any], rows: Sequence[Row], protocol: Protocol) -> Figures:
    whole = MomentBatch.from_lists(predictions, [_windows(row, protocol) for row in rows], protocol.max_predictions)
    figures: Figures = {}
    for name, length_range in protocol.lengths.items():
        batch, counted = whole.in_range(length_range), whole.counted(length_range)

        def keep(figure: str, values: Floats, name: str = name, counted: Bools = counted) -> None:
            figures[f'MR-{name}-{figure}'] = np.full(len(counted), np.nan)
            figures[f'MR-{name}-{figure}'][counted] = values

        average_precision = batch.average_precision(protocol.map_thresholds)
        keep('mAP', average_precision.mean(axis=1))
        if protocol.is_summarised(name):
            _summarised(batch, average_precision, protocol, keep)
    return figures


def _summarised(
    batch: MomentBatch, average_precision: Floats, protocol: Protocol, keep: Callable[[str, Floats], None]
) -> None:
    for threshold in protocol.brief_map:
        keep(f'mAP@{threshold}', average_precision[:, protocol.map_thresholds.index(threshold)])
    keep('mIoU', batch.rank_iou(1))
    for rank in protocol.ranks:
        best = batch.rank_iou(rank)
        for threshold in protocol.brief_recall:
            keep(f'R{rank}@{threshold}', (best >= threshold).astype(np.float64))
        if protocol.recall_means:
            keep(f'R{rank}@mean', (best[:, None] >= np.array(protocol.recall_means)).mean(axis=1))


def _highlights(predictions: Sequence[Any], rows: Sequence[Row], protocol: Protocol) -> Figures:
    batch = HighlightBatch.from_rows(predictions, list(rows), protocol.clip_len)
    average_precision = batch.average_precision(list(protocol.saliency_levels.values())).mean(axis=2)
    figures: Figures = {}
    for i, (level, minimum) in enumerate(protocol.saliency_levels.items()):
        figures[f'HL-min-{level}-mAP'] = average_precision[:, i]
        figures[f'HL-min-{level}-Hit1'] = batch.hit_at_one(minimum).astype(np.float64)
    return figures


def _clip_labels(predictions: Sequence[Any], rows: Sequence[Row], protocol: Protocol) -> Figures:
    assert protocol.clip_rule is not None
    labels = [row['label'] for row in rows]
    return {'HL-mAP': clip_label_average_precision(predictions, labels, protocol.clip_rule).mean(axis=1)}
