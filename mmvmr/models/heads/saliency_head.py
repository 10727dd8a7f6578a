"""Highlight heads: a score per clip."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from mmvmr.registry import MODELS
from mmvmr.structures import Memory, PredictionSet


@MODELS.register_module()
class LinearSaliencyHead(nn.Module):
    """One linear layer on the encoded clips (Moment-DETR).

    Args:
        embed_dims: Channels D.
    """

    def __init__(self, embed_dims: int):
        super().__init__()
        self.linear = nn.Linear(embed_dims, 1)

    def forward(self, memory: Memory, sets: Sequence[PredictionSet] | None = None) -> Tensor:
        """Score the clips (B, Lv)."""
        return self.linear(memory.video.feat).squeeze(-1).float()


@MODELS.register_module()
class TokenSaliencyHead(nn.Module):
    """``<W1 clip, W2 token> / sqrt(D)`` with the global token of the encoder (QD-DETR, eq. 3).

    Args:
        embed_dims: Channels D.
    """

    def __init__(self, embed_dims: int):
        super().__init__()
        self.clip = nn.Linear(embed_dims, embed_dims)
        self.token = nn.Linear(embed_dims, embed_dims)

    def forward(self, memory: Memory, sets: Sequence[PredictionSet] | None = None) -> Tensor:
        """Score the clips (B, Lv).

        Raises:
            ValueError: If the encoder makes no global token.
        """
        if memory.global_token is None:
            raise ValueError(
                'TokenSaliencyHead needs an encoder with a global token (GlobalTokenEncoder): '
                'this one makes none, use LinearSaliencyHead'
            )
        clips = self.clip(memory.video.feat)
        token = self.token(memory.global_token)
        return (clips * token[:, None]).float().sum(-1) / math.sqrt(clips.shape[-1])
