"""Timing of a step on a device, and of a command in a separate process."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
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


def run_child(arguments: Sequence[str]) -> tuple[float, float]:
    """Run a command of mmvmr in a separate process.

    Args:
        arguments: The command line after ``mmvmr``.

    Returns:
        Its processor time and its wall time in seconds.

    Raises:
        RuntimeError: If it fails.
    """
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, '-m', 'mmvmr', *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        said = next((line for line in done.stderr.splitlines() if line.startswith('error: ')), done.stderr[-300:])
        raise RuntimeError(f'mmvmr {" ".join(arguments)}: {said}')
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return processor, wall
