"""Context-query attention between clips and text tokens (VSLNet, used by TR-DETR and CausalVTG)."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import nn

from mmvmr.models.builder import build_named
from mmvmr.models.layers import AttentionPool, Dropout
from mmvmr.registry import MODELS
from mmvmr.structures import Features


@MODELS.register_module()
class SequentialFusion(nn.Module):
    """Fusions one after the other.

    Args:
        stages: Name to config, in order; a child config changes one by its name or removes it with None.
    """

    def __init__(self, stages: dict[str, dict[str, Any] | None]):
        super().__init__()
        self.stages = nn.ModuleDict(build_named(stages))

    def forward(self, features: Features) -> Features:
        """Fuse."""
        for stage in self.stages.values():
            features = stage(features)
        return features


@MODELS.register_module()
class ContextQueryAttention(nn.Module):
    """Context-query attention between clips and text tokens (VSLNet, section 3.2; CausalVTG).

    With clips V, text tokens T and the score ``S_ij = <a, v_i> + <b, t_j> + <c * v_i, t_j>``::

        R = softmax_words(S) T                         text that a clip attends to
        E = softmax_words(S) softmax_clips(S)^T V      clips that the same text tokens are about
        out = W1 [V ; R ; V * R ; V * E]

    Args:
        embed_dims: Channels D.
        dropout: Dropout of clips and text tokens inside the score.
    """

    def __init__(self, embed_dims: int, dropout: float = 0.1):
        super().__init__()
        self.clip = nn.Linear(embed_dims, 1, bias=False)
        self.word = nn.Linear(embed_dims, 1, bias=False)
        self.product = nn.Parameter(torch.empty(1, 1, embed_dims))
        self.dropout = Dropout(dropout)
        self.gather = nn.Linear(4 * embed_dims, embed_dims)
        for weight in (self.clip.weight, self.word.weight, self.product):
            nn.init.xavier_uniform_(weight)

    def forward(self, features: Features) -> Features:
        """Fuse: the video attends to the text."""
        video, text = features.video, features.text
        clips, tokens = self.dropout(video.feat), self.dropout(text.feat)
        score = self.clip(clips) + self.word(tokens).transpose(1, 2) + (clips * self.product) @ tokens.transpose(1, 2)
        lowest = torch.finfo(score.dtype).min
        over_words = score.masked_fill(~text.mask[:, None], lowest).softmax(2)
        over_clips = score.masked_fill(~video.mask[:, :, None], lowest).softmax(1)
        read = over_words @ text.feat
        near = over_words @ (over_clips.transpose(1, 2) @ video.feat)
        gathered = self.gather(torch.cat((video.feat, read, video.feat * read, video.feat * near), dim=-1))
        return dataclasses.replace(features, video=video.replace(gathered))


@MODELS.register_module()
class ContextQueryFusion(ContextQueryAttention):
    """Context-query attention, joined with the pooled sentence (TR-DETR, section 3.2).

    ``ReLU(W2 [out ; pooled T])`` with the ``out`` of :class:`ContextQueryAttention`, whose arguments it takes.
    """

    def __init__(self, embed_dims: int, dropout: float = 0.1):
        super().__init__(embed_dims, dropout)
        self.pool = AttentionPool(embed_dims)
        self.join = nn.Linear(2 * embed_dims, embed_dims)
        nn.init.xavier_uniform_(self.pool.score.weight)

    def forward(self, features: Features) -> Features:
        """Fuse: the video attends to the text."""
        fused, text = super().forward(features), features.text
        gathered = fused.video.feat
        sentence = self.pool(text.feat, text.mask).unsqueeze(1).expand_as(gathered)
        feat = self.join(torch.cat((gathered, sentence), dim=-1)).relu()
        return dataclasses.replace(features, video=fused.video.replace(feat))
