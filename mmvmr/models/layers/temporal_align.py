"""Reading a sequence of clips inside spans, at points between the clips (1D RoIAlign)."""

from __future__ import annotations

import torch
from torch import Tensor

from mmvmr.structures import to_start_end


def temporal_align_weights(spans: Tensor, mask: Tensor, num_points: int) -> Tensor:
    """Interpolation weights of equally spaced points inside spans (G-TAD; SA-DETR, section 3.4).

    A span, cut to the video, is divided into ``num_points`` bins; a point is the center of a bin. Clip j of n covers
    ``[j / n, (j + 1) / n]`` and its feature sits in the middle, so a point t is at the clip coordinate
    ``t n - 0.5``, cut to ``[0, n - 1]``. Weights as a matrix instead of indices: reading becomes a matrix product,
    whose gradient is deterministic and reaches the spans too.

    Args:
        spans: Normalised (center, width) (B, N, 2).
        mask: Valid clips (B, L), contiguous from the first.
        num_points: Number of points P.

    Returns:
        (B, N, P, L); every row sums to 1 over the valid clips.
    """
    start, end = to_start_end(spans.float()).clamp(0, 1).split(1, -1)  # (B, N, 1) each
    fraction = (torch.arange(num_points, device=spans.device) + 0.5) / num_points
    count = mask.sum(1)[:, None, None].clamp(min=1)
    point = ((start + fraction * (end - start)) * count - 0.5).clamp(min=0)
    point = torch.minimum(point, (count - 1).to(point.dtype))
    return hat_weights(point, mask.shape[1])


def hat_weights(points: Tensor, length: int) -> Tensor:
    """Weights that interpolate linearly between clips.

    Args:
        points: Clip coordinates in [0, L - 1] (...).
        length: Number of clips L.

    Returns:
        (..., L); two neighbouring clips share the weight 1.
    """
    clip = torch.arange(length, device=points.device)
    return (1 - (points.unsqueeze(-1) - clip).abs()).clamp(min=0)


def temporal_align(feat: Tensor, mask: Tensor, spans: Tensor, num_points: int) -> Tensor:
    """Features at equally spaced points inside spans, linearly interpolated between clips.

    Args:
        feat: Clips (B, L, D).
        mask: Valid clips (B, L), contiguous from the first.
        spans: Normalised (center, width) (B, N, 2).
        num_points: Number of points P.

    Returns:
        (B, N, P, D).
    """
    weights = temporal_align_weights(spans, mask, num_points).to(feat.dtype)
    return torch.einsum('b n p l, b l d -> b n p d', weights, feat)
