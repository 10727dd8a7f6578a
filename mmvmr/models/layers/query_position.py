"""Positions of moment queries: positional embeddings from learned vectors or from anchors."""

from __future__ import annotations

from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn

from mmvmr.models.layers.mlp import MLP
from mmvmr.models.layers.position import sine_embedding
from mmvmr.registry import MODELS
from mmvmr.structures import Queries


class QueryPosition(NamedTuple):
    """Position of moment queries.

    Attributes:
        pos: Added to content, or projected next to it (B, N, D).
        sine: The positional half of concatenated attention (B, N, D); equal to ``pos`` where there is only one.
    """

    pos: Tensor
    sine: Tensor


@MODELS.register_module()
class LearnedQueryPosition(nn.Module):
    """The learned vectors of :class:`Queries` (Moment-DETR)."""

    def forward(self, queries: Queries, content: Tensor, anchors: Tensor | None, layer: int) -> QueryPosition:
        """Return ``queries.pos`` for every layer."""
        if queries.pos is None:
            raise ValueError('LearnedQueryPosition needs queries with learned positions: use LearnedQueryInitializer')
        return QueryPosition(queries.pos, queries.pos)


@MODELS.register_module()
class AnchorQueryPosition(nn.Module):
    """DAB-DETR's position: MLP of the sinusoidal encoding of the anchor, modulated by content and width.

    Args:
        embed_dims: Channels D.
        scale_first_layer: Let the content scale the sine part in the first layer too (EaTR), not only later.
        full_width: Spend D channels on each coordinate and use those of the center for the sine part (EaTR);
            otherwise D / 2 on each (QD-DETR).
        width_first: Concatenate the code of the width before that of the center (BM-DETR).
        modulate: Modulate the sine part by ``sigmoid(MLP(content)) / width``.
        modulator_dims: Outputs of that MLP; only the first is used (BM-DETR builds two).
        scale: Let the content scale the sine part.
        hidden_ratio: Hidden channels of the MLP of the encoding, in multiples of D (BAM-DETR: 2).
    """

    def __init__(
        self,
        embed_dims: int,
        scale_first_layer: bool = False,
        full_width: bool = False,
        width_first: bool = False,
        modulate: bool = True,
        modulator_dims: int = 1,
        scale: bool = True,
        hidden_ratio: int = 1,
    ):
        super().__init__()
        self.scale_first_layer = scale_first_layer
        self.full_width = full_width
        self.width_first = width_first
        self.coordinate_dims = embed_dims if full_width else embed_dims // 2
        self.point_head = MLP(2 * self.coordinate_dims, hidden_ratio * embed_dims, embed_dims, 2)
        self.query_scale = MLP(embed_dims, embed_dims, embed_dims, 2) if scale else None
        self.anchor_head = MLP(embed_dims, embed_dims, modulator_dims, 2) if modulate else None

    def forward(self, queries: Queries, content: Tensor, anchors: Tensor, layer: int) -> QueryPosition:
        """Embed the anchors.

        Args:
            queries: Unused: the anchors move from layer to layer.
            content: Query content (B, N, D).
            anchors: Spans at the entrance of the layer (B, N, 2).
            layer: Index of the layer.

        Returns:
            The position of the queries.
        """
        codes = sine_embedding(anchors, self.coordinate_dims)
        codes = codes.flip(-2) if self.width_first else codes
        code = rearrange(codes, '... coordinate c -> ... (coordinate c)')
        sine = codes[..., 0, :] if self.full_width else code
        if self.query_scale is not None and (layer > 0 or self.scale_first_layer):
            sine = sine * self.query_scale(content)
        if self.anchor_head is not None:
            # Clamping changes nothing above a thousandth of the video and keeps a collapsed anchor finite.
            width = anchors[..., 1:2].clamp(min=1e-6)
            sine = sine * (self.anchor_head(content)[..., :1].sigmoid() / width)
        return QueryPosition(self.point_head(code), sine)


@MODELS.register_module()
class SpanQueryPosition(nn.Module):
    """SA-DETR's position ``P_S = MLP(PE(center, width))``, used for self- and cross-attention (eq. 1, 4).

    Args:
        embed_dims: Channels D.
    """

    def __init__(self, embed_dims: int):
        super().__init__()
        self.embed_dims = embed_dims
        self.point_head = MLP(embed_dims, embed_dims, embed_dims, 2)

    def forward(self, queries: Queries, content: Tensor, anchors: Tensor, layer: int) -> QueryPosition:
        """Embed the anchors; arguments as in :class:`AnchorQueryPosition`."""
        code = sine_embedding(anchors, self.embed_dims // 2)
        pos = self.point_head(rearrange(code, 'b n coordinate c -> b n (coordinate c)'))
        return QueryPosition(pos, pos)


def inverse_sigmoid(x: Tensor, eps: float = 1e-3) -> Tensor:
    """Logit of ``x`` with both odds clamped from below, so that 0 and 1 stay finite.

    Args:
        x: Values, clamped to [0, 1].
        eps: Lower bound of ``x`` and of ``1 - x``.

    Returns:
        ``log(max(x, eps) / max(1 - x, eps))``.
    """
    x = x.clamp(0, 1)
    return torch.log(x.clamp(min=eps) / (1 - x).clamp(min=eps))
