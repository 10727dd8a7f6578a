"""Sinusoidal positional encodings of clips and of span coordinates."""

from __future__ import annotations

import math

import torch
from einops import rearrange
from torch import Tensor, nn

from mmvmr.models.layers.mlp import MLP
from mmvmr.registry import MODELS


def _frequencies(dims: int, device: torch.device) -> Tensor:
    index = torch.arange(dims, device=device, dtype=torch.float32)
    return 10000.0 ** (2 * torch.div(index, 2, rounding_mode='floor') / dims)


def _interleaved(phase: Tensor, dims: int) -> Tensor:
    """Sine on even and cosine on odd channels of ``phase / frequency``: (...,) to (..., dims)."""
    angle = phase.unsqueeze(-1) / _frequencies(dims, phase.device)
    code = torch.stack((angle[..., 0::2].sin(), angle[..., 1::2].cos()), dim=-1)
    return rearrange(code, '... c pair -> ... (c pair)')


def sine_embedding(spans: Tensor, dims: int) -> Tensor:
    """Sinusoidal encoding of every coordinate of normalised spans (DAB-DETR).

    Args:
        spans: Normalised coordinates (..., A).
        dims: Channels per coordinate.

    Returns:
        (..., A, dims), in the order of the coordinates.
    """
    return _interleaved(spans.float() * (2 * math.pi), dims)


@MODELS.register_module()
class SinePosition(nn.Module):
    """Sinusoidal encoding of the clip index, normalised: the last valid clip has phase 2 pi (Moment-DETR).

    Args:
        embed_dims: Channels D.
    """

    def __init__(self, embed_dims: int):
        super().__init__()
        self.embed_dims = embed_dims

    def forward(self, mask: Tensor) -> Tensor:
        """Code the valid clips.

        Args:
            mask: Valid clips (B, L).

        Returns:
            (B, L, D); padding repeats the code of the last valid clip.
        """
        index = mask.cumsum(1, dtype=torch.float32)
        return _interleaved(index / (index[:, -1:] + 1e-6) * (2 * math.pi), self.embed_dims)


@MODELS.register_module()
class ContentScale(nn.Module):
    """``MLP(x)``: factors for positions that depend on what is there (DAB-DETR's encoder; BM-DETR).

    Args:
        embed_dims: Channels D.
    """

    def __init__(self, embed_dims: int):
        super().__init__()
        self.mlp = MLP(embed_dims, embed_dims, embed_dims, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, L, D) to factors of the same shape."""
        return self.mlp(x)
