"""Finding the video and the moment in a collection (video corpus moment retrieval).

The figures of the TVR evaluator (Lei et al., ECCV 2020): recall of the video (VR), and of pairs of video and window
(VCMR) that have the right video and enough IoU.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from mmvmr.evaluation.functional.moment import hull_iou
from mmvmr.evaluation.functional.padding import Bools, Floats
from mmvmr.evaluation.functional.validation import check_annotations, check_queries
from mmvmr.evaluation.functional.values import InputError, Row, check_number, shown_value

MOMENTS_KEY = 'pred_corpus_moments'
VIDEOS_KEY = 'pred_videos'


@dataclass(frozen=True)
class CorpusRule:
    """Rule by which a protocol scores what was found in a collection.

    Attributes:
        ranks: The k of R@k, of videos and of pairs.
        thresholds: Smallest IoUs of a right pair.
    """

    ranks: tuple[int, ...] = (1, 5, 10, 100)
    thresholds: tuple[float, ...] = (0.3, 0.5, 0.7)


def check_corpus_predictions(
    predictions: Sequence[Row],
    annotations: Sequence[Row],
    source: str = 'predictions',
    reference: str = 'the annotations',
    subset: bool = False,
) -> None:
    """Check what was found in a collection against the queries that were asked.

    Args:
        predictions: Rows with ``qid`` and ``pred_corpus_moments`` (``[video, start, end, score]``, s) and/or
            ``pred_videos`` (``[video, score]``), both best first.
        annotations: Rows of the annotation file.
        source: Name of the prediction file, for messages.
        reference: Name of the annotation file, for messages.
        subset: Accept predictions for some of the queries only.

    Raises:
        InputError: On an unknown, missing or repeated qid, an entry of another form, a video that is ranked twice, or
            if none of all predicted videos is one of the annotations.
    """
    check_queries(predictions, annotations, source, reference, (MOMENTS_KEY, VIDEOS_KEY), subset)
    if all(predictions[0].get(key) is None for key in (MOMENTS_KEY, VIDEOS_KEY)):
        raise InputError(
            f'{source} entry 1: neither {MOMENTS_KEY} nor {VIDEOS_KEY} found; this protocol scores what '
            '`mmvmr search --out` writes'
        )
    videos: dict[str, None] = {}
    for i, row in enumerate(predictions):
        where = f'{source} entry {i + 1} (qid {row["qid"]!r})'
        for key, parts in ((MOMENTS_KEY, ('start', 'end', 'score')), (VIDEOS_KEY, ('score',))):
            if row.get(key) is not None:
                _check_entries(row[key], where, key, parts)
                videos.update((str(entry[0]), None) for entry in row[key])
        ranked = Counter(str(entry[0]) for entry in row.get(VIDEOS_KEY) or ())
        if repeated := next((name for name, count in ranked.items() if count > 1), None):
            raise InputError(f'{where}: {VIDEOS_KEY} has {repeated!r} twice; every video has one place')
    truth = {str(row.get('vid')): None for row in annotations}
    if videos and not videos.keys() & truth.keys():
        raise InputError(
            f'{source}: no predicted video is a `vid` of {reference}: predicted are {shown_value([*videos][:3])}, '
            f'annotated {shown_value([*truth][:3])}; write the names as the annotations do, or search their videos'
        )


def _check_entries(entries: Any, where: str, key: str, parts: tuple[str, ...]) -> None:
    form = f'[video, {", ".join(parts)}]'
    if not isinstance(entries, (list, tuple)):
        raise InputError(f'{where}: {key} is {shown_value(entries)}, expected a list of {form}')
    for i, entry in enumerate(entries):
        if (
            not isinstance(entry, (list, tuple))
            or len(entry) != len(parts) + 1
            or isinstance(entry[0], bool)
            or not isinstance(entry[0], (int, str))
        ):
            raise InputError(f'{where}: {key}[{i}] is {shown_value(entry)}, expected {form}')
        for value, part in zip(entry[1:], parts):
            check_number(value, where, f'{part} of {key}[{i}]')
        if len(parts) == 3 and entry[2] < entry[1]:
            raise InputError(f'{where}: {key}[{i}] ends before it starts ({entry[1]} > {entry[2]})')


def video_ranks(predictions: Sequence[Row], annotations: Sequence[Row]) -> Floats:
    """Videos that are ranked before the right one.

    Args:
        predictions: Checked rows. Without ``pred_videos`` videos rank by their first moment.
        annotations: Rows in the same order.

    Returns:
        Shape (Q,), from 0; inf where the right video is not there.
    """
    result = np.full(len(annotations), np.inf)
    for i, (row, truth) in enumerate(zip(predictions, annotations)):
        entries = row[VIDEOS_KEY] if row.get(VIDEOS_KEY) is not None else row[MOMENTS_KEY]
        order = [*dict.fromkeys(str(entry[0]) for entry in entries)]
        if (vid := str(truth['vid'])) in order:
            result[i] = order.index(vid)
    return result


def pair_ranks(predictions: Sequence[Row], annotations: Sequence[Row], thresholds: Sequence[float]) -> Floats:
    """Pairs of video and window that are ranked before the first right one.

    Args:
        predictions: Checked rows with ``pred_corpus_moments``.
        annotations: Rows in the same order, each with ``relevant_windows``; one of them has to be met.
        thresholds: T smallest IoUs.

    Returns:
        Shape (Q, T), from 0; inf where no pair is right.
    """
    result = np.full((len(annotations), len(thresholds)), np.inf)
    for i, (row, truth) in enumerate(zip(predictions, annotations)):
        vid = str(truth['vid'])
        places = [place for place, entry in enumerate(row[MOMENTS_KEY]) if str(entry[0]) == vid]
        if not places:
            continue
        windows = np.array([row[MOMENTS_KEY][place][1:3] for place in places], np.float64)[:, None]
        true = np.array(truth['relevant_windows'], np.float64)[None]
        iou = hull_iou(windows, true).max(axis=1)
        for t, threshold in enumerate(thresholds):
            if (right := iou >= threshold).any():
                result[i, t] = places[int(right.argmax())]
    return result


def corpus_query_figures(
    predictions: Sequence[Row], annotations: Sequence[Row], rule: CorpusRule
) -> tuple[dict[str, Floats], dict[str, str]]:
    """Hits of single queries.

    Args:
        predictions: Checked rows in the order of the annotations.
        annotations: Rows of the annotation file.
        rule: Ranks and thresholds.

    Returns:
        ``VR-R1``, ... and ``VCMR-R1@0.5``, ... to (Q,): 1, 0, or NaN where a query does not count. And reasons for
        what is not scored.
    """
    figures, reasons = {}, {}
    counted = np.array([row.get('relevant_windows') != [] for row in annotations])
    windowed = np.array([bool(row.get('relevant_windows')) for row in annotations])
    if not counted.all():
        reasons['VR'] = f'{(~counted).sum()} of {len(counted)} queries have no moment in any video'
    ranks = video_ranks(predictions, annotations)
    figures.update({f'VR-R{k}': _hits(ranks, k, counted) for k in rule.ranks})
    if all(row.get(MOMENTS_KEY) is None for row in predictions):
        reasons['VCMR'] = f'the predictions have no {MOMENTS_KEY}'
    elif not windowed.any():
        reasons['VCMR'] = 'no annotation has relevant_windows (a test split with hidden ground truth?)'
    else:
        if not windowed.all():
            reasons['VCMR'] = f'{(~windowed).sum()} of {len(windowed)} queries have no relevant_windows'
        chosen = [(row, truth) for row, truth, use in zip(predictions, annotations, windowed) if use]
        pairs = np.full((len(annotations), len(rule.thresholds)), np.inf)
        pairs[windowed] = pair_ranks([row for row, _ in chosen], [truth for _, truth in chosen], rule.thresholds)
        for t, threshold in enumerate(rule.thresholds):
            figures.update({f'VCMR-R{k}@{threshold}': _hits(pairs[:, t], k, windowed) for k in rule.ranks})
    return figures, reasons


def _hits(ranks: Floats, k: int, counted: Bools) -> Floats:
    return np.where(counted, ranks < k, np.nan)


def evaluate_corpus(
    predictions: Sequence[Row],
    annotations: Sequence[Row],
    rule: CorpusRule,
    subset: bool = False,
    source: str = 'predictions',
    reference: str = 'the annotations',
) -> dict[str, Any]:
    """Check and score what was found in a collection.

    Args:
        predictions: See :func:`check_corpus_predictions`.
        annotations: Rows of the annotation file.
        rule: Ranks and thresholds.
        subset: Score only the queries that are predicted.
        source: Name of the prediction file, for messages.
        reference: Name of the annotation file, for messages.

    Returns:
        ``brief`` in percent with two decimals, ``chance`` with the same figures of random answers (see
        :func:`corpus_chance`), and ``reasons``.
    """
    answers, truth = corpus_rows(predictions, annotations, subset, source, reference)
    figures, reasons = corpus_query_figures(answers, truth, rule)
    brief = {name: _percent(values) for name, values in figures.items()}
    videos = len({str(row['vid']) for row in annotations})
    chance = {'videos': videos, **{name: _percent(v) for name, v in corpus_chance(truth, videos, rule).items()}}
    return {'brief': brief, 'chance': chance, **({'reasons': reasons} if reasons else {})}


def corpus_rows(
    predictions: Sequence[Row], annotations: Sequence[Row], subset: bool, source: str, reference: str
) -> tuple[list[Row], list[Row]]:
    """Checked predictions and annotations of the same queries in one order; the arguments are those of the scoring."""
    check_annotations(annotations, None, reference)
    for i, row in enumerate(annotations):
        if row.get('vid') is None:
            raise InputError(f'{reference} entry {i + 1} (qid {row["qid"]!r}): vid is missing, the video to be found')
    check_corpus_predictions(predictions, annotations, source, reference, subset)
    by_qid = {row['qid']: row for row in predictions}
    truth = [row for row in annotations if row['qid'] in by_qid]
    return [by_qid[row['qid']] for row in truth], truth


def _percent(values: Floats) -> float:
    return math.nan if np.isnan(values).all() else round(100 * float(np.nanmean(values)), 2)


def corpus_chance(annotations: Sequence[Row], videos: int, rule: CorpusRule) -> dict[str, Floats]:
    """Probability that random answers are right: videos in random order; pairs of random video and random window.

    Args:
        annotations: Rows with ``duration`` (s) and windows; a query without either does not count for pairs.
        videos: Number of videos in the collection.
        rule: Ranks and thresholds.

    Returns:
        Names as in the summary to (Q,). Of a query with several windows the probabilities are added, which is
        exact for IoUs of at least 0.5, where no answer meets two windows that do not overlap.
    """
    chance = {f'VR-R{k}': np.full(len(annotations), min(1.0, k / videos)) for k in rule.ranks}
    for threshold in rule.thresholds:
        one = np.full(len(annotations), np.nan)
        for i, row in enumerate(annotations):
            if row.get('duration') and row.get('relevant_windows'):
                shares = [window_chance(a, b, row['duration'], threshold) for a, b in row['relevant_windows']]
                one[i] = min(1.0, sum(shares))
        chance.update({f'VCMR-R{k}@{threshold}': 1 - (1 - one / videos) ** k for k in rule.ranks})
    return chance


def window_chance(start: float, end: float, duration: float, threshold: float) -> float:
    """Probability that a window whose two ends are uniform over a video has enough IoU with a moment.

    For a start a of the random window, the ends b that suffice are an interval whose bounds are linear in a between
    a few points, so the area under them is a sum of trapezoids.

    Args:
        start: Start of the moment (s).
        end: Its end (s).
        duration: Length of the video (s).
        threshold: Smallest IoU, above 0.

    Returns:
        Probability in [0, 1].
    """
    start, end = min(start, duration), min(end, duration)
    length = end - start
    if length <= 0:
        return 0.0
    points = {0.0, start, end, end - length / threshold, end - threshold * length}
    points |= {duration - length / threshold, end - threshold * (duration - start)}
    corners = sorted(point for point in points if 0 <= point <= end)
    area = 0.0
    for left, right in pairwise(corners):
        inside = (left + right) / 2  # of a linear piece the middle tells the area
        if inside < start:
            low, high = start + threshold * (end - inside), inside + length / threshold
        else:
            low, high = inside + threshold * length, start + (end - inside) / threshold
        area += max(0.0, min(high, duration) - low) * (right - left)
    return min(1.0, 2 * area / duration**2)
