"""Maps between two sides of paired data in closed form."""

from __future__ import annotations

import torch
from torch import Tensor


def ridge(x: Tensor, y: Tensor, penalty: float) -> Tensor:
    """The map W (D, K) that minimises ``|x W - y|^2 + penalty |W|^2``, for centred x (N, D) and y (N, K)."""
    square = x.t() @ x + penalty * torch.eye(x.shape[1], dtype=x.dtype)
    return torch.linalg.solve(square, x.t() @ y)


def rbf(x: Tensor, y: Tensor, gamma: float) -> Tensor:
    """Gaussian kernel ``exp(gamma * (cosine - 1))`` of unit vectors x (..., D) and y (M, D): (..., M)."""
    return torch.exp(gamma * (x @ y.t() - 1))


def kernel_ridge(x: Tensor, centers: Tensor, y: Tensor, penalty: float, gamma: float) -> Tensor:
    """Kernel ridge regression on some centres (Nystroem; with all x as centres the exact one).

    Args:
        x: Unit vectors (N, D).
        centers: Unit vectors (M, D), some of x or all of them.
        y: What is to be predicted (N, K), centred.
        penalty: Added to the diagonal of the kernel matrix.
        gamma: See :func:`rbf`.

    Returns:
        W (M, K), with which ``rbf(x, centers, gamma) @ W`` predicts y.
    """
    cross, gram = rbf(x, centers, gamma), rbf(centers, centers, gamma)
    square = cross.t() @ cross + penalty * gram
    # Equal sentences make the matrix singular.
    square += 1e-10 * square.diagonal().mean() * torch.eye(len(square), dtype=square.dtype)
    return torch.linalg.solve(square, cross.t() @ y)


def cca(x: Tensor, y: Tensor, penalties: tuple[float, float], rank: int) -> tuple[Tensor, Tensor]:
    """Canonical correlations of centred x (N, D) and y (N, K), with a penalty on both.

    Args:
        x: One side.
        y: The other side.
        penalties: What is added to the diagonals of the sums of squares of x and of y.
        rank: Number of directions R; at most the smaller of D and K.

    Returns:
        Maps (D, R) and (K, R), each direction scaled by the root of its correlation, so that weak ones count less.
    """
    whiten = []
    for side, penalty in zip((x, y), penalties, strict=True):
        values, vectors = torch.linalg.eigh(side.t() @ side + penalty * torch.eye(side.shape[1], dtype=side.dtype))
        whiten.append(vectors * values.rsqrt() @ vectors.t())
    u, s, v = torch.linalg.svd(whiten[0] @ (x.t() @ y) @ whiten[1], full_matrices=False)
    scale = s[:rank].sqrt()
    return whiten[0] @ u[:, :rank] * scale, whiten[1] @ v.t()[:, :rank] * scale
