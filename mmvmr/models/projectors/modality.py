"""Modality embeddings."""

from __future__ import annotations

import dataclasses

from torch import nn

from mmvmr.registry import MODELS
from mmvmr.structures import Features


@MODELS.register_module()
class ModalityEmbedding(nn.Module):
    """Adds one learned vector to every text token and another to every clip (CG-DETR; BERT's token types).

    Args:
        embed_dims: Channels D.
    """

    def __init__(self, embed_dims: int):
        super().__init__()
        self.embedding = nn.Embedding(2, embed_dims)
        nn.init.normal_(self.embedding.weight, std=0.02)

    def forward(self, features: Features) -> Features:
        """Mark projected features; shapes stay."""
        word, clip = self.embedding.weight
        sentences = {'text': features.text, 'negative_text': features.negative_text, 'class_text': features.class_text}
        return dataclasses.replace(
            features,
            video=features.video.replace(features.video.feat + clip),
            **{name: None if text is None else text.replace(text.feat + word) for name, text in sentences.items()},
        )
