"""Optimisation."""

from mmvmr.engine.optim.autocast_optim_wrapper import AutocastOptimWrapper, autocast_dtype
from mmvmr.engine.optim.matrix_decay import MatrixDecayConstructor
from mmvmr.engine.optim.warmup_lr import ZeroWarmupLR

__all__ = ['AutocastOptimWrapper', 'MatrixDecayConstructor', 'ZeroWarmupLR', 'autocast_dtype']
