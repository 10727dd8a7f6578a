"""Moment queries whose content is gathered from the clips by slots (UVCOM)."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from mmvmr.models.layers import sentence_token, xavier_
from mmvmr.models.query_initializers.anchors import anchor_source, take_anchors
from mmvmr.registry import MODELS
from mmvmr.structures import Memory, MomentTargets, Queries, QueryGroup
from mmvmr.utils import check_choice

_STARTS = ('distinct', 'equal')


@MODELS.register_module()
class SentenceSlotQueryInitializer(nn.Module):
    """Content from slots that start at the sentence and read the clips; learned (center, width) anchors (UVCOM).

    Args:
        num_queries: Number of queries N.
        embed_dims: Channels D.
        slots: Config of ``f(slots, inputs, mask) -> slots``, e.g. :class:`SlotAttention`.
        start: ``distinct`` adds a learned vector to each slot before they compete. ``equal`` reproduces the official
            code: all slots start as the sentence, so that they remain equal, each entry goes to all of them equally,
            and the learned vectors that are added afterwards are all that tells the queries apart.
        anchors: Config of an initializer whose anchors the queries take; None learns them.

    Raises:
        ValueError: If ``start`` is unknown.
    """

    def __init__(
        self,
        num_queries: int,
        embed_dims: int,
        slots: dict[str, Any],
        start: str = 'distinct',
        anchors: dict[str, Any] | None = None,
    ):
        super().__init__()
        self.start = check_choice(self, 'start', start, _STARTS)
        self.slots = MODELS.build(slots)
        self.embedding = nn.Parameter(torch.empty(num_queries, embed_dims))
        xavier_(self)
        self.source = anchor_source(anchors, num_queries)
        if self.source is None:
            self.anchors = nn.Embedding(num_queries, 2)

    def forward(self, memory: Memory, targets: MomentTargets | None = None) -> Queries:
        """Queries with anchors (B, N, 2)."""
        sentence = sentence_token(memory).unsqueeze(1)
        batch, count = len(sentence), len(self.embedding)
        start = sentence + self.embedding if self.start == 'distinct' else sentence.expand(-1, count, -1)
        content = self.slots(start, memory.video.feat, memory.video.mask)
        if self.start == 'equal':
            content = content + self.embedding
        if self.source is not None:
            return take_anchors(content, self.source(memory, targets))
        anchors = self.anchors.weight.sigmoid().expand(batch, -1, -1)
        return Queries(content=content, anchors=anchors, groups=[QueryGroup('direct', 0, count)])
