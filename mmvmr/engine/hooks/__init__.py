"""Hooks."""

from mmvmr.engine.hooks.checkpoint_hook import SafeCheckpointHook
from mmvmr.engine.hooks.dataset_check_hook import DatasetCheckHook
from mmvmr.engine.hooks.ema_hook import MomentEMAHook
from mmvmr.engine.hooks.feature_spec_hook import FeatureSpecHook
from mmvmr.engine.hooks.finite_guard_hook import FiniteGuardHook, TrainingDivergedError
from mmvmr.engine.hooks.fit_hook import FitHook
from mmvmr.engine.hooks.freeze_hook import FreezeHook
from mmvmr.engine.hooks.inference_spec_hook import InferenceSpecHook
from mmvmr.engine.hooks.result_hooks import DrawMomentsHook, MetricsFileHook, describe_split, name_split
from mmvmr.engine.hooks.resume_hook import ExactResumeHook

__all__ = [
    'DatasetCheckHook',
    'DrawMomentsHook',
    'ExactResumeHook',
    'FeatureSpecHook',
    'FiniteGuardHook',
    'FitHook',
    'FreezeHook',
    'InferenceSpecHook',
    'MetricsFileHook',
    'MomentEMAHook',
    'SafeCheckpointHook',
    'TrainingDivergedError',
    'describe_split',
    'name_split',
]
