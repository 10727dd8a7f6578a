"""Slots that compete for the entries of a sequence."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmvmr.models.layers.mlp import MLP
from mmvmr.registry import MODELS
from mmvmr.utils import check_choice

_PADDINGS = ('exclude', 'uniform')


@MODELS.register_module()
class SlotAttention(nn.Module):
    """Iterative attention whose softmax runs over the slots, with residual updates (EaTR, UVCOM).

    ``A = softmax_slots(q(s) k(x)^T / sqrt(D))``, normalised over the entries; ``s = s + A v(x)``,
    ``s = s + MLP(norm(s))``. After Locatello et al. (NeurIPS 2020), without their recurrent cell.

    Args:
        embed_dims: Channels D.
        num_iters: Iterations.
        hidden_dims: Hidden channels of the MLP.
        num_layers: Linear layers of the MLP.
        padding: ``exclude`` leaves padded entries out. ``uniform`` reproduces the official codes of EaTR and UVCOM:
            they mask before the softmax over slots, which cancels, so that padding goes to all slots equally and
            outputs depend on the batch.

    Raises:
        ValueError: If ``padding`` is unknown.
    """

    def __init__(
        self,
        embed_dims: int,
        num_iters: int = 3,
        hidden_dims: int = 1024,
        num_layers: int = 2,
        padding: str = 'exclude',
    ):
        super().__init__()
        self.num_iters = num_iters
        self.padding = check_choice(self, 'padding', padding, _PADDINGS)
        self.norm_inputs = nn.LayerNorm(embed_dims)
        self.norm_slots = nn.LayerNorm(embed_dims)
        self.norm_mlp = nn.LayerNorm(embed_dims)
        self.norm_out = nn.LayerNorm(embed_dims)
        self.query = nn.Linear(embed_dims, embed_dims)
        self.key = nn.Linear(embed_dims, embed_dims)
        self.value = nn.Linear(embed_dims, embed_dims)
        self.mlp = MLP(embed_dims, hidden_dims, embed_dims, num_layers)

    def forward(self, slots: Tensor, inputs: Tensor, mask: Tensor) -> Tensor:
        """Gather what the slots compete for.

        Args:
            slots: Where the slots start (B, N, D).
            inputs: The sequence, with its position if any (B, L, D).
            mask: Valid entries (B, L).

        Returns:
            (B, N, D).
        """
        inputs = self.norm_inputs(inputs)
        key, value = self.key(inputs), self.value(inputs)
        for _ in range(self.num_iters):
            slots = slots + self.attention(slots, key, mask).to(value.dtype) @ value
            slots = slots + self.mlp(self.norm_mlp(slots))
        return self.norm_out(slots)

    def attention(self, slots: Tensor, key: Tensor, mask: Tensor) -> Tensor:
        """Share of every entry in the update of every slot.

        Args:
            slots: (B, N, D).
            key: (B, L, D).
            mask: Valid entries (B, L).

        Returns:
            (B, N, L), float32; rows sum to 1.
        """
        query = self.query(self.norm_slots(slots))
        logits = (query @ key.transpose(1, 2)).float() * key.shape[-1] ** -0.5
        valid = mask.unsqueeze(1)
        share = logits.masked_fill(~valid, torch.finfo(logits.dtype).min).softmax(1)
        if self.padding == 'exclude':
            share = share.where(valid, 0.0)
        return share / (share.sum(-1, keepdim=True) + 1e-8)
