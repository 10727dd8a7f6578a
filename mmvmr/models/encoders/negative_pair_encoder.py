"""Encoding the videos of a batch with sentences that do not describe them (QD-DETR, section 3.2)."""

from __future__ import annotations

import dataclasses
from typing import Any

from torch import nn

from mmvmr.registry import MODELS, TASK_UTILS

from ...structures import Features, Memory, MomentTargets


@MODELS.register_module()
class NegativePairEncoder(nn.Module):
    """Run an encoder a second time with negative sentences, when there is a loss to compute.

    Only the encoder runs twice: the published code runs the whole transformer and discards what its decoder found,
    at inference too.

    Args:
        encoder: Config of the wrapped encoder.
        sampler: Config of the choice of negatives, e.g. :class:`RollNegativeSampler`.
    """

    def __init__(self, encoder: dict[str, Any], sampler: dict[str, Any]):
        super().__init__()
        self.encoder = MODELS.build(encoder)
        self.sampler = TASK_UTILS.build(sampler)

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """Encode a batch.

        Args:
            features: Projected inputs.
            targets: Ground truth; None at inference, where no negatives are encoded.

        Returns:
            The memory of the wrapped encoder, with ``negative`` (whose ``aux['valid']`` (B,) marks real negatives)
            while training.
        """
        memory = self.encoder(features, targets)
        if targets is not None:
            text, valid = self.sampler(features, targets)
            negative = self.encoder(dataclasses.replace(features, text=text), targets)
            negative.aux['valid'] = valid
            memory.negative = negative
        return memory
