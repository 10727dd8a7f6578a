"""Temporal dynamics: changes from clip to clip (TD-DETR)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmvmr.models.layers.elementwise import Dropout
from mmvmr.registry import MODELS


def frame_differences(feat: Tensor, start: Tensor) -> Tensor:
    """Every clip minus the one before it; the first minus a start vector.

    Args:
        feat: Clips (B, L, D). Padding may follow the clips: no clip looks forward.
        start: (D,).

    Returns:
        (B, L, D).
    """
    before = torch.cat((start.expand(feat.shape[0], 1, -1), feat[:, :-1]), dim=1)
    return feat - before[:, : feat.shape[1]]


@MODELS.register_module()
class DynamicsProjection(nn.Module):
    """Two blocks of LayerNorm, dropout, linear layer and ReLU (the ``flow_proj`` of TD-DETR's code).

    Args:
        embed_dims: Channels D.
        proj_dropout: Dropout of both blocks, which the published code does not tie to the dropout of the model.
        num_layers: Number of blocks.
    """

    def __init__(self, embed_dims: int, proj_dropout: float = 0.1, num_layers: int = 2):
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.ModuleDict({'norm': nn.LayerNorm(embed_dims), 'linear': nn.Linear(embed_dims, embed_dims)})
            for _ in range(num_layers)
        )
        self.drop = Dropout(proj_dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., D) to (..., D)."""
        for block in self.blocks:
            x = block['linear'](self.drop(block['norm'](x))).relu()
        return x
