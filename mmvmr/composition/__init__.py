"""Components of methods as rewrites of configs: any of them on any baseline."""

from . import bm, sa, td  # noqa: F401  (they register their components)
from .component import (
    AlreadyThereError,
    Component,
    CompositionError,
    Stage,
    component_help,
    component_names,
    component_options,
    find_component,
)
from .compose import compose
from .edits import add_import
from .writer import write_config

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
