"""Encoders for clips that a fusion refines with several layers of a frozen encoder (R2-Tuning)."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import nn

from mmvmr.registry import MODELS
from mmvmr.structures import Features, LayerStates, Memory, MomentTargets


@MODELS.register_module()
class FusionEncoder(nn.Module):
    """A fusion, then an encoder; without one the fused clips are the memory.

    Args:
        fusion: Config of the fusion, e.g. :class:`RecurrentLayerFusion`.
        encoder: Config of what encodes the fused features, as if the projector had made them.
    """

    def __init__(self, fusion: dict[str, Any], encoder: dict[str, Any] | None = None):
        super().__init__()
        self.fusion = MODELS.build(fusion)
        self.encoder = None if encoder is None else MODELS.build(encoder)

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """The memory of the encoder; without one, memory whose context is the fused video."""
        fused = self.fusion(features)
        if self.encoder is not None:
            return self.encoder(fused, targets)
        return Memory(video=fused.video, context=fused.video, text=fused.text)


@MODELS.register_module()
class LayerPoolEncoder(nn.Module):
    """Pool the text tokens of every layer, and keep clips and sentences of all layers for losses (R2-Tuning).

    Args:
        encoder: Config of the wrapped encoder.
        pool: Config of what makes one vector of the text tokens, e.g. :class:`AttentionPool`; one for all layers.
    """

    def __init__(self, encoder: dict[str, Any], pool: dict[str, Any]):
        super().__init__()
        self.encoder = MODELS.build(encoder)
        self.pool = MODELS.build(pool)

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """The memory of the wrapped encoder with :class:`LayerStates`; ``sentence`` is that of the first layer.

        Raises:
            ValueError: If the projector keeps no layers.
        """
        video, text = features.video, features.text
        if video.layers is None or text.layers is None:
            raise ValueError('LayerPoolEncoder needs the layers of LayerProjector: set it as model.projector')
        memory = self.encoder(features, targets)
        sentences = torch.stack([self.pool(words, text.mask) for words in text.layers.unbind(2)], dim=1)
        memory = dataclasses.replace(memory, sentence=sentences[:, 0])
        memory.add(LayerStates(video.layers[:, :, :, 0], sentences))
        return memory
