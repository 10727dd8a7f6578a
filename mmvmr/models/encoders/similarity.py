"""Videos, clips and sentences in one space, for losses and for the choice of negatives (UVCOM)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import nn

from mmvmr.models.layers import MLP, sentence_token, xavier_
from mmvmr.registry import MODELS
from mmvmr.structures import Memory, Similarities


@MODELS.register_module()
class SimilarityProjector(nn.Module):
    """Map global token, clips and sentence to unit vectors whose products are similarities (UVCOM).

    Args:
        embed_dims: Channels D.
        hidden_dims: Hidden channels of the two MLPs, one for both of video and clips, one for sentences.
        num_layers: Linear layers of each.
    """

    def __init__(self, embed_dims: int, hidden_dims: int = 1024, num_layers: int = 3):
        super().__init__()
        self.video = MLP(embed_dims, hidden_dims, embed_dims, num_layers)
        self.text = MLP(embed_dims, hidden_dims, embed_dims, num_layers)
        xavier_(self)

    def forward(self, memory: Memory) -> Similarities:
        """Project a memory.

        Args:
            memory: Encoder output with a global token.

        Returns:
            Unit vectors of the global token, the fused clips and the sentence.

        Raises:
            ValueError: If the encoder makes no global token.
        """
        if memory.global_token is None:
            raise ValueError('SimilarityProjector needs an encoder with a global token, e.g. IntegrationEncoder')
        return Similarities(
            video=F.normalize(self.video(memory.global_token), dim=-1),
            clips=F.normalize(self.video(memory.fused_clips), dim=-1),
            sentence=F.normalize(self.text(sentence_token(memory)), dim=-1),
        )
