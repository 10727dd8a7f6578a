"""Highlight detection where every clip of the video is labelled: TVSum and YouTube Highlights.

Shapes use ``Q`` queries, ``L`` clips, ``A`` annotators.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmvmr.evaluation.functional.padding import Bools, Floats, Rows, pad_rows
from mmvmr.utils import check_choice

POSITIVE = ('above_median', 'nonzero')


@dataclass(frozen=True)
class ClipLabelRule:
    """Rule that turns clip labels into positive and negative clips, and the number of clips that count.

    Attributes:
        positive: ``above_median``: an annotator's rating above the median of that annotator in that video (of an
            even number the lower one of the two in the middle, as published); ``nonzero``: any label but 0.
        top: Only this many best-scored clips count; None = all.
    """

    positive: str
    top: int | None = None

    def __post_init__(self) -> None:
        check_choice(self, 'positive', self.positive, POSITIVE)
        if self.top is not None and self.top < 1:
            raise ValueError(f'ClipLabelRule: top={self.top}, expected a positive number or None')

    def positives(self, labels: Floats) -> Bools:
        """Positive clips (L, A) of one video with labels (L, A)."""
        if self.positive == 'nonzero':
            return np.asarray(labels != 0)
        middle = np.sort(labels, axis=0)[(len(labels) - 1) // 2]
        return np.asarray(labels > middle)


def trapezoid_average_precision(ranked: Bools) -> Floats:
    """Area under the precision-recall curve of a ranking, by trapezoids (UMT, ``datasets/tvsum.py``).

    Recall is relative to the positives inside the ranking, and the curve starts at precision 1.

    Args:
        ranked: Whether the entry of every rank is positive (..., K).

    Returns:
        AP in [0, 1] of shape (...); 0 for a ranking without positives.
    """
    hits = ranked.cumsum(axis=-1)
    recall = hits / np.maximum(hits[..., -1:], 1)
    precision = hits / np.arange(1, ranked.shape[-1] + 1)
    before = np.concatenate((np.ones_like(precision[..., :1]), precision[..., :-1]), axis=-1)
    steps = np.diff(recall, axis=-1, prepend=0)
    return np.asarray((steps * (before + precision) / 2).sum(axis=-1), dtype=np.float64)


def clip_label_average_precision(predictions: Rows, labels: Sequence[Any], rule: ClipLabelRule) -> Floats:
    """AP of clip scores against labels of every clip.

    A prediction longer than the labels is cut; the labels after the end of a shorter one do not take part, as in the
    published evaluation. Clips of equal score keep their order.

    Args:
        predictions: Clip scores per query.
        labels: Labels per query, (L, A) each, with the same A.
        rule: What counts.

    Returns:
        AP in [0, 1] of shape (Q, A).
    """
    tables = [np.asarray(table, dtype=np.float64) for table in labels]
    scores, mask = pad_rows(predictions)
    mask &= np.arange(scores.shape[1]) < np.array([len(table) for table in tables], dtype=np.int64)[:, None]
    positive = np.zeros((*scores.shape, tables[0].shape[1] if tables else 1), dtype=bool)
    for row, table in zip(positive, tables):
        is_positive = rule.positives(table)[: len(row)]
        row[: len(is_positive)] = is_positive
    positive &= mask[..., None]
    order = np.argsort(-np.where(mask, scores, -np.inf), axis=1, kind='stable')
    ranked = np.take_along_axis(positive, order[..., None], axis=1)[:, : rule.top]
    return trapezoid_average_precision(ranked.transpose(0, 2, 1))
