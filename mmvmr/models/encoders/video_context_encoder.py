"""Restriction of the decoder context to clips."""

from __future__ import annotations

import dataclasses
from typing import Any

from torch import nn

from mmvmr.registry import MODELS
from mmvmr.structures import Features, Memory, MomentTargets


@MODELS.register_module()
class VideoContextEncoder(nn.Module):
    """Drop the text tokens from the context of a joint encoder, for decoders that relate spans to clips.

    The Gaussian mask and the enhance block of SA-DETR locate clips by their index; this wrapper brings them to
    Moment-DETR.

    Args:
        encoder: Config of the wrapped encoder.
    """

    def __init__(self, encoder: dict[str, Any]):
        super().__init__()
        self.encoder = MODELS.build(encoder)

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """Encode a batch; arguments as in the wrapped encoder, whose memory gets ``context = video``."""
        memory = self.encoder(features, targets)
        return dataclasses.replace(memory, context=memory.video)
