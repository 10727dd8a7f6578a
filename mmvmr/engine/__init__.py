"""Training and testing: loops, hooks, optimisation, storage."""

from .hooks import (
    DrawMomentsHook,
    ExactResumeHook,
    FeatureSpecHook,
    FreezeHook,
    MetricsFileHook,
    MomentEMAHook,
    SafeCheckpointHook,
)
from .log_processor import ProgressLogProcessor
from .loops import AutocastTestLoop, AutocastValLoop, ResumableTrainLoop
from .optim import AutocastOptimWrapper, MatrixDecayConstructor, ZeroWarmupLR
from .storage import AtomicBackend

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
