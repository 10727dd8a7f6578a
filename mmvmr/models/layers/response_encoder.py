"""Encoders of the movement of an entity, from response maps over time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from mmvmr.models.layers.pooling import masked_mean
from mmvmr.registry import MODELS


@MODELS.register_module()
class ResponseTransformer(nn.Module):
    """Transformer over the response maps of frames, and their mean (VDI; a reconstruction).

    Args:
        num_patches: Patches of a frame.
        layers: Config of the transformer, with the width ``dims`` in its layer.
        dims: Channels of the result.
    """

    def __init__(self, num_patches: int, dims: int = 128, layers: dict[str, Any] | None = None):
        super().__init__()
        layer = {'type': 'EncoderLayer', 'embed_dims': dims, 'num_heads': 4, 'ffn_dims': 2 * dims, 'dropout': 0.0}
        self.linear = nn.Linear(num_patches, dims)
        self.position = MODELS.build({'type': 'SinePosition', 'embed_dims': dims})
        self.layers = MODELS.build(layers or {'type': 'TransformerEncoder', 'num_layers': 1, 'layer': layer})

    def forward(self, responses: Tensor, mask: Tensor) -> Tensor:
        """Encode.

        Args:
            responses: (B, T, p).
            mask: Frames that count (B, T), at least one per sample.

        Returns:
            (B, dims).
        """
        return masked_mean(self.layers(self.linear(responses), mask, self.position(mask)), mask)


@MODELS.register_module()
class ResponseGRU(nn.Module):
    """Last state of a GRU over the response maps of frames (VDI; a reconstruction).

    Args:
        num_patches: Patches of a frame.
        dims: Channels of the result.
    """

    def __init__(self, num_patches: int, dims: int = 128):
        super().__init__()
        self.gru = nn.GRU(num_patches, dims, batch_first=True)

    def forward(self, responses: Tensor, mask: Tensor) -> Tensor:
        """Encode; arguments as in :class:`ResponseTransformer`."""
        # Frames that count to the front, in their order.
        order = (~mask).long().argsort(dim=1, stable=True)
        responses = responses.gather(1, order.unsqueeze(-1).expand_as(responses))
        packed = pack_padded_sequence(responses, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
        return self.gru(packed)[1].squeeze(0)


def normalise_responses(responses: Tensor, how: str, temperature: float) -> Tensor:
    """Bring the responses of the patches of a frame to one scale.

    Args:
        responses: Cosines (..., p).
        how: ``minmax`` to [0, 1], or ``softmax``.
        temperature: Of the softmax.

    Returns:
        (..., p).
    """
    if how == 'softmax':
        return (responses / temperature).softmax(-1)
    low, high = responses.amin(-1, keepdim=True), responses.amax(-1, keepdim=True)
    return (responses - low) / (high - low).clamp(min=torch.finfo(responses.dtype).eps)
