"""Training and testing: loops, hooks, optimisation, storage."""

import mmvmr.engine.optimizers  # noqa: F401  (before any other import of mmengine's optimizers)

# isort: split
from mmengine.model import BaseModel

from mmvmr.engine import log_processor, loops, storage  # noqa: F401  (what they define is registered)
from mmvmr.engine.hooks import FreezeHook
from mmvmr.engine.optim import AutocastOptimWrapper
from mmvmr.engine.runner import MomentRunner
from mmvmr.models.detectors.base_detector import BaseDetector

BaseModel.register(BaseDetector)  # it has the methods; see there

__all__ = ['AutocastOptimWrapper', 'FreezeHook', 'MomentRunner']
