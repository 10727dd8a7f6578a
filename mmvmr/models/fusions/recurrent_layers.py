"""Clips refined with one layer of a frozen encoder after another, from the last to the first (R2-Tuning)."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.models.layers import FFN, DropPath, ProjectedAttention, xavier_
from mmvmr.registry import MODELS
from mmvmr.structures import Features
from mmvmr.utils import check_choice


@MODELS.register_module()
class RefinementLayer(nn.Module):
    """Post-norm layer: clips attend to text tokens, then to each other, then pass a feed-forward block (R2-Tuning).

    Args:
        embed_dims: Channels D.
        num_heads: Number of heads.
        ffn_dims: Hidden channels of the feed-forward block.
        path_dropout: Stochastic depth of all three; nothing else is dropped.
    """

    def __init__(self, embed_dims: int, num_heads: int = 8, ffn_dims: int = 1024, path_dropout: float = 0.1):
        super().__init__()
        self.cross_attn = ProjectedAttention(embed_dims, num_heads, dropout=0.0)
        self.self_attn = ProjectedAttention(embed_dims, num_heads, dropout=0.0)
        self.ffn = FFN(embed_dims, ffn_dims, dropout=0.0)
        self.norm1 = nn.LayerNorm(embed_dims)
        self.norm2 = nn.LayerNorm(embed_dims)
        self.norm3 = nn.LayerNorm(embed_dims)
        self.dropout = DropPath(path_dropout)
        xavier_(self.cross_attn)
        xavier_(self.self_attn)
        for linear in (self.ffn.linear1, self.ffn.linear2):
            nn.init.kaiming_normal_(linear.weight, mode='fan_out', nonlinearity='relu')
            nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor, pos: Tensor, mask: Tensor, text: Tensor, text_mask: Tensor) -> Tensor:
        """Refine clips.

        Args:
            x: Clips (B, L, D).
            pos: Their positions, added to queries of both attentions and to keys of the second (B, L, D).
            mask: Valid clips (B, L).
            text: Text tokens (B, Lt, D).
            text_mask: Valid text tokens (B, Lt).

        Returns:
            (B, L, D).
        """
        x = self.norm1(x + self.dropout(self.cross_attn(x + pos, text, text, text_mask)))
        located = x + pos
        x = self.norm2(x + self.dropout(self.self_attn(located, located, x, mask)))
        return self.norm3(x + self.dropout(self.ffn(x)))


@MODELS.register_module()
class RefinementFusion(nn.Module):
    """One layer in which clips attend to text tokens and to each other (CausalVTG).

    Args:
        layer: Config of the layer, e.g. :class:`RefinementLayer`.
    """

    def __init__(self, layer: dict[str, Any]):
        super().__init__()
        self.layer = MODELS.build(layer)

    def forward(self, features: Features) -> Features:
        """Fuse: clips are refined, and text tokens pass unchanged."""
        video, text = features.video, features.text
        feat = self.layer(video.feat, video.position(), video.mask, text.feat, text.mask)
        return dataclasses.replace(features, video=video.replace(feat))


@MODELS.register_module()
class RecurrentLayerFusion(nn.Module):
    """The R2 block: recurrent refinement of clips with the layers of a frozen encoder, the last one first.

    ::

        frame tokens f_k, text tokens q_k of layer k
          | o_k = max over text tokens of (softmax(<W_q q_k, W_f f_k> / sqrt(D)) f_k + q_k)    spatial pooling
          | c_k = class token + tanh(s_k) o_k
          | h_k = g_k c_k + (1 - g_k) r_(k+1),  g_k = sigmoid(gate_k);   h_K = c_K
          v r_k = layer(h_k, q_k)                                                              temporal refinement

    One layer with one set of weights refines all k; s_k and gate_k are learned numbers, 0 before training. The fused
    clips are r_1, and the text tokens those of layer 1, which are the first of the K that the projector has.

    Args:
        embed_dims: Channels D.
        layer: Config of the temporal refinement, e.g. :class:`RefinementLayer`.
        feature_layers: Layers K.
        padding: ``exclude`` takes the maximum over the text tokens that exist; ``include`` reproduces the official
            training, where the maximum sees what sentences are padded with; its inference takes one sentence at a time,
            so that nothing is padded, and evaluation here excludes padding either way.

    Raises:
        ValueError: If ``padding`` is unknown.
    """

    def __init__(self, embed_dims: int, layer: dict[str, Any], feature_layers: int = 4, padding: str = 'exclude'):
        super().__init__()
        self.padding = check_choice(self, 'padding', padding, ('exclude', 'include'))
        self.feature_layers = feature_layers
        self.frame = nn.Linear(embed_dims, embed_dims)
        self.word = nn.Linear(embed_dims, embed_dims)
        self.scale = nn.Parameter(torch.zeros(feature_layers))
        self.gate = nn.Parameter(torch.zeros(feature_layers - 1)) if feature_layers > 1 else None
        self.layer = MODELS.build(layer)

    def forward(self, features: Features) -> Features:
        """Fuse; clips are refined, and text tokens are those of the first layer.

        Raises:
            ValueError: If the projector keeps no layers, or another number of them.
        """
        video, text = features.video, features.text
        depths = [0 if tokens.layers is None else tokens.layers.shape[2] for tokens in (video, text)]
        if depths != [self.feature_layers] * 2:
            raise ValueError(
                f'RecurrentLayerFusion refines {self.feature_layers} layers, but clips have {depths[0]} and text '
                f'tokens {depths[1]}: set model.projector.type=LayerProjector and shared.feature_layers'
            )
        state, words, pos = None, text.feat, video.position()
        for k in reversed(range(self.feature_layers)):
            frames, words = video.layers[:, :, k], text.layers[:, :, k]
            clips = frames[:, :, 0] + self.scale[k].tanh() * self._pooled(frames, words, text.mask)
            if state is not None:
                gate = self.gate[k].sigmoid()
                clips = gate * clips + (1 - gate) * state
            state = self.layer(clips, pos, video.mask, words, text.mask)
        return dataclasses.replace(features, video=video.replace(state), text=text.replace(words))

    def _pooled(self, frames: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        """Query-modulated spatial pooling of frame tokens (B, L, P, D) with text tokens (B, Lt, D): (B, L, D)."""
        logits = torch.einsum('bwd,blpd->blwp', self.word(words), self.frame(frames)) * words.shape[-1] ** -0.5
        pooled = logits.softmax(-1).to(frames.dtype) @ frames + words.unsqueeze(1)
        if self.padding == 'exclude' or not self.training:
            pooled = pooled.masked_fill(~mask[:, None, :, None], torch.finfo(pooled.dtype).min)
        return pooled.amax(2)
