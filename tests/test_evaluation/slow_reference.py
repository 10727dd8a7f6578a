"""Plain Python, one query and one threshold at a time: an independent second opinion on the vectorised figures.

Written from the description of the official evaluator, sharing no code and no array operation with the package.
"""

from itertools import pairwise


def iou(a, b):
    inter = max(0, min(a[1], b[1]) - max(a[0], b[0]))
    union = (a[1] - a[0]) + (b[1] - b[0]) - inter
    return inter / union if union > 0 else 0.0


def average_precision(preds, windows, threshold, max_predictions=10):
    ranked = sorted(preds[:max_predictions], key=lambda w: -w[2])
    taken, positives = set(), []
    for pred in ranked:
        overlaps = sorted(((iou(pred, w), i) for i, w in enumerate(windows)), reverse=True)
        choice = next((i for value, i in overlaps if value >= threshold and i not in taken), None)
        positives.append(choice is not None)
        taken.add(choice)
    points, found = [(0.0, 0.0)], 0
    for rank, positive in enumerate(positives, start=1):
        found += positive
        points.append((found / len(windows), found / rank))
    area = 0.0
    for (before, _), (after, _) in pairwise(points):
        if after != before:
            area += (after - before) * max(p for r, p in points if r >= after)
    return area


def best_overlap(preds, windows, rank):
    return max((iou(p, w) for p in preds[:rank] for w in windows), default=0.0)


def in_range(windows, length_range):
    if length_range is None:
        return windows
    low, high = length_range
    return [w for w in windows if low < w[1] - w[0] <= high]


def clip_ratings(row, clip_len):
    table = [[0, 0, 0] for _ in range(int(row['duration'] / clip_len))]
    for clip, ratings in zip(row['relevant_clip_ids'], row['saliency_scores']):
        table[clip] = ratings
    return table


def highlight_ap(scores, row, annotator, minimum, clip_len=2.0):
    truth = [ratings[annotator] >= minimum for ratings in clip_ratings(row, clip_len)]
    scores = (list(scores) + [0.0] * len(truth))[: len(truth)]
    curve = []  # (recall, precision), one point per distinct score
    for cut in sorted(set(scores), reverse=True):
        chosen = [t for s, t in zip(scores, truth) if s >= cut]
        curve.append((sum(chosen), sum(chosen) / len(chosen)))
    steps, last = [], 0
    for found, _ in curve:
        if found > last:
            steps.append(max(p for f, p in curve if f >= found))
            last = found
    return sum(steps) / len(steps) if steps else 0.0


def hit_at_one(scores, row, minimum, clip_len=2.0):
    table = clip_ratings(row, clip_len)
    top = max(range(len(scores)), key=lambda i: (scores[i], -i))
    return top < len(table) and max(table[top]) >= minimum


def percent(values):
    values = list(values)
    return 100 * sum(values) / len(values)
