"""Pooled sentences and projected clips for losses and heads that compare them before the fusion (UniVTG)."""

from __future__ import annotations

import dataclasses
from typing import Any

from torch import nn

from mmvmr.registry import MODELS
from mmvmr.structures import Features, Memory, MomentTargets, PooledText


@MODELS.register_module()
class SentencePoolEncoder(nn.Module):
    """Pool the text tokens in front of an encoder, and keep the clips as they were (UniVTG, section 3.2).

    Args:
        encoder: Config of the wrapped encoder.
        pool: Config of what makes one vector of the text tokens, e.g. :class:`AttentionPool`.
    """

    def __init__(self, encoder: dict[str, Any], pool: dict[str, Any]):
        super().__init__()
        self.encoder = MODELS.build(encoder)
        self.pool = MODELS.build(pool)

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """The memory of the wrapped encoder with ``sentence`` and :class:`PooledText`."""
        memory = self.encoder(features, targets)
        names = features.class_text
        classes = None if names is None else self.pool(names.feat, names.mask)
        memory = dataclasses.replace(memory, sentence=self.pool(features.text.feat, features.text.mask))
        memory.add(PooledText(features.video.feat, classes))
        return memory
