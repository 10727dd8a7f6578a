"""Training and testing: loops, hooks, optimisation, storage."""

from mmvmr.engine.hooks import (
    DrawMomentsHook,
    ExactResumeHook,
    FeatureSpecHook,
    FreezeHook,
    MetricsFileHook,
    MomentEMAHook,
    SafeCheckpointHook,
)
from mmvmr.engine.log_processor import ProgressLogProcessor
from mmvmr.engine.loops import AutocastTestLoop, AutocastValLoop, ResumableTrainLoop
from mmvmr.engine.optim import AutocastOptimWrapper, MatrixDecayConstructor, ZeroWarmupLR
from mmvmr.engine.storage import AtomicBackend

__all__ = [
    'AtomicBackend',
    'AutocastOptimWrapper',
    'AutocastTestLoop',
    'AutocastValLoop',
    'DrawMomentsHook',
    'ExactResumeHook',
    'FeatureSpecHook',
    'FreezeHook',
    'MatrixDecayConstructor',
    'MetricsFileHook',
    'MomentEMAHook',
    'ProgressLogProcessor',
    'ResumableTrainLoop',
    'SafeCheckpointHook',
    'ZeroWarmupLR',
]
