"""Arithmetic on temporal spans, for torch tensors of any leading shape.

Two forms exist: ``(center, width)``, which models predict, and ``(start, end)``. Both are normalised by the length
of the video unless the caller passes seconds; every function here is scale free.
"""

from __future__ import annotations

import torch
from torch import Tensor


def to_start_end(spans: Tensor) -> Tensor:
    """(center, width) (..., 2) to (start, end)."""
    center, width = spans.unbind(-1)
    return torch.stack((center - 0.5 * width, center + 0.5 * width), dim=-1)


def to_center_width(windows: Tensor) -> Tensor:
    """(start, end) (..., 2) to (center, width)."""
    start, end = windows.unbind(-1)
    return torch.stack((0.5 * (start + end), end - start), dim=-1)


def point_distances_to_start_end(point_distances: Tensor) -> Tensor:
    """Points with distances to the boundaries (p, d_s, d_e) (..., 3) to (start, end) (BAM-DETR, section 3.2)."""
    point, to_start, to_end = point_distances.unbind(-1)
    return torch.stack((point - to_start, point + to_end), dim=-1)


def spans_to_point_distances(spans: Tensor) -> Tensor:
    """Spans (center, width) (..., 2), cut to the video, to (p, d_s, d_e) (..., 3) with the point p in the middle."""
    start, end = to_start_end(spans).clamp(0, 1).unbind(-1)
    point = 0.5 * (start + end)
    return torch.stack((point, point - start, end - point), dim=-1)


def _iou_parts(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    inter = (torch.minimum(a[..., 1], b[..., 1]) - torch.maximum(a[..., 0], b[..., 0])).clamp(min=0)
    union = (a[..., 1] - a[..., 0]) + (b[..., 1] - b[..., 0]) - inter
    hull = (torch.maximum(a[..., 1], b[..., 1]) - torch.minimum(a[..., 0], b[..., 0])).clamp(min=0)
    return inter, union, hull


def paired_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union (...) of two sets (..., 2) of (start, end); two spans without length have IoU 0."""
    inter, union, _ = _iou_parts(a, b)
    return inter / union.clamp(min=torch.finfo(a.dtype).tiny)


def paired_hull_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over hull (latest end - earliest start) (...) of two sets (..., 2) of (start, end).

    The hull is the union wherever two spans overlap. Published code divides by it, and where an overlap is exactly a
    threshold the last bit decides.
    """
    inter, _, hull = _iou_parts(a, b)
    return inter / hull.clamp(min=torch.finfo(a.dtype).tiny)


def paired_giou(a: Tensor, b: Tensor) -> Tensor:
    """Generalised IoU (...) in (-1, 1] of two sets (..., 2) of (start, end) (Rezatofighi et al., CVPR 2019)."""
    inter, union, hull = _iou_parts(a, b)
    tiny = torch.finfo(a.dtype).tiny
    return inter / union.clamp(min=tiny) - (hull - union) / hull.clamp(min=tiny)


def pairwise_iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU (..., N, M) of every (start, end) of ``a`` (..., N, 2) with every one of ``b`` (..., M, 2)."""
    return paired_iou(a.unsqueeze(-2), b.unsqueeze(-3))


def pairwise_giou(a: Tensor, b: Tensor) -> Tensor:
    """Generalised IoU (..., N, M) of every (start, end) of ``a`` (..., N, 2) with every one of ``b`` (..., M, 2)."""
    return paired_giou(a.unsqueeze(-2), b.unsqueeze(-3))


def clip_centers(clip_mask: Tensor) -> Tensor:
    """Normalised centers ``(j + 0.5) / n`` (B, Lv) of clips, of which the first n are valid (B, Lv)."""
    count = clip_mask.sum(1, keepdim=True).clamp(min=1)
    index = torch.arange(clip_mask.shape[1], device=clip_mask.device)
    return (index + 0.5) / count
