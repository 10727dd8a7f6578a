"""Helpers that everything else may import.

Only what works without torch is imported here, because the evaluation does. The rest is in the submodules:
:mod:`~mmvmr.utils.setup`, :mod:`~mmvmr.utils.checkpoint`, :mod:`~mmvmr.utils.cli`, :mod:`~mmvmr.utils.plain`.
"""

from mmvmr.utils.choices import check_choice
from mmvmr.utils.dependencies import require_mmcv
from mmvmr.utils.io import atomic_write, nan_to_none, read_json, read_jsonl, write_json, write_jsonl

__all__ = [
    'atomic_write',
    'check_choice',
    'nan_to_none',
    'read_json',
    'read_jsonl',
    'require_mmcv',
    'write_json',
    'write_jsonl',
]
