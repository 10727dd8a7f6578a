"""Time the evaluation of QVHighlights and of the method of the official evaluator, and compare every figure.

    python tools/analysis_tools/benchmark_evaluation.py [PREDS GT] [--workers 8] [--rounds 5]

Without files, predictions and ratings of the size of the validation split (1550 queries) are made up. The official
method is written here anew, plainly: for each of the four length ranges the queries are filtered and copied, a pool of
processes takes the queries one by one, and each goes through its predictions and thresholds in Python loops;
highlights go through the pool once per rating level, a task per query and annotator. (The official highlight code also
spends time on input checks of scikit-learn, which this one does not have.) Both are timed from rows in memory to
figures; ours includes its checks of the input.
"""

from __future__ import annotations

import argparse
import copy
import math
import multiprocessing
import os
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from terminaltables import AsciiTable

from mmvmr.evaluation.functional import evaluate_predictions
from mmvmr.utils.cli import RUN_ERRORS, UserError, one_line_errors
from mmvmr.utils.io import read_jsonl

Row = dict[str, Any]
IOUS = [round(0.5 + 0.05 * i, 2) for i in range(10)]
RECALL_IOUS = [round(0.3 + 0.05 * i, 2) for i in range(14)]
RANGES = {'short': (0, 10), 'middle': (10, 30), 'long': (30, 150), 'full': (0, 150)}
LEVELS = {'Fair': 2, 'Good': 3, 'VeryGood': 4}
PREDICTIONS = 10
CHUNK = 50


def official_method(predictions: list[Row], annotations: list[Row], workers: int) -> dict[str, Any]:
    """All figures of QVHighlights, query by query.

    Args:
        predictions: Rows of a prediction file.
        annotations: Rows of an annotation file.
        workers: Processes of a pool.

    Returns:
        The figures in the structure of the report, without the summary.
    """
    report: dict[str, Any] = {}
    for name, bounds in RANGES.items():
        chosen, truth = in_range(predictions, annotations, bounds)
        overlaps = best_overlaps(chosen, truth)
        report[name] = {
            'MR-mAP': mean_average_precision(chosen, truth, workers),
            'MR-R1': {str(t): percent([overlap >= t for overlap in overlaps]) for t in RECALL_IOUS},
            'MR-mIoU': percent(overlaps),
        }
    full = {row['qid']: ratings_of_all_clips(row) for row in annotations}
    for name, minimum in LEVELS.items():
        binary = {qid: (ratings >= minimum).astype(float) for qid, ratings in full.items()}
        report[f'HL-min-{name}'] = {
            'HL-mAP': highlight_mean_average_precision(predictions, binary, workers),
            'HL-Hit1': highlight_hits(predictions, binary),
        }
    return report


def percent(values: Any) -> float:
    """Mean in percent with two decimals, as printed."""
    return float(f'{100 * np.mean(values):.2f}')


def in_range(predictions: list[Row], annotations: list[Row], bounds: tuple[float, float]) -> tuple[list, list]:
    """Queries with windows of some lengths, and only those windows."""
    low, high = bounds
    if (low, high) == RANGES['full']:
        return predictions, annotations
    truth = []
    for row in annotations:
        windows = [w for w in row['relevant_windows'] if low < w[1] - w[0] <= high]
        if windows:
            row = copy.deepcopy(row)
            row['relevant_windows'] = windows
            truth.append(row)
    qids = {row['qid'] for row in truth}
    return [copy.deepcopy(row) for row in predictions if row['qid'] in qids], truth


def cross_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """IoU of all pairs: (N, 2) and (M, 2) to (N, M)."""
    left = np.maximum(first[:, None, 0], second[None, :, 0])
    right = np.minimum(first[:, None, 1], second[None, :, 1])
    inter = np.clip(right - left, 0, None)
    union = (first[:, 1] - first[:, 0])[:, None] + (second[:, 1] - second[:, 0])[None] - inter
    return np.divide(inter, union, out=np.zeros_like(inter), where=union > 0)


def best_overlaps(predictions: list[Row], annotations: list[Row]) -> list[float]:
    """Overlap of the first prediction of every query with the nearest true window, over their hull."""
    first = {row['qid']: row['pred_relevant_windows'][0][:2] for row in predictions}
    overlaps = []
    for row in annotations:
        pred = np.array([first[row['qid']]], dtype=float)
        windows = np.array(row['relevant_windows'], dtype=float)
        start, end = windows[np.argmax(cross_iou(pred, windows)[0])]
        inter = max(0.0, min(pred[0, 1], end) - max(pred[0, 0], start))
        hull = max(pred[0, 1], end) - min(pred[0, 0], start)
        overlaps.append(inter / hull if hull > 0 else 0.0)
    return overlaps


def mean_average_precision(predictions: list[Row], annotations: list[Row], workers: int) -> dict[str, float]:
    """Mean AP at every threshold, a task of the pool per query."""
    truth = {row['qid']: row['relevant_windows'] for row in annotations}
    tasks = [(row['pred_relevant_windows'][:PREDICTIONS], truth[row['qid']]) for row in predictions]
    with multiprocessing.Pool(workers) as pool:
        rows = list(pool.imap_unordered(query_average_precision, tasks, chunksize=CHUNK))
    mean = np.array(rows).mean(axis=0)
    figures = {str(t): float(f'{100 * value:.2f}') for t, value in zip(IOUS, mean)}
    return {**figures, 'average': float(f'{100 * mean.mean():.2f}')}


def query_average_precision(task: tuple[list, list]) -> list[float]:
    """AP of one query at every threshold: matching prediction by prediction, threshold by threshold."""
    predictions = sorted(task[0], key=lambda window: -window[2])
    truth = np.array(task[1], dtype=float)
    taken = np.full((len(IOUS), len(truth)), -1)
    true = np.zeros((len(IOUS), len(predictions)))
    for p, prediction in enumerate(predictions):
        overlaps = cross_iou(np.array([prediction[:2]], dtype=float), truth)[0]
        order = overlaps.argsort(kind='stable')[::-1]
        for t, threshold in enumerate(IOUS):
            for g in order:
                if overlaps[g] < threshold:
                    break
                if taken[t, g] < 0:
                    taken[t, g] = p
                    true[t, p] = 1
                    break
    return [interpolated(true[t], len(truth)) for t in range(len(IOUS))]


def interpolated(true: np.ndarray, count: int) -> float:
    """Area under the precision-recall curve, each precision the best at that or a larger recall (VOC 2011)."""
    found = np.cumsum(true)
    recall = np.concatenate([[0], found / count, [1]])
    precision = np.concatenate([[0], found / np.arange(1, len(true) + 1), [0]])
    for i in range(len(precision) - 2, -1, -1):
        precision[i] = max(precision[i], precision[i + 1])
    steps = np.where(recall[1:] != recall[:-1])[0] + 1
    return float(np.sum((recall[steps] - recall[steps - 1]) * precision[steps]))


def ratings_of_all_clips(row: Row) -> np.ndarray:
    """Ratings (clips, annotators), 0 where a clip is not relevant."""
    ratings = np.zeros((int(row['duration'] / 2), 3))
    ratings[np.array(row['relevant_clip_ids'], dtype=int)] = np.array(row['saliency_scores'])
    return ratings


def highlight_mean_average_precision(predictions: list[Row], binary: dict[Any, np.ndarray], workers: int) -> float:
    """Mean AP of the clip scores, a task of the pool per query and annotator."""
    tasks = [
        (binary[row['qid']][:, annotator], np.array(row['pred_saliency_scores']))
        for row in predictions
        for annotator in range(3)
    ]
    with multiprocessing.Pool(workers) as pool:
        return percent(list(pool.imap_unordered(clip_average_precision, tasks, chunksize=CHUNK)))


def clip_average_precision(task: tuple[np.ndarray, np.ndarray]) -> float:
    """AP of one ranking of clips: clips of equal score are one step, each recall counts once."""
    labels, scores = task
    scores = np.concatenate([scores, np.zeros(len(labels))])[: len(labels)]
    if labels.sum() == 0:
        return 0.0
    order = np.argsort(-scores, kind='stable')
    ends = np.append(np.where(np.diff(scores[order]))[0], len(labels) - 1)
    found = np.cumsum(labels[order])[ends]
    precision = found / (ends + 1)
    best = 0.0
    for i in range(len(precision) - 1, -1, -1):
        best = precision[i] = max(best, precision[i])
    raises = np.diff(found, prepend=0) > 0
    return float(np.mean(precision[raises]))


def highlight_hits(predictions: list[Row], binary: dict[Any, np.ndarray]) -> float:
    """HIT@1: the best clip is positive for one of the annotators."""
    hits = []
    for row in predictions:
        top, labels = int(np.argmax(row['pred_saliency_scores'])), binary[row['qid']]
        hits.append(labels[top].max() if top < len(labels) else 0)
    return percent(hits)


def made_up(queries: int) -> tuple[list[Row], list[Row]]:
    """Predictions and annotations of the size and shape of QVHighlights: 75 clips of 2 s, windows of whole clips."""
    rng = np.random.default_rng(0)
    predictions, annotations = [], []
    for qid in range(queries):
        count = rng.choice([1, 1, 2, 4])
        cuts = np.sort(rng.choice(76, 2 * count, replace=False)).reshape(-1, 2)
        clips = [int(i) for start, end in cuts for i in range(start, end)]
        annotations.append(
            {
                'qid': qid,
                'duration': 150,
                'relevant_windows': (2 * cuts).tolist(),
                'relevant_clip_ids': clips,
                'saliency_scores': rng.integers(0, 5, (len(clips), 3)).tolist(),
            }
        )
        near = cuts[rng.integers(count, size=PREDICTIONS)] + rng.integers(-4, 5, (PREDICTIONS, 2))
        windows = np.sort(2 * np.clip(near, 0, 75), axis=1)
        scores = -np.sort(-rng.random(PREDICTIONS).round(4))
        saliency = rng.normal(size=75) + np.isin(np.arange(75), clips)
        predictions.append(
            {
                'qid': qid,
                'pred_relevant_windows': [[*map(float, w), float(s)] for w, s in zip(windows, scores)],
                'pred_saliency_scores': saliency.tolist(),
            }
        )
    return predictions, annotations


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Result, seconds by the clock, and processor seconds with those of child processes."""
    cpu, clock = processor_seconds(), time.perf_counter()
    result = work()
    return result, time.perf_counter() - clock, processor_seconds() - cpu


def processor_seconds() -> float:
    """Processor time of this process and its ended children."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def differences(ours: Any, theirs: Any, path: str = '') -> list[str]:
    """Figures that are not equal to the last printed digit."""
    if isinstance(theirs, dict):
        return [line for key in theirs for line in differences(ours[key], theirs[key], f'{path}/{key}')]
    same = ours == theirs or (math.isnan(ours) and math.isnan(theirs))
    return [] if same else [f'{path}: {ours} (mmvmr), {theirs} (official method)']


def count(figures: Any) -> int:
    """Number of figures."""
    return sum(map(count, figures.values())) if isinstance(figures, dict) else 1


def main() -> None:
    """Run the benchmark; see the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('files', nargs='*', metavar='PREDS GT', help='a prediction file and its annotation file')
    parser.add_argument('--workers', type=int, default=8, help='processes of the official method (default: as there)')
    parser.add_argument('--rounds', type=int, default=5, help='rounds of our evaluation; the median counts')
    parser.add_argument('--queries', type=int, default=1550, help='queries that are made up (default: %(default)s)')
    args = parser.parse_args()
    with one_line_errors(*RUN_ERRORS):
        if len(args.files) not in (0, 2):
            raise UserError('give a prediction file and an annotation file, or neither')
        predictions, annotations = map(read_jsonl, args.files) if args.files else made_up(args.queries)
        ours, *_ = timed(lambda: evaluate_predictions(predictions, annotations))  # warms up
        rounds = [timed(lambda: evaluate_predictions(predictions, annotations))[1:] for _ in range(args.rounds)]
        theirs, clock, cpu = timed(lambda: official_method(predictions, annotations, args.workers))
    our_clock, our_cpu = (statistics.median(column) for column in zip(*rounds))
    wrong = differences(ours, theirs)
    print(f'{len(predictions)} queries, {os.cpu_count()} processors')
    lines = [
        ['', 'by the clock', 'processor time'],
        [f'official method, {args.workers} processes', f'{clock:.2f} s', f'{cpu:.2f} s'],
        ['mmvmr', f'{our_clock:.3f} s', f'{our_cpu:.3f} s'],
        ['ratio', f'{clock / our_clock:.0f}', f'{cpu / our_cpu:.0f}'],
    ]
    print(AsciiTable(lines).table)
    print('\n'.join(wrong) if wrong else f'all {count(theirs)} figures are the same to the last digit')
    raise SystemExit(1 if wrong else 0)


if __name__ == '__main__':
    main()
