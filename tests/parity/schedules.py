"""Learning rates of parameter schedulers, step by step, for comparison with recorded ones."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.registry import PARAM_SCHEDULERS


def epoch_rates(schedulers: Sequence[Mapping[str, Any]], base: float, steps: int) -> Tensor:
    """The learning rate that each step trains with.

    Args:
        schedulers: Configs of parameter schedulers.
        base: Learning rate of the optimizer.
        steps: Epochs (or iterations, where the schedulers count those).

    Returns:
        (steps,), float64.
    """
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=base)
    built = [
        PARAM_SCHEDULERS.build(copy.deepcopy(dict(cfg)), default_args={'optimizer': optimizer}) for cfg in schedulers
    ]
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # no optimizer step is made here
        for _ in range(steps):
            rates.append(optimizer.param_groups[0]['lr'])
            for scheduler in built:
                scheduler.step()
    return torch.tensor(rates, dtype=torch.float64)
