"""Optimisation."""

from .autocast_optim_wrapper import AutocastOptimWrapper, autocast_dtype
from .matrix_decay import MatrixDecayConstructor
from .warmup_lr import ZeroWarmupLR

__all__ = ['AutocastOptimWrapper', 'MatrixDecayConstructor', 'ZeroWarmupLR', 'autocast_dtype']
