"""Rows of all processes, with gradient."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor


def gather_rows(x: Tensor) -> tuple[Tensor, int]:
    """Concatenate the rows of all processes.

    The gradient of every process reaches the rows of every other one; averaged over the processes, as distributed
    training does, it is that of the mean loss over the joint batch. Processes may hold different numbers of rows.

    Args:
        x: (B, D) of this process.

    Returns:
        The rows of all processes in order of their rank, and the index of the first row of this process.
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return x, 0
    from torch.distributed.nn.functional import all_gather

    own = torch.tensor([len(x)], device=x.device)
    counts = [torch.zeros_like(own) for _ in range(dist.get_world_size())]
    dist.all_gather(counts, own)
    sizes = torch.cat(counts).tolist()
    padded = torch.nn.functional.pad(x, (0, 0, 0, max(sizes) - len(x)))
    rows = torch.cat([part[:size] for part, size in zip(all_gather(padded), sizes)])
    return rows, sum(sizes[: dist.get_rank()])
