"""The dual-pathway decoder of BAM-DETR: a point of the moment and its two boundaries look for different things."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.models.layers import MLP, inverse_sigmoid, xavier_
from mmvmr.registry import MODELS
from mmvmr.structures import (
    BoundaryPathways,
    Decoded,
    Memory,
    Queries,
    point_distances_to_start_end,
    spans_to_point_distances,
    to_center_width,
)
from mmvmr.utils.merging import merge_configs


@MODELS.register_module()
class DualPathDecoder(nn.Module):
    """Every layer moves the point p of a moment (p, d_s, d_e), then its distances to start and end (BAM-DETR, 3.3).

    ::

        anchor pathway    point state --- self-attention, cross-attention at (p - d_s, p + d_e) ---> moves p
        boundary pathway  start state --- clips around p - d_s, next to evidence of starts --------> moves d_s
                          end state   --- clips around p + d_e, next to evidence of ends ----------> moves d_e

    ``hidden`` holds the three states side by side (S, B, N, 3 D), ``anchors`` and ``refined`` (center, width) that may
    reach beyond the video; :class:`BoundaryPathways` holds points with distances, and evidence. Queries of other
    initializers, with (center, width) anchors and D channels, start with the point in the middle and with equal states.

    Args:
        embed_dims: Channels D.
        num_layers: Number of layers S.
        layer: Config of a layer of the anchor pathway with the signature of :class:`DecoderLayer`.
        position: Config of the query position, e.g. :class:`AnchorQueryPosition`.
        boundary_layer: Config of a layer of a boundary pathway, e.g. :class:`BoundaryLayer`.
        boundary_features: Config of a block ``f(x, mask)`` on the fused clips, e.g. :class:`ConvStack`; it is built
            twice, for starts and ends.
        first_layer: What the first layer of the anchor pathway has different from ``layer`` (merged recursively).
        eps: Coordinates are moved no closer than this to 0 and 1.
    """

    def __init__(
        self,
        embed_dims: int,
        num_layers: int,
        layer: dict[str, Any],
        position: dict[str, Any],
        boundary_layer: dict[str, Any],
        boundary_features: dict[str, Any],
        first_layer: dict[str, Any] | None = None,
        eps: float = 1e-3,
    ):
        super().__init__()
        self.eps = eps
        first = merge_configs(layer, first_layer or {})
        self.layers = nn.ModuleList(MODELS.build(first if i == 0 else dict(layer)) for i in range(num_layers))
        self.position = MODELS.build(position)
        self.boundary_features = nn.ModuleList(MODELS.build(dict(boundary_features)) for _ in range(2))
        self.boundary_layers = nn.ModuleList(
            nn.ModuleList(MODELS.build(dict(boundary_layer)) for _ in range(2)) for _ in range(num_layers)
        )
        xavier_(self)
        for module in self.modules():
            if hasattr(module, 'reset_points'):
                module.reset_points()
        self.steps = nn.ModuleList(
            nn.ModuleList(MLP(embed_dims, embed_dims, 1, 3) for _ in range(3)) for _ in range(num_layers)
        )
        for mlp in (mlp for steps in self.steps for mlp in steps):
            nn.init.zeros_(mlp.layers[-1].weight)
            nn.init.zeros_(mlp.layers[-1].bias)

    def forward(self, queries: Queries, memory: Memory) -> Decoded:
        """Decode.

        Args:
            queries: Moment queries with anchors (B, N, 3) and content (B, N, 3 D), or as other initializers make them.
            memory: Encoder output; boundaries are looked for in its ``fused_clips``.

        Returns:
            States and anchors of every layer, see the class. Points and distances are detached from layer to layer
            but keep their gradient in the result.
        """
        point_distances, (point, *ends) = start_point_distances(queries), start_states(queries, self._width())
        evidence, features = self._evidence(memory)
        hidden, reference_points = [], [point_distances]
        for index, layer in enumerate(self.layers):
            spans = to_center_width(point_distances_to_start_end(point_distances).clamp(0, 1))
            position = self.position(queries, point, spans, index)
            point = layer(point, position, memory, spans, queries.attn_mask)
            moved = self._move(point_distances, [self.steps[index][0](point), None, None])
            windows = point_distances_to_start_end(moved.detach()).clamp(0, 1)
            ends = [
                boundary_layer(state, feature, window, memory.video.mask)
                for boundary_layer, state, feature, window in zip(
                    self.boundary_layers[index], ends, features, windows.unbind(-1)
                )
            ]
            steps = [None, *(mlp(state) for mlp, state in zip(self.steps[index][1:], ends))]
            widened = self._move(moved.detach(), steps)
            reference_points.append(torch.cat((moved[..., :1], widened[..., 1:]), dim=-1))
            hidden.append(torch.cat((point, *ends), dim=-1))
            point_distances = widened.detach()
        pathways = BoundaryPathways(torch.stack(reference_points), evidence)
        anchors = to_center_width(point_distances_to_start_end(pathways.point_distances))
        return Decoded(torch.stack(hidden), anchors=anchors[:-1], refined=anchors[1:], extras=(pathways,))

    def _width(self) -> int:
        return self.steps[0][0].layers[0].in_features

    def _evidence(self, memory: Memory) -> tuple[Tensor, list[Tensor]]:
        """Evidence of starts and ends (2, B, Lv, D), and each next to the clips (B, Lv, 2 D)."""
        clips = memory.video
        evidence = [block(memory.fused_clips, clips.mask) for block in self.boundary_features]
        return torch.stack(evidence), [torch.cat((clips.feat, part), dim=-1) for part in evidence]

    def _move(self, point_distances: Tensor, steps: list[Tensor | None]) -> Tensor:
        """``sigmoid(step + logit(coordinate))`` for each of the three coordinates; None is not a step."""
        logits = inverse_sigmoid(point_distances.float(), self.eps).split(1, -1)
        moved = [logit if step is None else logit + step.float() for logit, step in zip(logits, steps)]
        return torch.cat(moved, dim=-1).sigmoid()


def start_point_distances(queries: Queries) -> Tensor:
    """Points and distances (p, d_s, d_e) that queries start from.

    Args:
        queries: Queries with anchors (B, N, 3) or (B, N, 2).

    Returns:
        (B, N, 3); (center, width) anchors are cut to the video.

    Raises:
        ValueError: If the queries have no anchors.
    """
    anchors = queries.anchors
    if anchors is None:
        raise ValueError('DualPathDecoder needs queries with anchors: use e.g. MomentQueryInitializer')
    if anchors.shape[-1] == 3:
        return anchors
    return spans_to_point_distances(anchors)


def start_states(queries: Queries, dims: int) -> tuple[Tensor, ...]:
    """States of point, start and end (B, N, D) that queries start from; content of D channels serves all three."""
    if queries.content.shape[-1] == dims:
        return (queries.content,) * 3
    return queries.content.split(dims, -1)
