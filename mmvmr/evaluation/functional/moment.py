"""Moment retrieval: IoU, recall and average precision over padded arrays.

Shapes use ``Q`` queries, ``P`` predictions, ``G`` ground-truth windows and ``T`` IoU thresholds. Windows are
``(start, end)`` in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from mmvmr.evaluation.functional.padding import Bools, Floats, Rows, pad_rows

MISSING = -1.0  # IoU with a window that does not exist: below every threshold


def _overlap(a: Floats, b: Floats) -> Floats:
    return np.maximum(np.minimum(a[..., 1], b[..., 1]) - np.maximum(a[..., 0], b[..., 0]), 0.0)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def pairwise_iou(a: Floats, b: Floats) -> Floats:
    """Intersection over union (..., N, M) of every window of ``a`` (..., N, 2) with every one of ``b`` (..., M, 2).

    Two windows without length have IoU 0.
    """
    a, b = a[..., :, None, :], b[..., None, :, :]
    inter = _overlap(a, b)
    return _ratio(inter, (a[..., 1] - a[..., 0]) + (b[..., 1] - b[..., 0]) - inter)


def hull_iou(a: Floats, b: Floats) -> Floats:
    """Intersection over the hull (latest end - earliest start) of paired windows (..., 2).

    The hull is the union wherever two windows overlap. The official evaluator measures R1 and mIoU with it
    (Moment-DETR, ``compute_temporal_iou_batch_paired``), so it is kept for the last bit of equality.
    """
    hull = np.maximum(a[..., 1], b[..., 1]) - np.minimum(a[..., 0], b[..., 0])
    return _ratio(_overlap(a, b), hull)


def rank_iou(pred: Floats, pred_mask: Bools, gt: Floats, iou: Floats, rank: int) -> Floats:
    """Best overlap that the first ``rank`` predictions of a query reach with any of its ground-truth windows.

    Recall at the rank is the share of queries where this is at least the threshold; mIoU is its mean at rank 1.

    Args:
        pred: Predictions in the order of the file (Q, P, 2).
        pred_mask: Which predictions exist (Q, P).
        gt: Ground truth (Q, G, 2).
        iou: Pairwise IoU (Q, P, G), negative where a ground-truth window does not exist.
        rank: Number of predictions that count.

    Returns:
        IoU by the hull (Q,), 0 for a query without predictions.
    """
    nearest = iou[:, :rank].argmax(axis=-1)
    matched = np.take_along_axis(gt, nearest[..., None], axis=1)
    overlap = np.where(pred_mask[:, :rank], hull_iou(pred[:, :rank], matched), 0.0)
    return np.asarray(overlap.max(axis=1), dtype=np.float64)


def _true_positives(iou: Floats, thresholds: Floats) -> Bools:
    """Match predictions, best first, to the free ground-truth window of highest IoU: (Q, P, G) to (Q, P, T)."""
    num_queries, num_pred, num_gt = iou.shape
    if num_gt == 1:  # most queries of every data set: the first prediction that is good enough takes the window
        hit = iou >= thresholds
        first = hit.argmax(axis=1)[:, None, :] == np.arange(num_pred)[:, None]
        return np.asarray(hit & first)
    free = np.ones((num_queries, len(thresholds), num_gt), dtype=bool)
    positive = np.zeros((num_queries, num_pred, len(thresholds)), dtype=bool)
    reversed_iou = iou[..., ::-1]  # of equal IoUs the official evaluator takes the last window, argmax the first
    query, threshold = np.ogrid[:num_queries, : len(thresholds)]
    for p in range(num_pred):
        candidate = reversed_iou[:, p, None, :]
        allowed = free & (candidate >= thresholds[:, None])
        best = np.where(allowed, candidate, MISSING).argmax(axis=-1)
        taken = positive[:, p] = allowed[query, threshold, best]
        free[query, threshold, best] ^= taken  # what is taken was free
    return positive


def detection_average_precision(iou: Floats, pred_mask: Bools, gt_count: Floats, thresholds: Sequence[float]) -> Floats:
    """Average precision of every query, with the precision-recall curve interpolated as in VOC 2011.

    A prediction is positive when its best ground-truth window not taken by a better-scored prediction has at least
    the threshold's IoU (ActivityNet detection protocol, one class per query).

    Args:
        iou: Pairwise IoU (Q, P, G), predictions by descending score, negative where no ground truth exists.
        pred_mask: Which predictions exist (Q, P); they come before the padding.
        gt_count: Number of ground-truth windows (Q,), at least 1.
        thresholds: T IoU thresholds.

    Returns:
        AP in [0, 1] of shape (Q, T).
    """
    positive = _true_positives(np.where(pred_mask[..., None], iou, MISSING), np.asarray(thresholds, dtype=np.float64))
    hits = positive.cumsum(axis=1)
    precision = hits / np.arange(1, iou.shape[1] + 1)[:, None]
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    return np.asarray((envelope * positive).sum(axis=1) / gt_count[:, None], dtype=np.float64)


@dataclass(frozen=True)
class MomentBatch:
    """Predictions and ground truth of all queries, with every IoU computed once.

    Attributes:
        pred: Predictions in the order of the file (Q, P, 2).
        pred_mask: Which predictions exist (Q, P).
        order: Predictions by descending score, ties in the order of the file (Q, P).
        gt: Ground truth (Q, G, 2).
        gt_mask: Which ground-truth windows exist (Q, G).
        iou: Pairwise IoU (Q, P, G), :data:`MISSING` where either does not exist.
    """

    pred: Floats
    pred_mask: Bools
    order: Any
    gt: Floats
    gt_mask: Bools
    iou: Floats

    @classmethod
    def from_lists(cls, predictions: Rows, windows: Rows, max_predictions: int) -> MomentBatch:
        """Pad and compare.

        Args:
            predictions: Lists of ``[start, end, score]`` per query.
            windows: Lists of ``[start, end]`` per query.
            max_predictions: Predictions per query that count.
        """
        padded, mask = pad_rows(predictions, width=3)
        pred, pred_mask = padded[:, :max_predictions], mask[:, :max_predictions]
        gt, gt_mask = pad_rows(windows, width=2)
        # Most queries have one window and a few have many, so only the pairs that exist are compared.
        query, window = np.nonzero(gt_mask)
        iou = np.full((*pred_mask.shape, gt_mask.shape[1]), MISSING)
        overlap = pairwise_iou(pred[query, :, :2], gt[query, window][:, None])[..., 0]
        iou[query, :, window] = np.where(pred_mask[query], overlap, MISSING)
        return cls(
            pred=pred[..., :2],
            pred_mask=pred_mask,
            order=np.argsort(np.where(pred_mask, -pred[..., 2], np.inf), axis=1, kind='stable'),
            gt=gt,
            gt_mask=gt_mask,
            iou=iou,
        )

    def __len__(self) -> int:
        return len(self.gt)

    @staticmethod
    def concatenate(batches: Sequence[MomentBatch]) -> MomentBatch:
        """Put batches of the same widths one after another, to score them in one pass."""
        names = [field.name for field in fields(MomentBatch)]
        return MomentBatch(**{name: np.concatenate([getattr(b, name) for b in batches]) for name in names})

    def in_range(self, length_range: tuple[float, float] | None) -> MomentBatch:
        """Keep ground-truth windows whose length is in ``(low, high]`` seconds, and the queries that have any."""
        keep = self._kept(length_range)
        return self._select(np.asarray(keep.any(axis=1)), keep)

    def counted(self, length_range: tuple[float, float] | None) -> Bools:
        """Mask (Q,) of the queries that :meth:`in_range` keeps."""
        return np.asarray(self._kept(length_range).any(axis=1))

    def _kept(self, length_range: tuple[float, float] | None) -> Bools:
        if length_range is None:
            return self.gt_mask
        length = self.gt[..., 1] - self.gt[..., 0]
        return self.gt_mask & (length > length_range[0]) & (length <= length_range[1])

    def _select(self, rows: Bools, keep: Bools) -> MomentBatch:
        if rows.all() and (keep == self.gt_mask).all():
            return self
        keep = keep[rows]
        return MomentBatch(
            pred=self.pred[rows],
            pred_mask=self.pred_mask[rows],
            order=self.order[rows],
            gt=self.gt[rows],
            gt_mask=keep,
            iou=np.where(keep[:, None, :], self.iou[rows], MISSING),
        )

    def rank_iou(self, rank: int) -> Floats:
        """Best overlap of the first ``rank`` predictions: (Q,)."""
        return rank_iou(self.pred, self.pred_mask, self.gt, self.iou, rank)

    def average_precision(self, thresholds: Sequence[float]) -> Floats:
        """AP of every query and threshold: (Q, T)."""
        counts = self.gt_mask.sum(axis=1)
        result = np.zeros((len(self), len(thresholds)))
        # Few queries have many windows: treating queries of like size together avoids matching against padding.
        size = np.where(counts == 1, 1, 2 ** np.ceil(np.log2(np.maximum(counts, 1))).astype(np.int64))
        for group in np.unique(size):
            rows = np.flatnonzero(size == group)
            columns = np.argsort(~self.gt_mask[rows], axis=1, kind='stable')[:, None, :group]
            iou = self.iou[rows[:, None, None], self.order[rows][:, :, None], columns]
            result[rows] = detection_average_precision(iou, self.pred_mask[rows], counts[rows], thresholds)
        return result
