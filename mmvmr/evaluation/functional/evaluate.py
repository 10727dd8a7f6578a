"""From predictions and annotations to the figures of a protocol, in the structure of the official evaluator."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmvmr.evaluation.functional.clip_labels import clip_label_average_precision
from mmvmr.evaluation.functional.corpus import evaluate_corpus
from mmvmr.evaluation.functional.generalized import evaluate_generalized
from mmvmr.evaluation.functional.highlight import HighlightBatch, check_scale
from mmvmr.evaluation.functional.moment import MomentBatch
from mmvmr.evaluation.functional.padding import Floats, Ragged, Rows, as_lists, as_ragged
from mmvmr.evaluation.functional.protocols import Protocol, get_protocol
from mmvmr.evaluation.functional.reports import Report, merge_reports
from mmvmr.evaluation.functional.validation import (
    SALIENCY_KEY,
    WINDOWS_KEY,
    check_annotations,
    check_predictions,
    has_labels,
    has_ratings,
)
from mmvmr.evaluation.functional.values import InputError, Row


def _percent(values: Any) -> float:
    """Mean in percent, printed to two decimals as the official evaluator prints it; NaN of nothing."""
    return float(f'{100 * np.mean(values):.2f}') if np.size(values) else math.nan


def _describe(length_range: tuple[float, float] | None) -> str:
    if length_range is None:
        return 'there is no query'
    low, high = length_range
    upper = '' if math.isinf(high) else f' and at most {high:g} s'
    return f'no query has a ground-truth moment longer than {low:g} s{upper}'


def _score_range(batch: MomentBatch, average_precision: Floats, protocol: Protocol) -> dict[str, Any]:
    """The figures of the queries of one length range, of which AP is known (Q, T)."""
    top1 = batch.rank_iou(1)
    per_threshold = average_precision.mean(axis=0) if len(batch) else None
    mean_ap = {str(t): math.nan for t in (*protocol.map_thresholds, 'average')}
    if per_threshold is not None:
        mean_ap = {str(t): _percent(ap) for t, ap in zip(protocol.map_thresholds, per_threshold)}
        mean_ap['average'] = _percent(per_threshold)
    figures: dict[str, Any] = {'MR-mIoU': _percent(top1), 'MR-mAP': mean_ap}
    for rank in protocol.ranks:
        best = top1 if rank == 1 else batch.rank_iou(rank)
        recall = {str(t): _percent(best >= t) for t in protocol.recall_thresholds}
        if protocol.recall_means:
            recall['mean'] = _percent(best[:, None] >= np.array(protocol.recall_means))
        figures[f'MR-R{rank}'] = recall
    return figures


def _moment_summary(report: Report, protocol: Protocol) -> dict[str, float]:
    summary: dict[str, float] = {}
    for name in protocol.lengths:
        figures = report[name]
        summary[f'MR-{name}-mAP'] = figures['MR-mAP']['average']
        if not protocol.is_summarised(name):
            continue
        summary[f'MR-{name}-mIoU'] = figures['MR-mIoU']
        summary.update({f'MR-{name}-mAP@{t}': figures['MR-mAP'][str(t)] for t in protocol.brief_map})
        for rank in protocol.ranks:
            recall = figures[f'MR-R{rank}']
            summary.update({f'MR-{name}-R{rank}@{t}': recall[str(t)] for t in protocol.brief_recall})
            if 'mean' in recall:
                summary[f'MR-{name}-R{rank}@mean'] = recall['mean']
    return dict(sorted(summary.items()))


def cut_windows(windows: Sequence[Any], end: float | None) -> list[Any]:
    """Ground-truth windows of a query as a protocol counts them: cut at ``end``, without those of no length."""
    if end is None:
        return list(windows)
    cut = [[min(start, end), min(stop, end)] for start, stop in windows]
    return [window for window in cut if window[1] > window[0]]


def evaluate_moments(predictions: Rows, windows: Rows, protocol: str | Protocol) -> Report:
    """Score moment retrieval.

    Args:
        predictions: ``[start, end, score]`` lists per query, in seconds. A query may have none: it scores 0.
        windows: ``[start, end]`` lists per query, at least one each.
        protocol: Protocol or its name. With a ``window_end``, a query whose windows begin after it does not count.

    Returns:
        ``brief`` (flat summary), one entry per length range with ``MR-mIoU``, ``MR-mAP`` and ``MR-R1`` (``MR-R5``)
        in percent, and ``reasons``: why a range is NaN.
    """
    protocol = get_protocol(protocol)
    if protocol.window_end is not None:
        cut = [cut_windows(truth, protocol.window_end) for truth in as_lists(windows)]
        left = [i for i, truth in enumerate(cut) if truth]
        predictions, windows = as_ragged(predictions, width=3).take(left), [cut[i] for i in left]
    batch = MomentBatch.from_lists(predictions, windows, protocol.max_predictions)
    report: Report = {'reasons': {}}
    selected = {name: batch.in_range(protocol.lengths[name]) for name in sorted(protocol.lengths)}
    together = MomentBatch.concatenate([*selected.values()] or [batch])
    average_precision = together.average_precision(protocol.map_thresholds)
    ends = np.cumsum([len(part) for part in selected.values()])
    for (name, part), scored in zip(selected.items(), np.split(average_precision, ends)):
        report[name] = _score_range(part, scored, protocol)
        if not len(part):
            report['reasons'][name] = _describe(protocol.lengths[name])
    return {'brief': _moment_summary(report, protocol), **report}


def evaluate_highlights(
    predictions: Rows, annotations: Sequence[Row], protocol: str | Protocol, ratings: Rows | None = None
) -> Report:
    """Score highlight detection: AP averaged over annotators and queries, and HIT@1.

    Args:
        predictions: Clip scores per query.
        annotations: Rows with ``duration`` (s), ``relevant_clip_ids`` and ``saliency_scores``, in the same order.
        protocol: Protocol or its name.
        ratings: The ``saliency_scores`` of the annotations, where they have been converted before.

    Returns:
        ``brief``, ``HL-min-<level>`` with ``HL-mAP`` and ``HL-Hit1`` in percent, and ``reasons``.
    """
    protocol = get_protocol(protocol)
    batch = HighlightBatch.from_rows(predictions, annotations, protocol.clip_len, ratings)
    average_precision = batch.average_precision(list(protocol.saliency_levels.values()))
    report: Report = {'brief': {}, 'reasons': {}}
    for i, (level, minimum) in enumerate(protocol.saliency_levels.items()):
        name = f'HL-min-{level}'
        report[name] = {'HL-mAP': _percent(average_precision[:, i]), 'HL-Hit1': _percent(batch.hit_at_one(minimum))}
        report['brief'].update({f'{name}-{key[3:]}': value for key, value in report[name].items()})
        if not len(batch):
            report['reasons'][name] = 'there is no query with highlight ratings'
    return report


def evaluate_clip_labels(predictions: Rows, annotations: Sequence[Row], protocol: str | Protocol) -> Report:
    """Score highlight detection where every clip has labels: AP averaged over annotators and videos.

    Args:
        predictions: Clip scores per query.
        annotations: Rows with ``label`` (one list of labels per clip), in the same order.
        protocol: Protocol with a ``clip_rule``, or its name.

    Returns:
        ``brief`` with ``HL-mAP`` in percent, ``HL-labels`` with the same, and ``reasons``.
    """
    rule = get_protocol(protocol).clip_rule
    if rule is None:
        raise ValueError(f'protocol {get_protocol(protocol).name!r} has no clip_rule')
    if not len(predictions):
        return {'brief': {'HL-mAP': math.nan}, 'reasons': {'HL-labels': 'there is no query with clip labels'}}
    figure = _percent(clip_label_average_precision(predictions, [row['label'] for row in annotations], rule))
    return {'brief': {'HL-mAP': figure}, 'HL-labels': {'HL-mAP': figure}, 'reasons': {}}


def evaluate_predictions(
    predictions: Sequence[Row],
    annotations: Sequence[Row],
    protocol: str | Protocol = 'qvhighlights',
    subset: bool = False,
    source: str = 'predictions',
    reference: str = 'the annotations',
) -> Report:
    """Check a prediction file and score everything in it that the annotations allow.

    Args:
        predictions: Rows in the published form: ``qid``, ``pred_relevant_windows``, ``pred_saliency_scores`` and,
            where the protocol scores it, ``pred_exist_score``. For the protocol ``corpus`` see
            :func:`mmvmr.evaluation.functional.corpus.check_corpus_predictions`.
        annotations: Rows of the annotation file.
        protocol: Protocol or its name.
        subset: Score only the queries that are predicted instead of asking for all.
        source: Name of the prediction file, for messages.
        reference: Name of the annotation file, for messages.

    Returns:
        The structure of the official evaluator: ``brief`` first, then one entry per highlight level and length range,
        in percent with two decimals. Figures of nothing are NaN. ``reasons`` is there when a figure is NaN or a task
        could not be scored, and says why.

    Raises:
        InputError: If the input is invalid, or if nothing at all can be scored.
    """
    protocol = get_protocol(protocol)
    if protocol.corpus_rule is not None:
        return evaluate_corpus(predictions, annotations, protocol.corpus_rule, subset, source, reference)
    truth = _Columns(annotations, check_annotations(annotations, protocol.rated_clip_len, reference))
    answers = _Columns(predictions, check_predictions(predictions, annotations, source, reference, subset))
    if not answers.lack(SALIENCY_KEY):
        check_scale(annotations, protocol, reference)
    rows = [row for row in annotations if row['qid'] in answers.index]
    parts = [
        _moments_or_reason(answers, truth, rows, protocol),
        _highlights_or_reason(answers, truth, rows, protocol),
        _generalized_or_reason(answers, rows, protocol),
    ]
    if not any('brief' in part for part in parts):
        why = '; '.join(f'{task}: {reason}' for part in parts for task, reason in part['reasons'].items())
        raise InputError(f'{source}: nothing to score against {reference}: {why}')
    return merge_reports(parts)


class _Columns:
    """Values of the rows of a file by query.

    Args:
        rows: Rows of a prediction or annotation file.
        converted: Values that the check of the file has converted.
    """

    def __init__(self, rows: Sequence[Row], converted: Mapping[str, Ragged]) -> None:
        self.rows = rows
        self.converted = converted
        self.index = {row['qid']: i for i, row in enumerate(rows)}

    def lack(self, key: str) -> bool:
        """True if no row has a key."""
        return all(row.get(key) is None for row in self.rows)

    def of(self, chosen: Sequence[Row], key: str) -> Rows:
        """The values of a key for the queries of these rows, in this order."""
        places = [self.index[row['qid']] for row in chosen]
        if key in self.converted:
            return self.converted[key].take(places)
        return [self.rows[i][key] for i in places]


def _moments_or_reason(answers: _Columns, truth: _Columns, rows: Sequence[Row], protocol: Protocol) -> Report:
    if not protocol.lengths:
        return {'reasons': {}}
    if answers.lack(WINDOWS_KEY):
        return {'reasons': {'MR': f'the predictions have no {WINDOWS_KEY}'}}
    labelled = [row for row in rows if row.get('relevant_windows')]
    if not labelled:
        return {'reasons': {'MR': 'no annotation has relevant_windows (a test split with hidden ground truth?)'}}
    part = evaluate_moments(answers.of(labelled, WINDOWS_KEY), truth.of(labelled, 'relevant_windows'), protocol)
    if len(labelled) < len(rows):
        part['reasons']['MR'] = f'{len(rows) - len(labelled)} of {len(rows)} queries have no relevant_windows'
    return part


def _highlights_or_reason(answers: _Columns, truth: _Columns, rows: Sequence[Row], protocol: Protocol) -> Report:
    if not protocol.scores_highlights:
        return {'reasons': {}}
    if answers.lack(SALIENCY_KEY):
        return {'reasons': {'HL': f'the predictions have no {SALIENCY_KEY}'}}
    by_labels = protocol.clip_rule is not None
    labelled = [row for row in rows if (has_labels(row) if by_labels else has_ratings(row))]
    if not labelled:
        keys = 'label' if by_labels else 'relevant_clip_ids and saliency_scores'
        return {'reasons': {'HL': f'no annotation has {keys}'}}
    scores = answers.of(labelled, SALIENCY_KEY)
    if by_labels:
        part = evaluate_clip_labels(scores, labelled, protocol)
    else:
        part = evaluate_highlights(scores, labelled, protocol, truth.of(labelled, 'saliency_scores'))
    if len(labelled) < len(rows):
        part['reasons']['HL'] = f'{len(rows) - len(labelled)} of {len(rows)} queries have no highlight ratings'
    return part


def _generalized_or_reason(answers: _Columns, rows: Sequence[Row], protocol: Protocol) -> Report:
    if protocol.existence_rule is None:
        return {'reasons': {}}
    if answers.lack(WINDOWS_KEY):
        return {'reasons': {'GMR': f'the predictions have no {WINDOWS_KEY}'}}
    labelled = [row for row in rows if row.get('relevant_windows') is not None]
    if not labelled:
        return {'reasons': {'GMR': 'no annotation has relevant_windows (a test split with hidden ground truth?)'}}
    predictions = [answers.rows[answers.index[row['qid']]] for row in labelled]
    part = evaluate_generalized(
        predictions, labelled, protocol.existence_rule, protocol.map_thresholds, protocol.max_predictions
    )
    if len(labelled) < len(rows):
        part['reasons']['GMR'] = f'{len(rows) - len(labelled)} of {len(rows)} queries have no relevant_windows'
    return part
