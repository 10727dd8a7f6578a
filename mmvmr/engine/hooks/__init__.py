"""Hooks."""

from .checkpoint_hook import SafeCheckpointHook
from .dataset_check_hook import DatasetCheckHook
from .ema_hook import MomentEMAHook
from .feature_spec_hook import FeatureSpecHook
from .freeze_hook import FreezeHook
from .result_hooks import DrawMomentsHook, MetricsFileHook, describe_split
from .resume_hook import ExactResumeHook, nested_datasets, seed_iteration

__all__ = [
    'DatasetCheckHook',
    'DrawMomentsHook',
    'ExactResumeHook',
    'FeatureSpecHook',
    'FreezeHook',
    'MetricsFileHook',
    'MomentEMAHook',
    'SafeCheckpointHook',
    'describe_split',
    'nested_datasets',
    'seed_iteration',
]
