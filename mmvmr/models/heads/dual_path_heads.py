"""Heads on the three states of a dual-pathway decoder (BAM-DETR)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmvmr.models.layers import MLP
from mmvmr.registry import MODELS
from mmvmr.structures import Decoded
from mmvmr.utils import check_choice

_FORMS = ('concatenation', 'difference')


@MODELS.register_module()
class DualPathQualityHead(nn.Module):
    """``sigmoid(MLP([point ; start ; end]))``: the expected IoU of a prediction (BAM-DETR, section 3.4).

    Args:
        embed_dims: Channels D of one state.
        form: ``concatenation`` of the states, as printed, or ``difference`` of start and end from the point, as in
            the official code.

    Raises:
        ValueError: If ``form`` is unknown.
    """

    def __init__(self, embed_dims: int, form: str = 'concatenation'):
        super().__init__()
        self.form = check_choice(self, 'form', form, _FORMS)
        self.mlp = MLP(3 * embed_dims, embed_dims, 1, 3)

    def forward(self, decoded: Decoded) -> Tensor:
        """Score every query of every layer (S, B, N)."""
        states = decoded.hidden
        if self.form == 'difference':
            point, start, end = states.chunk(3, -1)
            states = torch.cat((point, start - point, end - point), dim=-1)
        return self.mlp(states).squeeze(-1).float().sigmoid()
