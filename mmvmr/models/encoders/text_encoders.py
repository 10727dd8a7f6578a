"""Encoders of sentences that put a token in front of the text tokens (SnAG, section 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmvmr.models.encoders.pyramid_encoder import SineTable
from mmvmr.models.layers import ConvAttentionLayer, ProjectedAttention, masked_mean
from mmvmr.registry import MODELS
from mmvmr.structures import Tokens


class _TextEncoder(nn.Module):
    """Positional encoding of text tokens.

    Args:
        text_embed_dims: Channels D'.
        max_length: Positions of the table of positional encodings.
        position: As in :class:`PyramidEncoder`.
    """

    def __init__(self, text_embed_dims: int, max_length: int, position: str | None):
        super().__init__()
        self.position = None if position is None else SineTable(text_embed_dims, max_length, position)

    def located(self, text: Tokens) -> Tensor:
        """Add positional encodings to text tokens (B, Lt, D')."""
        return text.feat if self.position is None else text.feat + self.position(text.mask)


@MODELS.register_module()
class TextTransformer(_TextEncoder):
    """A learned token in front of the text tokens, then self-attention among all (SnAG).

    Args:
        text_embed_dims: Channels D'.
        num_layers: Number of layers.
        num_heads: Number of heads.
        max_length: Positions of the table of positional encodings.
        position: As in :class:`PyramidEncoder`.
        token: Whether there is a learned token.
        dropout: Dropout of attention output and feed-forward block.
        path_dropout: Stochastic depth.
        attn_dropout: Dropout of the attention weights.
    """

    def __init__(
        self,
        text_embed_dims: int,
        num_layers: int = 5,
        num_heads: int = 4,
        max_length: int = 48,
        position: str | None = 'own',
        token: bool = True,
        dropout: float = 0.1,
        path_dropout: float = 0.1,
        attn_dropout: float = 0.0,
    ):
        super().__init__(text_embed_dims, max_length, position)
        self.token = nn.Parameter(nn.init.trunc_normal_(torch.empty(text_embed_dims), std=0.02)) if token else None
        drops = {'dropout': dropout, 'path_dropout': path_dropout, 'attn_dropout': attn_dropout}
        self.layers = nn.ModuleList(
            ConvAttentionLayer(text_embed_dims, num_heads, stride=0, **drops) for _ in range(num_layers)
        )

    def forward(self, text: Tokens) -> Tokens:
        """Encode sentences (B, Lt, D'); the result has one more entry, at the front."""
        x, mask = self.located(text), text.mask
        if self.token is not None:
            x = torch.cat((self.token.expand(len(x), 1, -1), x), dim=1)
            mask = torch.cat((mask[:, :1], mask), dim=1)
        for layer in self.layers:
            x, _ = layer(x, mask)
        return Tokens(x, mask)


@MODELS.register_module()
class MeanTextToken(_TextEncoder):
    """Attention of the mean text token to all tokens, prepended to the unchanged text tokens (SnAG).

    Args:
        text_embed_dims: Channels D'.
        num_heads: Number of heads.
        max_length: Positions of the table of positional encodings.
        position: As in :class:`PyramidEncoder`.
        token: Whether there is such a token.
    """

    def __init__(
        self,
        text_embed_dims: int,
        num_heads: int = 4,
        max_length: int = 24,
        position: str | None = None,
        token: bool = True,
    ):
        super().__init__(text_embed_dims, max_length, position)
        self.attn = ProjectedAttention(text_embed_dims, num_heads, dropout=0.0) if token else None

    def forward(self, text: Tokens) -> Tokens:
        """Encode sentences (B, Lt, D'); the result has one more entry, at the front."""
        x, mask = self.located(text), text.mask
        if self.attn is None:
            return Tokens(x, mask)
        mean = masked_mean(x, mask).unsqueeze(1)
        joined = torch.cat((mean, x), dim=1)
        mask = torch.cat((mask[:, :1], mask), dim=1)
        pooled = self.attn(mean, joined, joined, mask)
        return Tokens(torch.cat((pooled, x), dim=1), mask)
