"""Boundary-oriented moment queries (BAM-DETR)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.models.layers import inverse_sigmoid
from mmvmr.models.query_initializers.anchors import anchor_source, take_anchors
from mmvmr.registry import MODELS
from mmvmr.structures import Memory, MomentTargets, Queries, QueryGroup
from mmvmr.utils import check_choice

_PROJECTIONS = ('straight_through', 'in_place')


@MODELS.register_module()
class MomentQueryInitializer(nn.Module):
    """Learned moments: a point p and its distances to start and end, with a state for each (BAM-DETR, section 3.2).

    Distances are kept so small that the moment is inside the video.

    Args:
        num_queries: Number of queries N.
        embed_dims: Channels D of one state.
        projection: ``straight_through`` uses the nearest allowed distances and leaves the parameter to its gradient.
            ``in_place`` reproduces the official code, which overwrites the parameter in every forward pass, at
            inference too. Values and gradients of a pass are the same.
        anchors: Config of an initializer whose anchors the queries take instead of learned moments; None for none.

    Raises:
        ValueError: If ``projection`` is unknown.
    """

    def __init__(
        self,
        num_queries: int,
        embed_dims: int,
        projection: str = 'straight_through',
        anchors: dict[str, Any] | None = None,
    ):
        super().__init__()
        self.projection = check_choice(self, 'projection', projection, _PROJECTIONS)
        self.source = anchor_source(anchors, num_queries)
        if self.source is None:
            self.moments = nn.Embedding(num_queries, 3)
        self.states = nn.Embedding(num_queries, 3 * embed_dims)

    def forward(self, memory: Memory, targets: MomentTargets | None = None) -> Queries:
        """Queries with anchors (p, d_s, d_e) (B, N, 3) and the states of point, start and end (B, N, 3 D)."""
        batch = memory.video.feat.shape[0]
        states = self.states.weight.expand(batch, -1, -1)
        if self.source is not None:
            return take_anchors(states, self.source(memory, targets))
        logits = self.moments.weight
        allowed = allowed_distances(logits.detach())
        if self.projection == 'in_place':
            with torch.no_grad():
                logits.copy_(allowed)
        else:
            # The difference of two equal numbers is exactly 0: allowed distances pass unchanged.
            logits = logits + (allowed - logits).detach()
        return Queries(
            content=states,
            anchors=logits.sigmoid().expand(batch, -1, -1),
            groups=[QueryGroup('direct', 0, logits.shape[0])],
        )


def allowed_distances(logits: Tensor) -> Tensor:
    """Shorten the distances of moments that leave the video, in logits of (p, d_s, d_e) (..., 3)."""
    point, start, end = logits.unbind(-1)
    return torch.stack(
        (point, torch.minimum(point, start), torch.minimum(inverse_sigmoid(1 - point.sigmoid()), end)), dim=-1
    )
