"""A pyramid on top of any encoder whose memory holds the clips (FlashVTG)."""

from __future__ import annotations

import dataclasses
from typing import Any

from torch import nn

from mmvmr.registry import MODELS
from mmvmr.structures import Features, Memory, MomentTargets


@MODELS.register_module()
class FeatureLayeringEncoder(nn.Module):
    """Give the memory of an encoder levels of several temporal resolutions (FlashVTG, temporal feature layering).

    Args:
        encoder: Config of the wrapped encoder.
        pyramid: Config of ``f(clips) -> levels``, e.g. :class:`ConvPyramid`.
    """

    def __init__(self, encoder: dict[str, Any], pyramid: dict[str, Any]):
        super().__init__()
        self.encoder = MODELS.build(encoder)
        self.pyramid = MODELS.build(pyramid)

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """The memory of the wrapped encoder with ``levels``."""
        memory = self.encoder(features, targets)
        return dataclasses.replace(memory, levels=self.pyramid(memory.video))
