"""Text tokens that scale and shift the channels of clips (SnAG, section 3.2)."""

from __future__ import annotations

import dataclasses

import torch.nn.functional as F
from torch import Tensor, nn

from mmvmr.models.layers import MaskedConv, ProjectedAttention, ScaledFFN
from mmvmr.registry import MODELS
from mmvmr.structures import Features, Tokens
from mmvmr.utils import check_choice

_MODES = ('adaln', 'affine')


class ModulatedCrossLayer(nn.Module):
    """Cross-attention whose output scales and shifts, then a feed-forward block.

    ::

        (scale, shift) = attention(norm(conv(norm(x))), norm(text tokens));   x = norm'(x) * scale + shift
        x = x + path(FFN(norm(x)))

    Args:
        embed_dims: Channels D of clips.
        text_embed_dims: Channels D' of text tokens.
        num_heads: Number of heads.
        mode: norm' is a norm without parameters (``adaln``) or nothing (``affine``). Neither has a residual around the
            attention.
        dropout: Dropout of attention output and feed-forward block.
        path_dropout: Stochastic depth.
        attn_dropout: Dropout of the attention weights.
    """

    def __init__(
        self,
        embed_dims: int,
        text_embed_dims: int,
        num_heads: int = 4,
        mode: str = 'adaln',
        dropout: float = 0.1,
        path_dropout: float = 0.1,
        attn_dropout: float = 0.0,
    ):
        super().__init__()
        self.mode = mode
        self.norm = nn.LayerNorm(embed_dims)
        self.conv = MaskedConv(embed_dims, embed_dims, 3, groups=embed_dims, bias=False)
        self.conv_norm = nn.LayerNorm(embed_dims)
        self.text_norm = nn.LayerNorm(text_embed_dims)
        self.attn = ProjectedAttention(
            embed_dims, num_heads, text_embed_dims, 2 * embed_dims, dropout=dropout, attn_dropout=attn_dropout
        )
        self.ffn = ScaledFFN(embed_dims, dropout=dropout, path_dropout=path_dropout)

    def forward(self, video: Tokens, text: Tokens, rows: Tensor | None) -> Tokens:
        """Modulate clips.

        Args:
            video: Clips (V, L, D).
            text: Text tokens (B, Lt, D').
            rows: Video of every sentence (B,); None where V = B in order.

        Returns:
            Clips (B, L, D).
        """
        x, mask = video.feat.where(video.mask.unsqueeze(-1), 0.0), video.mask
        query = self.attn.query(self.conv_norm(self.conv(self.norm(x), mask)))
        if rows is not None:  # only here: what comes before is the same for all sentences of a video
            x, mask, query = x[rows], mask[rows], query[rows]
        tokens = self.text_norm(text.feat)
        scale, shift = self.attn.attend(query, tokens, tokens, text.mask).chunk(2, dim=-1)
        base = F.layer_norm(x, x.shape[-1:]) if self.mode == 'adaln' else x
        return Tokens(self.ffn(base * scale + shift, mask), mask)


@MODELS.register_module()
class ModulatedCrossFusion(nn.Module):
    """A stack of layers in which text tokens modulate clips; the first one repeats videos for their sentences (SnAG).

    Args:
        embed_dims: Channels D of clips.
        text_embed_dims: Channels D' of text tokens; None for D.
        num_layers: Number of layers.
        num_heads: Number of heads.
        mode: ``adaln`` or ``affine``, see :class:`ModulatedCrossLayer`.
        dropout: Dropout of attention output and feed-forward block.
        path_dropout: Stochastic depth.
        attn_dropout: Dropout of the attention weights.

    Raises:
        ValueError: If ``mode`` is unknown.
    """

    late = True

    def __init__(
        self,
        embed_dims: int,
        text_embed_dims: int | None = None,
        num_layers: int = 2,
        num_heads: int = 4,
        mode: str = 'adaln',
        dropout: float = 0.1,
        path_dropout: float = 0.1,
        attn_dropout: float = 0.0,
    ):
        super().__init__()
        check_choice(self, 'mode', mode, _MODES)
        self.layers = nn.ModuleList(
            ModulatedCrossLayer(
                embed_dims, text_embed_dims or embed_dims, num_heads, mode, dropout, path_dropout, attn_dropout
            )
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(embed_dims)

    def forward(self, features: Features) -> Features:
        """Fuse clips of V videos and text tokens of B sentences; there is a row of clips for every sentence."""
        video, rows = features.video, features.rows
        for layer in self.layers:
            video, rows = layer(video, features.text, rows), None
        if rows is not None:  # no layer has repeated the videos
            video = Tokens(video.feat[rows], video.mask[rows])
        return dataclasses.replace(features, video=Tokens(self.norm(video.feat), video.mask), rows=None)
