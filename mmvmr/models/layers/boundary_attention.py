"""Reading clips around a boundary: the decoder layer of BAM-DETR's boundary pathways."""

from __future__ import annotations

from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from mmvmr.models.layers.attention import split_heads
from mmvmr.models.layers.elementwise import Dropout
from mmvmr.models.layers.mlp import FFN
from mmvmr.models.layers.temporal_align import hat_weights
from mmvmr.registry import MODELS
from mmvmr.utils import check_choice

_SCALES = ('valid', 'padded')


@MODELS.register_module()
class BoundaryDeformation(nn.Module):
    """Every head of a query attends to a few points near a boundary, at learned distances (BAM-DETR, section 3.3).

    Args:
        embed_dims: Channels D.
        num_heads: Number of heads H.
        num_points: Points K per head: 3 in the paper, 4 in the official code.
        scale: ``valid`` places points by the clips that exist: clip j covers ``[j, j + 1]`` with its feature in the
            middle, and no point leaves the video. ``padded`` reproduces the official code, which scales coordinates by
            ``(T - 1) / T`` of the padded length T and attends to padding beyond the end of a video.
        zero_init: Start from the same points for every query and with equal weights. The official code intends this
            and then overwrites it.

    Raises:
        ValueError: If ``scale`` is unknown.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int = 8,
        num_points: int = 3,
        scale: str = 'valid',
        zero_init: bool = True,
    ):
        super().__init__()
        self.num_heads = num_heads
        self.scale = check_choice(self, 'scale', scale, _SCALES)
        self.zero_init = zero_init
        self.weights = nn.Linear(embed_dims, num_heads * num_points)
        self.offsets = nn.Linear(embed_dims, num_heads * num_points)
        self.value = nn.Linear(2 * embed_dims, embed_dims)
        self.output = nn.Linear(embed_dims, embed_dims)
        self.reset_points()

    def reset_points(self) -> None:
        """Let the K points start 1..K clips after the boundary; called after the Xavier pass of the decoder."""
        nn.init.zeros_(self.weights.bias)
        with torch.no_grad():
            steps = torch.arange(1, self.offsets.out_features // self.num_heads + 1, dtype=torch.float32)
            self.offsets.bias.copy_(steps.repeat(self.num_heads))
        if self.zero_init:
            nn.init.zeros_(self.weights.weight)
            nn.init.zeros_(self.offsets.weight)

    def forward(self, state: Tensor, features: Tensor, boundary: Tensor, mask: Tensor) -> Tensor:
        """Read the clips around a boundary.

        Args:
            state: State of the queries (B, N, D).
            features: Clips next to boundary evidence (B, L, 2 D).
            boundary: Normalised position of the boundary (B, N).
            mask: Valid clips (B, L), contiguous from the first.

        Returns:
            The update, without residual (B, N, D).
        """
        per_head = 'b n (h points) -> b n h points'
        weights = rearrange(self.weights(state), per_head, h=self.num_heads).softmax(-1)
        offsets = rearrange(self.offsets(state), per_head, h=self.num_heads)
        points = self._clip_coordinates(boundary, offsets.float(), mask)
        clip_weights = (weights.unsqueeze(-1) * hat_weights(points, mask.shape[1]).to(weights.dtype)).sum(-2)
        values = split_heads(self.value(features), self.num_heads)
        attended = rearrange(clip_weights, 'b n h l -> b h n l') @ values
        # The heads vary fastest along the channels: the order of the official weights.
        return self.output(rearrange(attended, 'b h n c -> b n (c h)'))

    def _clip_coordinates(self, boundary: Tensor, offsets: Tensor, mask: Tensor) -> Tensor:
        """Clip coordinates of the points (B, N, H, K) from their distances in clips (B, N, H, K)."""
        count = mask.sum(1)[:, None, None, None].clamp(min=1)
        position = boundary.float()[..., None, None] * count + offsets
        if self.scale == 'padded':
            length = mask.shape[1]
            return (position / length).clamp(0, 1) * (length - 1)
        return torch.minimum((position - 0.5).clamp(min=0), (count - 1).to(position.dtype))


@MODELS.register_module()
class BoundaryLayer(nn.Module):
    """Post-norm layer of a boundary pathway: boundary attention, feed-forward; queries do not see each other.

    Args:
        embed_dims: Channels D.
        attention: Config with the signature of :class:`BoundaryDeformation`.
        ffn_dims: Hidden channels of the feed-forward block.
        dropout: Dropout of residuals and feed-forward block.
        activation: Activation of the feed-forward block.
    """

    def __init__(
        self,
        embed_dims: int,
        attention: dict[str, Any],
        ffn_dims: int = 1024,
        dropout: float = 0.1,
        activation: str = 'relu',
    ):
        super().__init__()
        self.attention = MODELS.build(attention)
        self.ffn = FFN(embed_dims, ffn_dims, dropout, activation)
        self.norm1 = nn.LayerNorm(embed_dims)
        self.norm2 = nn.LayerNorm(embed_dims)
        self.dropout = Dropout(dropout)

    def forward(self, state: Tensor, features: Tensor, boundary: Tensor, mask: Tensor) -> Tensor:
        """Refine the boundary state of the queries (B, N, D); arguments as in :class:`BoundaryDeformation`."""
        state = self.norm1(state + self.dropout(self.attention(state, features, boundary, mask)))
        return self.norm2(state + self.dropout(self.ffn(state)))
