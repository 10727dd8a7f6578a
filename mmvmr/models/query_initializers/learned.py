"""Moment queries that are the same for every video."""

from __future__ import annotations

import torch
from torch import nn

from mmvmr.registry import MODELS
from mmvmr.structures import Memory, MomentTargets, Queries, QueryGroup


@MODELS.register_module()
class LearnedQueryInitializer(nn.Module):
    """Learned positions without anchors (DETR, Moment-DETR).

    Args:
        num_queries: Number of queries N.
        embed_dims: Channels D.
    """

    def __init__(self, num_queries: int, embed_dims: int):
        super().__init__()
        self.position = nn.Embedding(num_queries, embed_dims)

    def forward(self, memory: Memory, targets: MomentTargets | None = None) -> Queries:
        """Queries with zero content; of the memory only the batch size is used."""
        pos = self.position.weight.expand(memory.video.feat.shape[0], -1, -1)
        return Queries(content=torch.zeros_like(pos), pos=pos, groups=[QueryGroup('direct', 0, pos.shape[1])])


@MODELS.register_module()
class LearnedAnchorQueryInitializer(nn.Module):
    """Learned (center, width) anchors (DAB-DETR, QD-DETR).

    Args:
        num_queries: Number of queries N.
        embed_dims: Channels D of the content.
    """

    def __init__(self, num_queries: int, embed_dims: int):
        super().__init__()
        self.embed_dims = embed_dims
        self.anchors = nn.Embedding(num_queries, 2)

    def forward(self, memory: Memory, targets: MomentTargets | None = None) -> Queries:
        """Make the queries of a batch; arguments as in :class:`LearnedQueryInitializer`."""
        batch = memory.video.feat.shape[0]
        anchors = self.anchors.weight.sigmoid().expand(batch, -1, -1)
        content = anchors.new_zeros(batch, anchors.shape[1], self.embed_dims)
        return Queries(content=content, anchors=anchors, groups=[QueryGroup('direct', 0, anchors.shape[1])])
