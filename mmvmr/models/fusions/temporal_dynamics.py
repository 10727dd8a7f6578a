"""Text that is aligned with what changes in a video, next to what is in it (TD-DETR)."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.models.fusions.text_to_video import CrossEncoderLayer, TextToVideoFusion
from mmvmr.models.layers import DynamicsProjection, MultiheadAttention, frame_differences
from mmvmr.registry import MODELS
from mmvmr.structures import Features, Tokens


@MODELS.register_module()
class TemporalDynamicsFusion(nn.Module):
    """A second path next to any fusion, from differences of clips to the text tokens (TD-DETR, section 3.2, eq. 11).

    ::

        clips v_t ---------------------------------- fusion(. , text tokens) ----> V~
        D_t = v_t - v_(t-1), D_1 = v_1 - start -- projection -- dynamics(. , text tokens) --> T'
        out = beta * V~ + (1 - beta) * T'

    As published: both paths are aligned with the text tokens and then added. In the official code beta weights the
    residual of every layer instead: :class:`DynamicsCrossFusion`. Whatever else the wrapped fusion updates (text
    tokens, attention) passes, and so do learned tokens in front of the clips, which have no neighbours in time. Around
    a fusion that takes V videos for B sentences (SnAG) changes are projected once per video, too.

    Args:
        embed_dims: Channels D.
        fusion: Config of the wrapped fusion; None for encoders without one.
        beta: Weight of the video path. With 1 there is no second path and no parameter of it: the wrapped fusion
            alone, bit by bit.
        dynamics: Config of the fusion that aligns the dynamics with the text tokens; by default one layer of
            :class:`TextToVideoFusion`.
        num_heads: Number of heads of the default ``dynamics``.
        ffn_dims: Hidden channels of the default ``dynamics``.
        dropout: Dropout of the default ``dynamics``.
        activation: Activation of the default ``dynamics``.
        text_embed_dims: Channels of the text tokens, where they differ from D (SnAG).

    Raises:
        ValueError: If beta is outside of [0, 1].
    """

    def __init__(
        self,
        embed_dims: int,
        fusion: dict[str, Any] | None = None,
        beta: float = 0.7,
        dynamics: dict[str, Any] | None = None,
        num_heads: int = 8,
        ffn_dims: int = 1024,
        dropout: float = 0.1,
        activation: str = 'relu',
        text_embed_dims: int | None = None,
    ):
        super().__init__()
        check_beta(beta)
        self.beta = beta
        self.fusion = MODELS.build(fusion or {'type': 'NoFusion'})
        self.late = getattr(self.fusion, 'late', False)
        if beta == 1:
            return
        layer = dict(type='CrossEncoderLayer', embed_dims=embed_dims, num_heads=num_heads, ffn_dims=ffn_dims)
        layer.update(dropout=dropout, activation=activation)
        if text_embed_dims not in (None, embed_dims):
            attention = dict(embed_dims=embed_dims, num_heads=num_heads, key_dims=text_embed_dims, dropout=0.0)
            layer['cross_attn'] = dict(type='ProjectedAttention', attn_dropout=dropout, **attention)
        self.start = nn.Parameter(torch.randn(embed_dims))
        self.projection = DynamicsProjection(embed_dims)
        self.dynamics = MODELS.build(dynamics or dict(type='TextToVideoFusion', num_layers=1, layer=layer))

    def forward(self, features: Features) -> Features:
        """Fuse; clips mix both paths, a row for every sentence, and the rest is that of the wrapped fusion."""
        fused = self.fusion(features)
        clips = _behind(features.video, features.video.lead)
        if self.beta == 1 or not clips.feat.shape[1]:
            return fused
        changes = clips.replace(self.projection(frame_differences(clips.feat, self.start)))
        aligned = self.dynamics(dataclasses.replace(features, video=changes).paired()).video.feat
        tokens, video = fused.video.feat.split((features.video.lead, clips.feat.shape[1]), dim=1)
        mixed = torch.cat((tokens, self.beta * video + (1 - self.beta) * aligned), dim=1)
        return dataclasses.replace(fused, video=fused.video.replace(mixed))


@MODELS.register_module()
class DynamicsCrossLayer(CrossEncoderLayer):
    """The layer of TD-DETR's official code: beta weights the residual of the clips against the aligned dynamics.

    ::

        out = norm2(U + FFN(norm1(U))),  U = beta * x + (1 - beta) * T' + A
        A = attention(x + pos, text tokens),   T' = dynamics_attn(projection(differences of x + pos), text tokens)

    A has weight 1, and the differences contain those of the positions.

    Args:
        embed_dims: Channels D.
        num_heads: Number of heads.
        dropout: Dropout of attention, feed-forward block and residuals; T' gets none.
        beta: Weight of the residual, in [0, 1].
        kwargs: See :class:`CrossEncoderLayer`.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int = 8,
        dropout: float = 0.1,
        beta: float = 0.7,
        **kwargs: Any,
    ):
        super().__init__(embed_dims, num_heads=num_heads, dropout=dropout, **kwargs)
        check_beta(beta)
        self.beta = beta
        self.projection = DynamicsProjection(embed_dims)
        self.dynamics_attn = MultiheadAttention(embed_dims, num_heads, dropout)

    def forward(self, x: Tensor, pos: Tensor, key: Tensor, value: Tensor, mask: Tensor, start: Tensor) -> Tensor:
        """Attend from clips and their changes to the text tokens.

        Args:
            x: Clips (B, N, D).
            pos: Their position (B, N, D).
            key: Text tokens, with their position if any (B, L, D).
            value: Text tokens (B, L, D).
            mask: True = may attend: (B, L), (B, N, L) or (B, H, N, L).
            start: What is subtracted from the first clip (D,).

        Returns:
            (B, N, D).
        """
        located = x + pos
        update = self.cross_attn(located, key, value, mask)
        changes = self.projection(frame_differences(located, start))
        aligned = self.dynamics_attn(changes, key, value, mask)
        return self.finish(self.beta * x + (1 - self.beta) * aligned, update)


@MODELS.register_module()
class DynamicsCrossFusion(TextToVideoFusion):
    """Clips and their changes attend to the text tokens, which pass unchanged (TD-DETR's official code).

    Args:
        embed_dims: Channels D.
        num_layers: Number of layers.
        layer: Config of :class:`DynamicsCrossLayer`.
        mask_layout: See :class:`TextToVideoFusion`.
    """

    def __init__(self, embed_dims: int, num_layers: int, layer: dict[str, Any], mask_layout: str = 'sample'):
        super().__init__(num_layers, layer, mask_layout)
        self.start = nn.Parameter(torch.randn(embed_dims))  # one for all layers

    def forward(self, features: Features) -> Features:
        """Fuse: the video attends to the text."""
        video, text = features.video, features.text
        mask, pos, key = self._mask(features), video.position(), text.feat + text.position()
        feat = video.feat
        for layer in self.layers:
            feat = layer(feat, pos, key, text.feat, mask, self.start)
        return dataclasses.replace(features, video=video.replace(feat))


def check_beta(beta: float) -> None:
    """Refuse a weight outside of [0, 1].

    Raises:
        ValueError: If it is.
    """
    if not 0 <= beta <= 1:
        raise ValueError(f'TemporalDynamicsFusion: beta={beta}, expected a weight of the video path in [0, 1]')


def _behind(tokens: Tokens, lead: int) -> Tokens:
    pos = None if tokens.pos is None else tokens.pos[:, lead:]
    return Tokens(tokens.feat[:, lead:], tokens.mask[:, lead:], pos)
