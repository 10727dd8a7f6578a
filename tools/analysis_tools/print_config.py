"""Print a config as it is built: bases merged, features resolved.

    python tools/analysis_tools/print_config.py sa_detr_qvhl --model --depth 3
    python tools/analysis_tools/print_config.py --diff qd_detr_qvhl td_detr_qvhl

``--depth`` folds what is deeper. A difference lists dotted keys: only in the first config (-), only in the second (+),
and changed (~).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from mmvmr.composition.writer import render
from mmvmr.utils.cli import DictAction, load_config, one_line_errors

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
    """Dotted keys and values of everything that is no dict with entries."""
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


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Print a resolved config, or the difference of two')
    parser.add_argument('config', nargs='*', help='config file, or name of a shipped config')
    parser.add_argument('--diff', nargs=2, metavar=('A', 'B'), help='two configs to compare')
    for name, keys in SECTIONS.items():
        parser.add_argument(f'--{name}', action='store_true', help=f'only {", ".join(keys)}')
    parser.add_argument('--depth', type=int, help='fold what is deeper than this number of levels')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='change the config')
    args = parser.parse_args()
    if (len(args.config) == 1) == (args.diff is not None):
        parser.error('give one config, or --diff A B')
    if args.depth is not None and args.depth < 1:
        parser.error(f'--depth {args.depth}: expected 1 or more')
    return args


def main() -> None:
    """Entry point."""
    args = parse_args()
    shown = [key for name, keys in SECTIONS.items() if getattr(args, name) for key in keys]
    with one_line_errors():
        names = args.diff or args.config
        contents = [load_config(name, args.cfg_options).to_dict() for name in names]
    contents = [{k: v for k, v in content.items() if not shown or k in shown} for content in contents]
    if args.diff:
        print('\n'.join(difference(*contents)) or 'no difference')
        return
    for key, value in contents[0].items():
        print(f'{key} = {render(fold(value, args.depth), 0, len(key) + 3)}')


if __name__ == '__main__':
    main()
