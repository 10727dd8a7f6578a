"""Stacks of transformer encoder layers."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from mmvmr.models.layers import FFN, MultiheadAttention, residual_dropout, truncated_normal_, xavier_
from mmvmr.registry import MODELS
from mmvmr.utils import check_choice


@MODELS.register_module()
class EncoderLayer(nn.Module):
    """Post-norm self-attention layer (DETR).

    Args:
        embed_dims: Channels D.
        num_heads: Number of heads.
        ffn_dims: Hidden channels of the feed-forward block.
        dropout: Dropout of attention, feed-forward block and residuals.
        activation: Activation of the feed-forward block.
        drop_unit: What residual dropout drops, see :func:`mmvmr.models.layers.residual_dropout`.
        path_dropout: Dropout of the residuals, where it differs (UniVTG).
        ffn_dropout: Dropout inside the feed-forward block, where it differs.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int = 8,
        ffn_dims: int = 1024,
        dropout: float = 0.1,
        activation: str = 'relu',
        drop_unit: str = 'element',
        path_dropout: float | None = None,
        ffn_dropout: float | None = None,
    ):
        super().__init__()
        self.self_attn = MultiheadAttention(embed_dims, num_heads, dropout)
        self.ffn = FFN(embed_dims, ffn_dims, dropout if ffn_dropout is None else ffn_dropout, activation)
        self.norm1 = nn.LayerNorm(embed_dims)
        self.norm2 = nn.LayerNorm(embed_dims)
        self.dropout = residual_dropout(dropout if path_dropout is None else path_dropout, drop_unit)

    def forward(self, x: Tensor, mask: Tensor, pos: Tensor) -> Tensor:
        """Encode a sequence (B, L, D) with valid positions (B, L); ``pos`` is added to query and key."""
        located = x + pos
        x = self.norm1(x + self.dropout(self.self_attn(located, located, x, mask)))
        return self.norm2(x + self.dropout(self.ffn(x)))


@MODELS.register_module()
class TransformerEncoder(nn.Module):
    """A stack of encoder layers; positions are added in every layer.

    Args:
        num_layers: Number of layers.
        layer: Config of a layer with the signature of :class:`EncoderLayer`.
        init: ``xavier`` or ``truncated_normal`` for every matrix (DETR, FlashVTG), or ``default`` for what each layer
            does by itself.
        position_scale: Config of a module ``f(x)``, shared by the layers, that multiplies the positions before every
            layer, e.g. :class:`ContentScale` (DAB-DETR, BM-DETR); None leaves them unchanged.
    """

    def __init__(
        self,
        num_layers: int,
        layer: dict[str, Any],
        init: str = 'xavier',
        position_scale: dict[str, Any] | None = None,
    ):
        super().__init__()
        check_choice(self, 'init', init, ('xavier', 'truncated_normal', 'default'))
        self.layers = nn.ModuleList(MODELS.build(dict(layer)) for _ in range(num_layers))
        self.position_scale = None if position_scale is None else MODELS.build(position_scale)
        if init != 'default':
            {'xavier': xavier_, 'truncated_normal': truncated_normal_}[init](self)

    def forward(self, x: Tensor, mask: Tensor, pos: Tensor) -> Tensor:
        """Encode a sequence; arguments as in :class:`EncoderLayer`."""
        for layer in self.layers:
            x = layer(x, mask, pos if self.position_scale is None else pos * self.position_scale(x))
        return x
