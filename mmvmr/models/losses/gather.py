"""Losses over the joint batch of all processes.

Distributed training averages gradients over the processes. The loss of a process is therefore not a mean over its own
rows but its share of the joint mean: its sum, divided by the *mean count per process*. The average of the shares is
the loss of one process that holds the whole batch.

Every process must take part in every reduction, in the same order: a loss reduces whatever its batch holds, and never
returns before.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor


def num_processes() -> int:
    """Processes that train together, 1 without distributed training."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def mean_over_ranks(count: Tensor) -> Tensor:
    """Mean of a count over the processes, elementwise, in float32; without distributed training ``count`` itself."""
    size = num_processes()
    if size == 1:
        return count
    total = count.detach().to(torch.float32, copy=True)
    dist.all_reduce(total)
    return total / size


def joint_ratio(total: Tensor, count: Tensor | int) -> Tensor:
    """Share of this process in ``sum of totals / sum of counts``; 0 where nothing is counted in any process.

    Args:
        total: Sum over what this process holds, any shape.
        count: How much that is; a number, or a tensor of the shape of ``total``.

    Returns:
        Of the shape of ``total``; without distributed training ``total / max(count, 1)``.
    """
    size = num_processes()
    if size == 1:
        return total / (count.clamp(min=1) if isinstance(count, Tensor) else max(count, 1))
    if not isinstance(count, Tensor):
        count = torch.full((), count, device=total.device)
    # One entry among all processes counts 1 / size in the mean: a bound of 1 would shrink the loss of small batches.
    return total / mean_over_ranks(count).clamp(min=1 / size)


def joint_mean(values: Tensor) -> Tensor:
    """Share of this process in the mean over the values of all processes, however many each of them holds: a scalar."""
    return values.mean() if num_processes() == 1 else joint_ratio(values.sum(), values.numel())


def joint_cross_entropy(logits: Tensor, label: Tensor) -> Tensor:
    """Share of this process in the mean cross-entropy of logits (B, C) and labels (B,) over all processes: a scalar."""
    if num_processes() == 1:
        return F.cross_entropy(logits, label)
    return joint_ratio(F.cross_entropy(logits, label, reduction='sum'), len(label))


def gather_rows(x: Tensor, fill: float = 0.0) -> tuple[Tensor, int]:
    """Concatenate the rows of all processes, with gradient.

    The gradient of every process reaches the rows of every other one; averaged over the processes, as distributed
    training does, it is that of the mean loss over the joint batch. Processes may hold different numbers of rows, and
    rows of different width.

    Args:
        x: (B, D) of this process.
        fill: Fills narrower rows up to the widest of all processes.

    Returns:
        The rows of all processes in order of their rank, and the index of the first row of this process.
    """
    if num_processes() == 1:
        return x, 0
    from torch.distributed.nn.functional import all_gather

    shape = torch.tensor(x.shape, device=x.device)
    shapes = [torch.zeros_like(shape) for _ in range(num_processes())]
    dist.all_gather(shapes, shape)
    sizes, widths = torch.stack(shapes).t().tolist()
    # At least one row each: not every backend sends empty tensors.
    bottom, right = max(*sizes, 1) - len(x), max(widths) - x.shape[1]
    padded = F.pad(F.pad(x, (0, right), value=fill), (0, 0, 0, bottom))
    rows = torch.cat([part[:size] for part, size in zip(all_gather(padded), sizes)])
    return rows, sum(sizes[: dist.get_rank()])
