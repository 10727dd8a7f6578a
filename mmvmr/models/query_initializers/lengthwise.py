"""Queries for classes of length (LA-DETR)."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import nn

from mmvmr.registry import MODELS
from mmvmr.structures import Memory, MomentTargets, Queries, QueryGroup


@MODELS.register_module()
class LengthwiseQueryInitializer(nn.Module):
    """The queries of another initializer once for every class of length, with a learned vector of the class.

    All classes share anchors and positions. The vector is added to the content, which is zero in QD-DETR.

    Args:
        initializer: Config of the initializer, whose queries all predict.
        num_classes: Number of classes.
        embed_dims: Channels of the content; filled in from ``model.shared``.
    """

    def __init__(self, initializer: dict[str, Any], num_classes: int, embed_dims: int):
        super().__init__()
        self.initializer = MODELS.build(initializer)
        self.classes = nn.Embedding(num_classes, embed_dims)

    def forward(self, memory: Memory, targets: MomentTargets | None = None) -> Queries:
        """Make the queries of a batch.

        Args:
            memory: Encoder output.
            targets: Ground truth, for initializers that use it.

        Returns:
            Queries in blocks of a class each, the shortest class first.

        Raises:
            ValueError: If the initializer makes other groups than ``direct``, or masks queries.
        """
        queries = self.initializer(memory, targets)
        if [group.name for group in queries.groups] != ['direct'] or queries.attn_mask is not None:
            raise ValueError(
                f'LengthwiseQueryInitializer: {type(self.initializer).__name__} makes further groups of queries or '
                'masks them: put it around the initializer of the direct queries'
            )
        count, number = self.classes.num_embeddings, queries.content.shape[1]
        repeated = {
            name: None if value is None else value.repeat(1, count, 1)
            for name, value in (('content', queries.content), ('anchors', queries.anchors), ('pos', queries.pos))
        }
        vectors = self.classes.weight.repeat_interleave(number, dim=0)
        width = repeated['content'].shape[2] // vectors.shape[1]  # a dual-path decoder has three contents side by side
        repeated['content'] = repeated['content'] + vectors.repeat(1, width)
        (group,) = queries.groups
        mask = None if group.mask is None else torch.cat([group.mask] * count, dim=1)
        direct = QueryGroup('direct', 0, count * number, mask=mask, extras=group.extras)
        return dataclasses.replace(queries, **repeated, groups=[direct])
