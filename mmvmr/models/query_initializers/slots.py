"""Moment queries out of the events of a video (EaTR)."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.models.layers import MLP, SlotAttention, xavier_
from mmvmr.models.query_initializers.anchors import anchor_source, take_anchors
from mmvmr.registry import MODELS
from mmvmr.structures import EventContext, Memory, MomentTargets, PredictionSet, Queries, QueryGroup


@MODELS.register_module()
class SlotQueryInitializer(nn.Module):
    """Slots compete for the clips; each becomes a query, its event the anchor (EaTR, section 3.2).

    Events are offered as the prediction set ``event``, whose targets are the pseudo events of the encoder.

    Args:
        num_queries: Number of slots N.
        embed_dims: Channels D.
        num_iters: Iterations of the slot attention.
        padding: See :class:`SlotAttention`.
        anchors: Config of an initializer whose anchors the queries take instead of the events; None for none.
    """

    def __init__(
        self,
        num_queries: int,
        embed_dims: int,
        num_iters: int = 3,
        padding: str = 'exclude',
        anchors: dict[str, Any] | None = None,
    ):
        super().__init__()
        self.slots = nn.Parameter(torch.empty(num_queries, embed_dims))
        self.attention = SlotAttention(embed_dims, num_iters, embed_dims, 2, padding)
        self.norm = nn.LayerNorm(embed_dims)
        xavier_(self)
        self.mlp = MLP(embed_dims, embed_dims, 2, 3)
        nn.init.zeros_(self.mlp.layers[-1].weight)
        nn.init.zeros_(self.mlp.layers[-1].bias)
        self.source = anchor_source(anchors, num_queries)

    def forward(self, memory: Memory, targets: MomentTargets | None = None) -> Queries:
        """Queries with content, anchors (B, N, 2) and, from the normalised slots, the set ``event``.

        Slots attend to the clips of :class:`EventContext` (the encoded ones without).

        Raises:
            ValueError: If there is something to learn and no pseudo event to learn it from.
        """
        context = memory.find(EventContext) if targets is None else memory.extra(EventContext, self)
        video, events = (memory.video, None) if context is None else (context.projected, context.events)
        start = self.slots.expand(len(video.feat), -1, -1)
        slots = self.attention(start, video.feat + video.position(), video.mask)
        event = PredictionSet('event', self._spans(self.norm(slots)), targets=events)
        if self.source is None:
            groups = [QueryGroup('direct', 0, slots.shape[1])]
            return Queries(content=slots, anchors=self._spans(slots), groups=groups, init_sets=[event])
        queries = take_anchors(slots, self.source(memory, targets))
        return dataclasses.replace(queries, init_sets=[event, *queries.init_sets])

    def _spans(self, slots: Tensor) -> Tensor:
        return self.mlp(slots).float().sigmoid()
