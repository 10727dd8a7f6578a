"""Pre-norm layers that convolve before they attend, and may halve the temporal resolution (SnAG)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvmr.models.layers.conv_tower import MaskedConv
from mmvmr.models.layers.elementwise import Dropout, DropPath
from mmvmr.models.layers.local_attention import ProjectedAttention
from mmvmr.models.layers.mlp import FFN
from mmvmr.registry import MODELS


class ScaledPath(nn.Module):
    """A learned factor per channel on what a residual block adds, and stochastic depth (Touvron et al., ICCV 2021).

    Args:
        embed_dims: Channels D.
        dropout: Probability of dropping the update of a sample.
        initial: The factors before training.
    """

    def __init__(self, embed_dims: int, dropout: float = 0.1, initial: float = 1e-4):
        super().__init__()
        self.scale = nn.Parameter(torch.full((embed_dims,), initial))
        self.drop = DropPath(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Scale an update (B, L, D)."""
        return self.drop(self.scale * x)


class ScaledFFN(nn.Module):
    """The feed-forward half of a pre-norm layer, residual included.

    Args:
        embed_dims: Channels D.
        expansion: Hidden channels, in D.
        dropout: Dropout inside and after the block.
        path_dropout: Probability of dropping the update of a sample.
    """

    def __init__(self, embed_dims: int, expansion: int = 4, dropout: float = 0.1, path_dropout: float = 0.1):
        super().__init__()
        self.norm = nn.LayerNorm(embed_dims)
        self.ffn = FFN(embed_dims, expansion * embed_dims, dropout, activation='gelu')
        self.drop = Dropout(dropout)
        self.path = ScaledPath(embed_dims, path_dropout)
        for layer in (self.ffn.linear1, self.ffn.linear2):
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Update (B, L, D) at its valid positions (B, L)."""
        return x + self.path(self.drop(self.ffn(self.norm(x))).where(mask.unsqueeze(-1), 0.0))


@MODELS.register_module()
class ConvAttentionLayer(nn.Module):
    """Depth-wise convolutions of query, key and value, attention among near positions, feed-forward block (SnAG).

    ::

        x = x * mask;  h = attention(convs(norm(x)))
        x = shortcut(x) * mask' + path(h),   x = x + path'(FFN(norm'(x)) * mask')

    With a stride of 2 the convolutions halve the resolution, and so does the shortcut by a maximum over three.

    Args:
        embed_dims: Channels D.
        num_heads: Number of heads.
        stride: 1 or 2; 0 for no convolutions.
        window: Positions that attention sees; None for all.
        dropout: Dropout of attention output and feed-forward block.
        path_dropout: Stochastic depth.
        attn_dropout: Dropout of the attention weights.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int = 4,
        stride: int = 1,
        window: int | None = None,
        dropout: float = 0.1,
        path_dropout: float = 0.1,
        attn_dropout: float = 0.0,
    ):
        super().__init__()
        self.stride = stride
        self.norm = nn.LayerNorm(embed_dims)
        if stride:
            self.convs = nn.ModuleList(
                MaskedConv(embed_dims, embed_dims, 3, stride, groups=embed_dims, bias=False) for _ in range(3)
            )
            self.conv_norms = nn.ModuleList(nn.LayerNorm(embed_dims) for _ in range(3))
        self.attn = ProjectedAttention(embed_dims, num_heads, window=window, dropout=dropout, attn_dropout=attn_dropout)
        self.path = ScaledPath(embed_dims, path_dropout)
        self.ffn = ScaledFFN(embed_dims, dropout=dropout, path_dropout=path_dropout)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Encode a sequence.

        Args:
            x: (B, L, D), L a multiple of the stride.
            mask: Valid positions (B, L).

        Returns:
            (B, L / stride, D) and the valid positions of it.
        """
        x = x.where(mask.unsqueeze(-1), 0.0)
        normed = self.norm(x)
        query = key = value = normed
        if self.stride:
            query, key, value = (norm(conv(normed, mask)) for conv, norm in zip(self.convs, self.conv_norms))
        shortcut = x
        if self.stride > 1:
            shortcut = pool_max(x, mask, self.stride)
            mask = mask[:, :: self.stride]
        x = shortcut.where(mask.unsqueeze(-1), 0.0) + self.path(self.attn(query, key, value, mask))
        return self.ffn(x, mask), mask


def pool_max(x: Tensor, mask: Tensor, stride: int) -> Tensor:
    """Maximum over every ``stride``-th position and its two neighbours, of the valid ones.

    Args:
        x: (B, L, D).
        mask: Valid positions (B, L).
        stride: Distance of the positions.

    Returns:
        (B, L / stride, D); meaningless where the position itself is padded.
    """
    lowest = torch.finfo(x.dtype).min
    filled = x.masked_fill(~mask.unsqueeze(-1), lowest)
    return F.max_pool1d(filled.transpose(1, 2), 3, stride, padding=1).transpose(1, 2)
