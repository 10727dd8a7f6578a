"""Attention with separate projections for query and key width, over all positions or over near ones."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from mmvmr.models.layers.attention import attend, check_heads
from mmvmr.models.layers.elementwise import Dropout
from mmvmr.registry import MODELS

#: Positions of a block of local attention; blocks run as a batch of small dense attentions.
_BLOCK = 64


def attend_near(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, mask: Tensor, window: int, dropout: float = 0.0
) -> Tensor:
    """Attention of every position to those at most ``window // 2`` away.

    Args:
        query: (B, L, D).
        key: (B, L, D).
        value: (B, L, D).
        num_heads: Number of heads.
        mask: Valid positions (B, L).
        window: Odd number of positions.
        dropout: Probability of dropping an attention weight.

    Returns:
        (B, L, D); zeros at padded positions.
    """
    batch, length, _ = query.shape
    reach = window // 2
    block = min(max(_BLOCK, 2 * reach), length)
    fill = -length % block

    def near(x: Tensor) -> Tensor:
        """Gather the positions that each block attends to, (B * blocks, block + 2 * reach, C)."""
        padded = F.pad(x, (0, 0, reach, reach + fill))
        return rearrange(padded.unfold(1, block + 2 * reach, block), 'b blocks c l -> (b blocks) l c')

    queries = rearrange(F.pad(query, (0, 0, 0, fill)), 'b (blocks l) c -> (b blocks) l c', l=block)
    valid = rearrange(F.pad(mask, (0, fill)), 'b (blocks l) -> (b blocks) l', l=block)
    seen = near(mask.unsqueeze(-1).to(query.dtype)).squeeze(-1) > 0
    distance = torch.arange(block + 2 * reach, device=query.device) - torch.arange(block, device=query.device)[:, None]
    allowed = ((distance >= 0) & (distance <= 2 * reach)) & seen[:, None]
    # A padded position without a key would give NaN: it attends to itself and is zeroed below.
    allowed = allowed | ((distance == reach) & ~valid.unsqueeze(-1))
    out = attend(queries, near(key), near(value), num_heads, allowed, dropout)
    out = rearrange(out, '(b blocks) l c -> b (blocks l) c', b=batch)
    return out[:, :length].where(mask.unsqueeze(-1), 0.0)


@MODELS.register_module()
class ProjectedAttention(nn.Module):
    """Multi-head attention whose queries, keys and output have different widths (SnAG).

    Args:
        embed_dims: Channels D inside, and of the queries.
        num_heads: Number of heads.
        key_dims: Channels of keys and values; None for D.
        out_dims: Channels of the output; None for D.
        window: Number of positions around a position that it attends to (odd, itself included); None for all.
        dropout: Dropout on the output.
        attn_dropout: Dropout on the attention weights.

    Raises:
        ValueError: If ``window`` is even, or the heads do not divide the channels.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int = 4,
        key_dims: int | None = None,
        out_dims: int | None = None,
        window: int | None = None,
        dropout: float = 0.1,
        attn_dropout: float = 0.0,
    ):
        super().__init__()
        if window is not None and window % 2 == 0:
            raise ValueError(f'ProjectedAttention: window={window}, expected an odd number or None')
        self.num_heads = check_heads(self, embed_dims, num_heads)
        self.window = window
        self.query = nn.Linear(embed_dims, embed_dims)
        self.key = nn.Linear(key_dims or embed_dims, embed_dims)
        self.value = nn.Linear(key_dims or embed_dims, embed_dims)
        self.out_proj = nn.Linear(embed_dims, out_dims or embed_dims)
        self.drop = Dropout(dropout)
        self.attn_drop = Dropout(attn_dropout)
        for layer in (self.query, self.key, self.value, self.out_proj):
            nn.init.zeros_(layer.bias)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
        """Attend.

        Args:
            query: (B, N, D).
            key: (B, L, D'); with a window L = N.
            value: (B, L, D').
            mask: Valid keys (B, L).

        Returns:
            (B, N, D'').
        """
        return self.attend(self.query(query), key, value, mask)

    def attend(self, projected: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
        """The same for queries that are projected already, which several keys may share."""
        key, value = self.key(key), self.value(value)
        drop = self.attn_drop.p if self.training else 0.0
        if self.window is None:
            out = attend(projected, key, value, self.num_heads, mask, drop)
        else:
            out = attend_near(projected, key, value, self.num_heads, mask, self.window, drop)
        return self.drop(self.out_proj(out))
