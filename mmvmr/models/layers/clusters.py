"""Soft clusters of a sequence, and what they tell its entries (UVCOM); centres of a set of vectors."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvmr.models.layers.attention import MultiheadAttention
from mmvmr.registry import MODELS
from mmvmr.utils import check_choice

_PADDINGS = ('exclude', 'include')


def soft_assign(means: Tensor, x: Tensor, scale: float, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Assign the entries of a sequence to means by cosine similarity.

    Args:
        means: (B, K, D).
        x: (B, L, D).
        scale: Multiplies the cosine.
        mask: Valid entries (B, L), the others are assigned to no mean; None means all.

    Returns:
        ``Z = softmax_K(scale cos)`` (B, K, L), and the same with rows that sum to 1 over the entries.
    """
    share = (scale * F.normalize(means, dim=-1) @ F.normalize(x, dim=-1).transpose(1, 2)).softmax(1)
    if mask is not None:
        share = share.where(mask.unsqueeze(1), 0.0)
    return share, share / (share.sum(-1, keepdim=True) + 1e-9)


def _valid(mask: Tensor, padding: str) -> Tensor | None:
    return mask if padding == 'exclude' else None


@MODELS.register_module()
class ClusterMeans(nn.Module):
    """Means of a Gaussian mixture, by expectation and maximisation from learned starts (UVCOM, DBIA).

    The E step compares unit vectors: ``softmax_K(-|m - x|^2 / (2 sigma^2)) = softmax_K(cos / sigma^2)``. The M step
    averages the entries as they are. Gradients flow through all iterations; float32, as the means are close together.

    Args:
        embed_dims: Channels D.
        num_clusters: Means K.
        num_iters: Iterations.
        sigma: Standard deviation of a component.
        padding: ``exclude`` leaves padded entries out; ``include`` reproduces the official code, where they take part.
    """

    def __init__(
        self, embed_dims: int, num_clusters: int, num_iters: int = 5, sigma: float = 1.2, padding: str = 'exclude'
    ):
        super().__init__()
        self.num_iters = num_iters
        self.scale = sigma**-2
        self.padding = check_choice(self, 'padding', padding, _PADDINGS)
        self.means = nn.Parameter(torch.randn(num_clusters, embed_dims))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Cluster a sequence.

        Args:
            x: (B, L, D).
            mask: Valid entries (B, L).

        Returns:
            (B, K, D), float32.
        """
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            means = self.means.float().expand(x.shape[0], -1, -1)
            for _ in range(self.num_iters):
                means = soft_assign(means, x, self.scale, _valid(mask, self.padding))[1] @ x
        return means


@MODELS.register_module()
class RandomWalkPropagation(nn.Module):
    """Propagate information between entries and means by a random walk (UVCOM, LRP).

    ``x' = (1 - w) (I - w^2 A)^-1 (w Z^T m + x)`` with ``A = Z^T Z^`` for assignments Z to the means m. As A has rank
    K, the inverse is taken in K dimensions: ``(I - w^2 Z^T Z^)^-1 = I + w^2 Z^T (I - w^2 Z^ Z^T)^-1 Z^``.

    Args:
        weight: Probability w of going on.
        scale: Multiplies the cosine in the assignment.
        padding: ``exclude`` leaves padded entries out; ``include`` reproduces the official code.
    """

    def __init__(self, weight: float = 0.5, scale: float = 5.0, padding: str = 'exclude'):
        super().__init__()
        self.weight = weight
        self.scale = scale
        self.padding = check_choice(self, 'padding', padding, _PADDINGS)

    def forward(self, x: Tensor, mask: Tensor, means: Tensor) -> Tensor:
        """Propagate.

        Args:
            x: (B, L, D).
            mask: Valid entries (B, L).
            means: (B, K, D).

        Returns:
            (B, L, D), float32.
        """
        with torch.autocast(x.device.type, enabled=False):
            x, means = x.float(), means.float()
            share, normed = soft_assign(means, x, self.scale, _valid(mask, self.padding))
            start = self.weight * share.transpose(1, 2) @ means + x
            square = self.weight**2
            inner = torch.eye(means.shape[1], device=x.device) - square * normed @ share.transpose(1, 2)
            walked = torch.linalg.solve(inner, normed @ start)
            return (1 - self.weight) * (start + square * share.transpose(1, 2) @ walked)


@MODELS.register_module()
class MeanGate(nn.Module):
    """Entries gated by what they receive of the means, in place of a random walk (UVCOM, option ``cross_fusion``).

    Args:
        embed_dims: Channels D.
        num_heads: Number of heads.
    """

    def __init__(self, embed_dims: int, num_heads: int = 8):
        super().__init__()
        self.attn = MultiheadAttention(embed_dims, num_heads, dropout=0.0)

    def forward(self, x: Tensor, mask: Tensor, means: Tensor) -> Tensor:
        """Gate; arguments as in :class:`RandomWalkPropagation`."""
        return x * self.attn(x, means.to(x.dtype), means.to(x.dtype))


def kmeans(x: Tensor, count: int, steps: int = 30, seed: int = 0) -> Tensor:
    """Centres of clusters by Lloyd's algorithm, from random vectors of the set; a centre of nothing stays.

    Args:
        x: Distinct vectors (N, D).
        count: Clusters K, at most N.
        steps: Iterations at most; they end when no vector changes its cluster.
        seed: Seed of the choice of the first centres.

    Returns:
        (K, D).
    """
    first = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))[:count]
    centres, label = x[first], None
    for _ in range(steps):
        nearest = torch.cdist(x, centres).argmin(1)
        if label is not None and torch.equal(nearest, label):
            break
        label = nearest
        number = torch.bincount(label, minlength=count).unsqueeze(1)
        total = torch.zeros_like(centres).index_add(0, label, x)
        centres = torch.where(number > 0, total / number.clamp(min=1), centres)
    return centres
