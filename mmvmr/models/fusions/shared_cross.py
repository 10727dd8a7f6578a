"""Cross-attention in both directions with one set of weights (SA-DETR)."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import nn

from mmvmr.models.layers import xavier_
from mmvmr.registry import MODELS
from mmvmr.structures import Features


@MODELS.register_module()
class SharedCrossFusion(nn.Module):
    """Clips attend to text tokens and text tokens to clips through the same layers (SA-DETR, section 3.2).

    Both directions of a layer start from the output of the layer before. Clips carry their position when they ask;
    as keys they do not, and text tokens have none.

    Args:
        num_layers: Number of layers.
        layer: Config of a layer with the signature of :class:`CrossEncoderLayer`.
    """

    def __init__(self, num_layers: int, layer: dict[str, Any]):
        super().__init__()
        self.layers = nn.ModuleList(MODELS.build(dict(layer)) for _ in range(num_layers))
        xavier_(self)

    def forward(self, features: Features) -> Features:
        """Fuse: the video attends to the text and the text to the video."""
        video, text = features.video, features.text
        clips, tokens = video.feat, text.feat
        position, nowhere = video.position(), torch.zeros_like(tokens)
        for layer in self.layers:
            clips, tokens = (
                layer(clips, position, tokens, tokens, text.mask),
                layer(tokens, nowhere, clips, clips, video.mask),
            )
        return dataclasses.replace(features, video=video.replace(clips), text=text.replace(tokens))
