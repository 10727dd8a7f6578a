"""A prior of the attention from clips to text tokens: how similar they are before anything is learned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.models.similarity.similarity_map import SimilarityMap
from mmvmr.registry import MODELS
from mmvmr.structures import Features


@MODELS.register_module()
class SimilarityBias(nn.Module):
    """Adds ``scale x cosine(clip, token)`` to the logits of an attention, with a learned scale per head.

    Args:
        similarity: Config of a :class:`SimilarityMap`, which ``FitHook`` fits.
        num_heads: Number of heads H.
        scale: What the scales start from.
    """

    def __init__(self, similarity: dict[str, Any], num_heads: int = 8, scale: float = 4.0):
        super().__init__()
        self.similarity: SimilarityMap = MODELS.build(similarity)
        self.scale = nn.Parameter(torch.full((num_heads, 1, 1), scale))

    def forward(self, features: Features) -> Callable[[Tensor], Tensor]:
        """Make the change of logits for a batch.

        Args:
            features: Projected inputs, with the vectors before projection.

        Returns:
            A function of logits (B, H, Lv, Lt).

        Raises:
            ValueError: If the projector has lost the vectors before projection.
        """
        if features.raw_video is None or features.text.raw is None:
            raise ValueError('SimilarityBias compares clips and tokens before projection: use LinearProjector')
        bias = self.scale * self.similarity.by_token(features.raw_video.feat, features.text.raw).unsqueeze(1)
        return lambda logits: logits + bias.to(logits.dtype)
