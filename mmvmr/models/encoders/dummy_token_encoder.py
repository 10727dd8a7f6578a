"""Tokens that stand for whatever the sentence does not say (CG-DETR)."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from mmvmr.registry import MODELS
from mmvmr.structures import Features, Memory, MomentTargets, Tokens


@MODELS.register_module()
class DummyTokenEncoder(nn.Module):
    """Prepend sentence-conditioned dummy tokens to the text tokens, then run an encoder (CG-DETR, section 3.1).

    The dummies attend to the text tokens; the wrapped encoder receives the text tokens from before. A
    mismatched sentence inside the wrapped encoder brings its dummies along.

    Args:
        embed_dims: Channels D.
        num_dummies: Number of dummies.
        layers: Config of the stack over dummies and text tokens, e.g. :class:`TransformerEncoder`.
        encoder: Config of the wrapped encoder.
    """

    def __init__(self, embed_dims: int, num_dummies: int, layers: dict[str, Any], encoder: dict[str, Any]):
        super().__init__()
        self.feat = nn.Parameter(torch.randn(num_dummies, embed_dims))
        self.pos = nn.Parameter(torch.randn(num_dummies, embed_dims))
        self.layers = MODELS.build(layers)
        self.encoder = MODELS.build(encoder)

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """The memory of the wrapped encoder."""
        text, (count, _) = features.text, self.feat.shape
        batch = text.feat.shape[0]
        mask = text.mask.new_ones(batch, count)
        dummies = Tokens(self.feat.expand(batch, -1, -1), mask, self.pos.expand(batch, -1, -1), lead=count)
        joint = dummies.join(text)
        informed = self.layers(joint.feat, joint.mask, joint.position())[:, :count]
        joint = dummies.replace(informed).join(text)
        if text.raw is not None:  # dummies have no input
            joint = dataclasses.replace(joint, raw=F.pad(text.raw, (0, 0, count, 0)))
        return self.encoder(dataclasses.replace(features, text=joint), targets)
