"""Cross-attention in both directions with separate weights (UVCOM)."""

from __future__ import annotations

import dataclasses
from typing import Any

from torch import nn

from mmvmr.registry import MODELS
from mmvmr.structures import Features


@MODELS.register_module()
class MutualCrossFusion(nn.Module):
    """Clips attend to text tokens and, in parallel, text tokens to clips, both from the projected inputs (UVCOM, DBIA).

    Unlike :class:`SharedCrossFusion`, neither direction sees what the other found.

    Args:
        to_video: Config of the fusion that updates the clips, e.g. :class:`TextToVideoFusion`.
        to_text: Config of a fusion of the same kind that updates the text tokens: it gets text tokens in the place of
            clips.
    """

    def __init__(self, to_video: dict[str, Any], to_text: dict[str, Any]):
        super().__init__()
        self.to_video = MODELS.build(to_video)
        self.to_text = MODELS.build(to_text)

    def forward(self, features: Features) -> Features:
        """Fuse: the video attends to the text and the text to the video."""
        turned = dataclasses.replace(features, video=features.text, text=features.video)
        return dataclasses.replace(self.to_video(features), text=self.to_text(turned).video)
