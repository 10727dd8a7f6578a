"""Cross-attention that brings the text into the video (QD-DETR)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from einops import rearrange, repeat
from torch import Tensor, nn

from mmvmr.models.layers import FFN, residual_dropout, truncated_normal_, xavier_
from mmvmr.registry import MODELS
from mmvmr.structures import Features
from mmvmr.utils import check_choice


@MODELS.register_module()
class NoFusion(nn.Module):
    """The neutral fusion: features pass unchanged."""

    def forward(self, features: Features) -> Features:
        """Return the features."""
        return features


@MODELS.register_module()
class CrossEncoderLayer(nn.Module):
    """Cross-attention layer whose feed-forward residual starts from the un-normalised sum (QD-DETR).

    Args:
        embed_dims: Channels D.
        num_heads: Number of heads.
        ffn_dims: Hidden channels of the feed-forward block.
        dropout: Dropout of attention, feed-forward block and residuals.
        activation: Activation of the feed-forward block.
        normed_residual: Start the feed-forward residual from the normalised sum, as ordinary post-norm layers do.
        cross_attn: Config of the attention; by default :class:`MultiheadAttention`.
        drop_unit: What residual dropout drops, see :func:`mmvmr.models.layers.residual_dropout`.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int = 8,
        ffn_dims: int = 1024,
        dropout: float = 0.1,
        activation: str = 'relu',
        normed_residual: bool = False,
        cross_attn: dict[str, Any] | None = None,
        drop_unit: str = 'element',
    ):
        super().__init__()
        self.cross_attn = MODELS.build(
            cross_attn or dict(type='MultiheadAttention', embed_dims=embed_dims, num_heads=num_heads, dropout=dropout)
        )
        self.ffn = FFN(embed_dims, ffn_dims, dropout, activation)
        self.norm1 = nn.LayerNorm(embed_dims)
        self.norm2 = nn.LayerNorm(embed_dims)
        self.dropout = residual_dropout(dropout, drop_unit)
        self.normed_residual = normed_residual

    def forward(
        self,
        x: Tensor,
        pos: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor,
        modulate: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """Attend from one modality to the other.

        Args:
            x: The sequence that is updated (B, N, D).
            pos: Its position, added to the query (B, N, D).
            key: The other sequence, with its position if any (B, L, D).
            value: The other sequence (B, L, D).
            mask: True = may attend: (B, L), (B, N, L) or (B, H, N, L).
            modulate: Changes the logits (B, H, N, L) of the attention before the softmax; None leaves them.

        Returns:
            (B, N, D).
        """
        options = {} if modulate is None else {'modulate': modulate}
        return self.finish(x, self.cross_attn(x + pos, key, value, mask, **options))

    def finish(self, x: Tensor, update: Tensor) -> Tensor:
        """Apply residual, norms and feed-forward block to a sequence and what its attention found, (B, N, D)."""
        attended = x + self.dropout(update)
        normed = self.norm1(attended)
        residual = normed if self.normed_residual else attended
        return self.norm2(residual + self.dropout(self.ffn(normed)))


@MODELS.register_module()
class TextToVideoFusion(nn.Module):
    """Clips attend to the text tokens, which pass unchanged (QD-DETR, section 3.1).

    Args:
        num_layers: Number of layers.
        layer: Config of a layer with the signature of :class:`CrossEncoderLayer`.
        mask_layout: ``sample`` masks the text tokens of each sample. ``head_major`` reproduces the official code, which
            lays the (padded clip, padded text token) mask out head by head where the attention expects it by sample: a
            clip then loses text tokens that are padding in another sample, so that outputs depend on the batch.
        bias: Config of a module ``f(features) -> change of the logits`` for all layers, e.g. :class:`SimilarityBias`;
            None for none.
        init: ``xavier`` or ``truncated_normal`` for every matrix (DETR, FlashVTG).

    Raises:
        ValueError: If ``mask_layout`` or ``init`` is unknown.
    """

    def __init__(
        self,
        num_layers: int,
        layer: dict[str, Any],
        mask_layout: str = 'sample',
        bias: dict[str, Any] | None = None,
        init: str = 'xavier',
    ):
        super().__init__()
        self.mask_layout = check_choice(self, 'mask_layout', mask_layout, ('sample', 'head_major'))
        self.layers = nn.ModuleList(MODELS.build(dict(layer)) for _ in range(num_layers))
        check_choice(self, 'init', init, ('xavier', 'truncated_normal'))
        {'xavier': xavier_, 'truncated_normal': truncated_normal_}[init](self)
        self.bias = None if bias is None else MODELS.build(bias)

    def forward(self, features: Features) -> Features:
        """Fuse: the video attends to the text."""
        video, text = features.video, features.text
        mask, pos, key = self._mask(features), video.position(), text.feat + text.position()
        feat, options = video.feat, {} if self.bias is None else {'modulate': self.bias(features)}
        for layer in self.layers:
            feat = layer(feat, pos, key, text.feat, mask, **options)
        return dataclasses.replace(features, video=video.replace(feat))

    def _mask(self, features: Features) -> Tensor:
        valid = features.text.mask
        if self.mask_layout == 'sample':
            return valid
        blocked = ~features.video.mask[:, :, None] & ~valid[:, None, :]
        return head_major_mask(~blocked, self.layers[0].cross_attn.num_heads) & valid[:, None, None, :]


def head_major_mask(mask: Tensor, num_heads: int) -> Tensor:
    """The official mask mix-up (B, H, N, L): head ``h`` of sample ``b`` gets that (B, N, L) of ``(b H + h) mod B``."""
    return rearrange(repeat(mask, 'b n l -> (h b) n l', h=num_heads), '(b h) n l -> b h n l', h=num_heads)
