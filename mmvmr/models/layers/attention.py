"""Attention blocks, batch first, with boolean masks where True = may attend."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from mmvmr.models.layers.elementwise import dropout as drop_elements
from mmvmr.registry import MODELS


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    num_heads: int,
    mask: Tensor | None = None,
    dropout: float = 0.0,
    modulate: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Scaled dot-product attention over heads.

    Args:
        query: (B, N, C), heads side by side in the last dimension.
        key: (B, L, C).
        value: (B, L, D); D may differ from C.
        num_heads: Number of heads.
        mask: True = may attend; (B, L) for keys, (B, N, L), or (B, H, N, L).
        dropout: Probability of dropping an attention weight.
        modulate: Changes the logits (B, H, N, L) before mask and softmax.

    Returns:
        (B, N, D).
    """
    out = attend_heads(
        split_heads(query, num_heads),
        split_heads(key, num_heads),
        split_heads(value, num_heads),
        expand_mask(mask),
        dropout,
        modulate,
    )
    return merge_heads(out)


def attend_heads(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    dropout: float = 0.0,
    modulate: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Scaled dot-product attention on tensors that are already split into heads.

    Args:
        query: (B, H, N, C).
        key: (B, H, L, C).
        value: (B, H, L, C').
        mask: True = may attend, broadcastable to (B, H, N, L).
        dropout: Probability of dropping an attention weight.
        modulate: Changes the logits (B, H, N, L) before mask and softmax.

    Returns:
        (B, H, N, C').
    """
    # Torch's fused kernels take neither modulation nor, on a CPU, dropout; its fallback then draws slow masks.
    explicit = modulate is not None or (dropout > 0 and query.device.type == 'cpu')
    if not explicit:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
    logits = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    if modulate is not None:
        logits = modulate(logits)
    if mask is not None:
        logits = logits.masked_fill(~mask, torch.finfo(logits.dtype).min)
    return drop_elements(logits.softmax(-1), dropout, training=True) @ value


def split_heads(x: Tensor, num_heads: int) -> Tensor:
    """Split the channels into heads, (B, H, L, C)."""
    return rearrange(x, 'b l (h c) -> b h l c', h=num_heads)


def merge_heads(x: Tensor) -> Tensor:
    """Concatenate the heads along the channels, (B, L, H * C)."""
    return rearrange(x, 'b h l c -> b l (h c)')


def expand_mask(mask: Tensor | None) -> Tensor | None:
    """Bring a mask over keys (B, L) or over pairs (B, N, L) to the rank of (B, H, N, L).

    A two-dimensional mask always means keys per sample; pass (1, N, L) for pairs shared by the batch.
    """
    if mask is None or mask.dim() == 4:
        return mask
    return mask[:, None, None] if mask.dim() == 2 else mask[:, None]


def check_heads(owner: nn.Module, embed_dims: int, num_heads: int) -> int:
    """Return the number of heads; ValueError unless it divides the channels."""
    if embed_dims < 1 or num_heads < 1 or embed_dims % num_heads:
        name = type(owner).__name__
        raise ValueError(f'{name}: embed_dims is {embed_dims}, num_heads {num_heads}: expected a multiple of the heads')
    return num_heads


@MODELS.register_module()
class MultiheadAttention(nn.Module):
    """Multi-head attention with packed input projections, parameter for parameter that of :mod:`torch.nn`.

    Args:
        embed_dims: Channels D.
        num_heads: Number of heads.
        dropout: Dropout on the attention weights.
    """

    def __init__(self, embed_dims: int, num_heads: int = 8, dropout: float = 0.1):
        super().__init__()
        self.num_heads = check_heads(self, embed_dims, num_heads)
        self.dropout = dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * embed_dims, embed_dims))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * embed_dims))
        self.out_proj = nn.Linear(embed_dims, embed_dims)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None = None,
        modulate: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """Attend from ``query`` to ``key``.

        Args:
            query: (B, N, D).
            key: (B, L, D).
            value: (B, L, D).
            mask: True = may attend, see :func:`attend`.
            modulate: Changes the logits, see :func:`attend`.

        Returns:
            (B, N, D).
        """
        out = attend(
            *self.projected(query, key, value),
            self.num_heads,
            mask,
            self.dropout if self.training else 0.0,
            modulate,
        )
        return self.out_proj(out)

    def projected(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value after their projections; query and key in one product where they are one tensor."""
        dims = self.out_proj.in_features
        if query is key:
            weights, biases = self.in_proj_weight.split((2 * dims, dims)), self.in_proj_bias.split((2 * dims, dims))
            query, key = F.linear(query, weights[0], biases[0]).chunk(2, dim=-1)
        else:
            weights, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
            query, key = F.linear(query, weights[0], biases[0]), F.linear(key, weights[1], biases[1])
        return query, key, F.linear(value, weights[-1], biases[-1])
