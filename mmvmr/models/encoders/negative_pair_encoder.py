"""Encoding the videos of a batch with sentences that do not describe them (QD-DETR, section 3.2)."""

from __future__ import annotations

import dataclasses
from typing import Any

from torch import Tensor, nn

from mmvmr.registry import MODELS, TASK_UTILS
from mmvmr.structures import Features, Memory, MismatchedPairs, MomentTargets, Tokens, map_tensors
from mmvmr.utils import check_choice


@MODELS.register_module()
class NegativePairEncoder(nn.Module):
    """Run an encoder a second time with mismatched sentences, when there is a loss to compute.

    Only the encoder runs twice: the published code runs the whole transformer and discards what its decoder found,
    at inference too.

    Args:
        encoder: Config of the wrapped encoder.
        sampler: Config of the choice of negatives, e.g. :class:`RollNegativeSampler`.
        rows: ``all`` encodes every sample, and losses leave those without a real negative out; ``valid`` encodes only
            samples with a real negative, which matters where the mask layout mixes samples up (official CG-DETR).
        similarity: Config of a module ``f(memory) -> dict``, e.g. :class:`SimilarityProjector`, whose result goes to
            :class:`Similarities` of the main memory before negatives are chosen; None for none.
        word_positions: Only of consequence where text tokens have positions, which learned ones make from the text
            tokens themselves. ``moved``: a mismatched sentence brings its own along. ``kept``: those of the right
            sentence stay, as in the official code of QD-DETR and its successors.

    Raises:
        ValueError: If ``rows`` or ``word_positions`` is unknown.
    """

    def __init__(
        self,
        encoder: dict[str, Any],
        sampler: dict[str, Any],
        rows: str = 'all',
        similarity: dict[str, Any] | None = None,
        word_positions: str = 'moved',
    ):
        super().__init__()
        self.rows = check_choice(self, 'rows', rows, ('all', 'valid'))
        self.word_positions = check_choice(self, 'word_positions', word_positions, ('moved', 'kept'))
        self.encoder = MODELS.build(encoder)
        self.sampler = TASK_UTILS.build(sampler)
        self.similarity = None if similarity is None else MODELS.build(similarity)

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """The memory of the wrapped encoder, while training with ``negative`` (that has :class:`MismatchedPairs`)."""
        memory = self.encoder(features, targets)
        if targets is not None:
            if self.similarity is not None:
                memory.add(self.similarity(memory))
            text, valid = self.negatives(features, targets, memory)
            negative = self._encode(dataclasses.replace(features, text=text), targets, valid)
            negative.add(MismatchedPairs(valid))
            memory.negative = negative
        return memory

    def negatives(self, features: Features, targets: MomentTargets, memory: Memory) -> tuple[Tokens, Tensor]:
        """The text tokens of mismatched sentences, and which samples have a real negative (B,)."""
        text, valid = self.sampler(features, targets, memory)
        if self.word_positions == 'kept':
            text = dataclasses.replace(text, pos=features.text.pos)
        return text, valid

    def _encode(self, features: Features, targets: MomentTargets, valid: Tensor) -> Memory:
        if self.rows == 'all' or bool(valid.all()) or not bool(valid.any()):
            return self.encoder(features, targets)
        memory = self.encoder(map_tensors(features, lambda t: t[valid]))
        return map_tensors(memory, lambda t: t.new_zeros(len(valid), *t.shape[1:]).index_put((valid,), t))
