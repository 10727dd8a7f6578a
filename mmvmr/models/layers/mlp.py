"""Feed-forward blocks."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from mmvmr.models.layers.elementwise import Dropout, PReLU
from mmvmr.registry import MODELS
from mmvmr.utils import check_choice

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    'relu': nn.ReLU,
    'prelu': PReLU,
    'gelu': nn.GELU,
    'selu': nn.SELU,
}


def build_activation(name: str) -> nn.Module:
    """Build an activation by name; every layer has its own PReLU.

    Args:
        name: ``relu``, ``prelu``, ``gelu`` or ``selu``.

    Returns:
        The activation.

    Raises:
        ValueError: If the name is unknown.
    """
    return _ACTIVATIONS[check_choice('layer', 'activation', name, _ACTIVATIONS)]()


class MLP(nn.Module):
    """Linear layers with ReLU between them.

    Args:
        in_dims: Input channels.
        hidden_dims: Channels between.
        out_dims: Output channels.
        num_layers: Number of linear layers.
    """

    def __init__(self, in_dims: int, hidden_dims: int, out_dims: int, num_layers: int):
        super().__init__()
        dims = [in_dims] + [hidden_dims] * (num_layers - 1) + [out_dims]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(dims))

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., in_dims) to (..., out_dims)."""
        for layer in self.layers[:-1]:
            x = layer(x).relu()
        return self.layers[-1](x)


@MODELS.register_module()
class FFN(nn.Module):
    """The position-wise feed-forward block of a transformer layer, without residual.

    Args:
        embed_dims: Channels D.
        ffn_dims: Hidden channels.
        dropout: Dropout after the activation.
        activation: ``relu``, ``prelu`` (learned slope), ``gelu`` or ``selu``.
    """

    def __init__(self, embed_dims: int, ffn_dims: int = 1024, dropout: float = 0.1, activation: str = 'relu'):
        super().__init__()
        self.linear1 = nn.Linear(embed_dims, ffn_dims)
        self.activation = build_activation(activation)
        self.dropout = Dropout(dropout)
        self.linear2 = nn.Linear(ffn_dims, embed_dims)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., D) to (..., D)."""
        return self.linear2(self.dropout(self.activation(self.linear1(x))))
