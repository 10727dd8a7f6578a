"""Timing of a step on a device."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch


def step_seconds(step: Callable[[], Any], device: torch.device) -> float:
    """Do a step and time it.

    On a CPU it is the time of the process: a wall clock would measure what else runs on the machine.

    Args:
        step: The work.
        device: Where it is done. A GPU is waited for.

    Returns:
        Seconds.
    """
    on_gpu = device.type == 'cuda'
    clock = time.perf_counter if on_gpu else time.process_time
    if on_gpu:
        torch.cuda.synchronize(device)
    start = clock()
    step()
    if on_gpu:
        torch.cuda.synchronize(device)
    return clock() - start
