"""Training and testing: loops, hooks, optimisation, storage."""

from mmvmr.engine.hooks import (
    DrawMomentsHook,
    ExactResumeHook,
    FeatureSpecHook,
    FiniteGuardHook,
    FreezeHook,
    MetricsFileHook,
    MomentEMAHook,
    SafeCheckpointHook,
)
from mmvmr.engine.log_processor import ProgressLogProcessor
from mmvmr.engine.loops import AutocastTestLoop, AutocastValLoop, ResumableTrainLoop
from mmvmr.engine.optim import AutocastOptimWrapper, MatrixDecayConstructor, ZeroWarmupLR
from mmvmr.engine.runner import MomentRunner
from mmvmr.engine.storage import AtomicBackend

__all__ = [
    'AtomicBackend',
    'AutocastOptimWrapper',
    'AutocastTestLoop',
    'AutocastValLoop',
    'DrawMomentsHook',
    'ExactResumeHook',
    'FeatureSpecHook',
    'FiniteGuardHook',
    'FreezeHook',
    'MatrixDecayConstructor',
    'MetricsFileHook',
    'MomentEMAHook',
    'MomentRunner',
    'ProgressLogProcessor',
    'ResumableTrainLoop',
    'SafeCheckpointHook',
    'ZeroWarmupLR',
]
