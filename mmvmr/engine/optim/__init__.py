"""Optimisation."""

from .autocast_optim_wrapper import AutocastOptimWrapper, autocast_dtype

__all__ = ['AutocastOptimWrapper', 'autocast_dtype']
