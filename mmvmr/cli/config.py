"""Print a config as it is built: bases merged, features resolved; or the names of the shipped configs.

    mmvmr config sa_detr_qvhl --model --depth 3
    mmvmr config --diff qd_detr_qvhl td_detr_qvhl
    mmvmr config --names

--depth folds what is deeper. A difference lists dotted keys: only in the first config (-), only in the second (+),
and changed (~).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from mmvmr.cli.arguments import add_config_options, positive

#: Option to the top-level keys that it shows.
SECTIONS = {
    'model': ('model',),
    'data': ('data_root', 'domain', 'feature_spec', 'stores', 'train_dataloader', 'val_dataloader', 'test_dataloader'),
    'evaluation': ('val_evaluator', 'test_evaluator'),
    'schedule': ('train_cfg', 'val_cfg', 'test_cfg', 'optim_wrapper', 'param_scheduler'),
}


class Folded:
    """Stands for a dict or a list that is too deep to be shown.

    Args:
        value: What is folded.
    """

    def __init__(self, value: Any):
        self.value = value

    def __repr__(self) -> str:
        kind = self.value.get('type') if isinstance(self.value, Mapping) else None
        return f'{kind}(...)' if isinstance(kind, str) else f'<{len(self.value)} entries>'


def fold(value: Any, depth: int | None) -> Any:
    """Replace what is deeper than a number of levels.

    Args:
        value: Nested dicts and lists.
        depth: Levels to keep; None for all.

    Returns:
        A copy.
    """
    if not isinstance(value, (Mapping, list, tuple)) or not value or depth is None:
        return value
    if depth == 0:
        return Folded(value)
    if isinstance(value, Mapping):
        return {key: fold(child, depth - 1) for key, child in value.items()}
    return type(value)(fold(child, depth - 1) for child in value)


def flatten(value: Any, path: str = '') -> Iterator[tuple[str, Any]]:
    """Dotted keys and values of everything that is not a dict with entries."""
    if isinstance(value, Mapping) and value:
        for key, child in value.items():
            yield from flatten(child, f'{path}.{key}' if path else str(key))
    else:
        yield path, value


def difference(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Lines that say what differs between two configs.

    Args:
        first: A config as a dict.
        second: The other one.

    Returns:
        Lines that start with ``-`` (only in the first), ``+`` (only in the second) or ``~`` (changed).
    """
    one, other = dict(flatten(first)), dict(flatten(second))
    lines = [f'- {key} = {value!r}' for key, value in one.items() if key not in other]
    lines += [f'+ {key} = {value!r}' for key, value in other.items() if key not in one]
    lines += [
        f'~ {key}: {value!r} -> {other[key]!r}' for key, value in one.items() if key in other and other[key] != value
    ]
    return lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    shown = parser.add_mutually_exclusive_group(required=True)
    shown.add_argument('config', nargs='?', help='config file, or the name of a shipped one, e.g. sa_detr_qvhl')
    shown.add_argument('--diff', nargs=2, metavar=('A', 'B'), help='two configs to compare')
    shown.add_argument('--names', action='store_true', help='list the shipped configs that can be trained')
    for name, keys in SECTIONS.items():
        parser.add_argument(f'--{name}', action='store_true', help=f'only {", ".join(keys)}')
    parser.add_argument('--depth', type=positive, metavar='N', help='fold what is deeper than N levels; default: none')
    add_config_options(parser)


def run(args: argparse.Namespace) -> None:
    """Print; see the module docstring."""
    from mmvmr.composition.writer import render
    from mmvmr.utils.cli import load_config
    from mmvmr.utils.config import shipped_configs

    if args.names:
        print('\n'.join(sorted(shipped_configs())))
        return
    shown = [key for name, keys in SECTIONS.items() if getattr(args, name) for key in keys]
    contents = [load_config(name, args.cfg_options).to_dict() for name in args.diff or [args.config]]
    contents = [{k: v for k, v in content.items() if not shown or k in shown} for content in contents]
    if args.diff:
        print('\n'.join(difference(*contents)) or 'no difference')
        return
    for key, value in contents[0].items():
        print(f'{key} = {render(fold(value, args.depth), 0, len(key) + 3)}')
