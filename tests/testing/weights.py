"""Random weights for networks whose published ones cannot be had."""

from __future__ import annotations

import torch
from torch import nn


def randomise(network: nn.Module, seed: int = 0) -> nn.Module:
    """Fill a network with random weights that keep the size of the signal, statistics of batch norms included.

    Args:
        network: Changed in place.
        seed: Of the random numbers.

    Returns:
        The network, in eval mode.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if not value.is_floating_point():
                continue
            if name.endswith('running_var') or (value.ndim == 1 and name.endswith('weight')):
                value.uniform_(0.5, 1.5, generator=generator)
            elif value.ndim == 1:
                value.uniform_(-0.2, 0.2, generator=generator)
            else:
                value.normal_(std=(2 / value[0].numel()) ** 0.5, generator=generator)
    return network.eval()
