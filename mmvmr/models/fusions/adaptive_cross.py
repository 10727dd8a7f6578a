"""Cross-attention whose weights on the text tokens may sum to less than one (CG-DETR)."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn

from mmvmr.models.fusions.text_to_video import TextToVideoFusion
from mmvmr.models.layers import dropout as drop_elements
from mmvmr.models.layers import merge_heads, split_heads
from mmvmr.models.layers.attention import expand_mask
from mmvmr.registry import MODELS
from mmvmr.structures import Features


@MODELS.register_module()
class AdaptiveCrossAttention(nn.Module):
    """Attention in which the first keys take part in the softmax but give no value (CG-DETR, section 3.1).

    These dummies absorb the part of a clip that the text does not describe. Query, key and value are not
    projected.

    Args:
        embed_dims: Channels D.
        num_dummies: Number of keys that give no value.
        num_heads: Number of heads.
        dropout: Dropout on the attention weights.
    """

    def __init__(self, embed_dims: int, num_dummies: int, num_heads: int = 8, dropout: float = 0.1):
        super().__init__()
        self.num_dummies = num_dummies
        self.num_heads = num_heads
        self.dropout = dropout
        self.out_proj = nn.Linear(embed_dims, embed_dims)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Attend.

        Args:
            query: (B, N, D).
            key: (B, L, D), dummies first; an empty sequence gives the bias alone.
            value: (B, L, D).
            mask: True = may attend: (B, L), (B, N, L) or (B, H, N, L).

        Returns:
            The update, without residual (B, N, D), and the weights before dropout, averaged over heads (B, N, L).
        """
        query, key, value = (split_heads(x, self.num_heads) for x in (query, key, value))
        logits = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
        logits = logits.masked_fill(~expand_mask(mask), torch.finfo(logits.dtype).min)
        weights = logits.softmax(-1)
        text_weights = drop_elements(weights, self.dropout, self.training)[..., self.num_dummies :]
        return self.out_proj(merge_heads(text_weights @ value[..., self.num_dummies :, :])), weights.mean(1)


@MODELS.register_module()
class AdaptiveCrossFusion(TextToVideoFusion):
    """Adaptive cross-attention of clips to dummies and text tokens, which pass unchanged (CG-DETR, section 3.1).

    Args:
        num_layers: Number of layers.
        layer: Config of :class:`CrossEncoderLayer` with :class:`AdaptiveCrossAttention`.
        mask_layout, init: See :class:`TextToVideoFusion`.
    """

    def forward(self, features: Features) -> Features:
        """Fuse clips with dummies and text tokens; adds ``attention`` (B, Lv, Lt), averaged over layers and heads."""
        video, text = features.video, features.text
        mask, pos, key = self._mask(features), video.position(), text.feat + text.position()
        feat, weights = video.feat, []
        for layer in self.layers:
            update, weight = layer.cross_attn(feat + pos, key, text.feat, mask)
            feat = layer.finish(feat, update)
            weights.append(weight)
        return dataclasses.replace(features, video=video.replace(feat), attention=sum(weights) / len(weights))
