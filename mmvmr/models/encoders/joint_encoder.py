"""Self-attention over the concatenation of video and text (Moment-DETR)."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from mmvmr.registry import MODELS
from mmvmr.structures import Features, Memory, MomentTargets, Tokens


@MODELS.register_module()
class JointEncoder(nn.Module):
    """Encode clips and text tokens as one sequence, which is also what the decoder attends to.

    Args:
        layers: Config of the stack, e.g. :class:`TransformerEncoder`.
        fusion: Config of a fusion that runs before the stack.
    """

    def __init__(self, layers: dict[str, Any], fusion: dict[str, Any] | None = None):
        super().__init__()
        self.fusion = MODELS.build(fusion or {'type': 'NoFusion'})
        self.layers = MODELS.build(layers)

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """Memory whose context is the joint sequence, video first."""
        features = self.fusion(features)
        video, text = features.video, features.text
        mask = torch.cat((video.mask, text.mask), dim=1)
        pos = torch.cat((video.position(), text.position()), dim=1)
        feat = self.layers(torch.cat((video.feat, text.feat), dim=1), mask, pos)
        length = video.feat.shape[1]
        return Memory(
            video=video.replace(feat[:, :length]),
            text=text.replace(feat[:, length:]),
            context=Tokens(feat, mask, pos),
        )
