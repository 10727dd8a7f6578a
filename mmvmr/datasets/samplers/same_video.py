"""Queries of the same video with other moments: BM-DETR's negative queries before sentences are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmvmr.evaluation.functional.moment import pairwise_iou
from mmvmr.utils.sentences import plain_sentence

Row = Mapping[str, Any]


def group_by_video(rows: Sequence[Row]) -> dict[Any, list[int]]:
    """Indices of the rows of every video, in order, by ``vid``."""
    groups: dict[Any, list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(row['vid'], []).append(index)
    return groups


def apart(rows: Sequence[Row], max_iou: float) -> np.ndarray:
    """Find the queries of a video that ask for different moments.

    Args:
        rows: Annotation rows of one video. A row without ``relevant_windows`` is apart from none.
        max_iou: Two queries are apart when every moment of one has a smaller IoU than this with every moment of the
            other (BM-DETR, principle 2: 0.5). Queries of the same words are never apart.

    Returns:
        Shape (n, n) bool, symmetric, False on the diagonal.
    """
    windows = [row.get('relevant_windows') or [] for row in rows]
    counts = np.array([len(w) for w in windows])
    labelled = np.flatnonzero(counts)
    result = np.zeros((len(rows), len(rows)), dtype=bool)
    if not len(labelled):
        return result
    flat = np.array([window for w in windows for window in w], dtype=np.float64)
    starts = np.concatenate(([0], counts[labelled].cumsum()[:-1]))
    largest = np.maximum.reduceat(pairwise_iou(flat, flat), starts, axis=0)
    largest = np.maximum.reduceat(largest, starts, axis=1)
    words = np.array([plain_sentence(rows[i]['query']) for i in labelled])
    result[np.ix_(labelled, labelled)] = (largest < max_iou) & (words[:, None] != words)
    return result
