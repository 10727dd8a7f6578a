"""Training and testing: loops, hooks, optimisation, storage."""

import mmvmr.engine.optimizers  # noqa: F401  (before any other import of mmengine's optimizers)

# isort: split
from mmengine.model import BaseModel

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
from mmvmr.models.detectors.base_detector import BaseDetector

BaseModel.register(BaseDetector)  # it has the methods; see there

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
