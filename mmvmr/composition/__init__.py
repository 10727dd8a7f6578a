"""Components of methods as rewrites of configs: any of them on any baseline."""

from mmvmr.composition import bm, causal, flash, gmr, la, r2, sa, sim, td  # noqa: F401  (they register components)
from mmvmr.composition.component import (
    AlreadyThereError,
    Component,
    CompositionError,
    Stage,
    component_help,
    component_names,
    component_options,
    find_component,
)
from mmvmr.composition.compose import compose
from mmvmr.composition.edits import add_import
from mmvmr.composition.writer import write_config

__all__ = [
    'AlreadyThereError',
    'Component',
    'CompositionError',
    'Stage',
    'add_import',
    'component_help',
    'component_names',
    'component_options',
    'compose',
    'find_component',
    'write_config',
]
