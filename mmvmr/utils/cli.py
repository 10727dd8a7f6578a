"""Functions shared by the command-line tools: configs, options, and mistakes reported in one line."""

from __future__ import annotations

import argparse
import copy
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.utils import import_modules_from_strings

from mmvmr.utils.choices import closest
from mmvmr.utils.config import find_config, read_config, resolve_features, separate_features
from mmvmr.utils.config_check import ConfigKeyError, check_config, known_keys
from mmvmr.utils.errors import BUILD_ERRORS, UserError, describe, one_line_errors

__all__ = [
    'BUILD_ERRORS',
    'RUN_ERRORS',
    'UserError',
    'apply_options',
    'default_work_dir',
    'describe',
    'existing_checkpoint',
    'load_config',
    'one_line_errors',
    'possible_folder',
    'run_config',
    'write_predictions_to',
]

#: What bad data raises later; anything else is a bug and keeps its traceback.
RUN_ERRORS = (OSError, ValueError)


def load_config(path: str, options: dict[str, Any] | None = None) -> Config:
    """Read a config file, apply ``--cfg-options`` and check every key.

    Args:
        path: The config file, or the name of a shipped one: see :func:`mmvmr.utils.config.find_config`.
        options: Dotted keys and their values.

    Returns:
        The config, with resolved features.

    Raises:
        UserError: If the file is missing or cannot be read, or a key or a type means nothing.
    """
    try:
        file = find_config(path)
    except FileNotFoundError as error:
        raise UserError(str(error)) from error
    try:
        cfg = read_config(file)
    except (Exception, SystemExit) as error:  # a config is Python and may end the program
        raise UserError(f'config {path}: {type(error).__name__}: {" ".join(str(error).split())}') from error
    if options:
        apply_options(cfg, options)
        if any(key.split('.')[0] == 'custom_imports' for key in options):
            _import_packages(cfg.custom_imports)
    try:
        check_config(cfg)
    except ConfigKeyError as error:
        raise UserError(f'config {path}: {error}') from error
    return cfg


def apply_options(cfg: Config, options: Mapping[str, Any], source: str = '--cfg-options') -> None:
    """Merge dotted keys into a config, after a look at whether they can mean anything there.

    Args:
        cfg: The config; changed in place.
        options: Dotted keys and their values.
        source: Where they were written, for the message.

    Raises:
        UserError: If a key names nothing in the config.
    """
    _check_options(cfg, options, source)
    try:
        separate_features(cfg)
        cfg.merge_from_dict(copy.deepcopy(dict(options)))  # mmengine empties what it merges
        resolve_features(cfg)
    except (KeyError, TypeError, ValueError) as error:
        hint = '; entries of a list are named by their number, as in val_evaluator.0.protocol'
        raise UserError(f'{source}: {describe(error)}{hint if "list ind" in str(error) else ""}') from error


def _import_packages(imports: Mapping[str, Any]) -> None:
    """Import what ``custom_imports`` of a command line names; that of a file is imported when it is read."""
    try:
        import_modules_from_strings(**imports)
    except (ImportError, TypeError) as error:
        why = error.__context__ or error  # mmengine says which package, but not why
        raise UserError(f'--cfg-options custom_imports: {why}; expected a list of installed packages') from error


def _check_options(cfg: Config, options: Mapping[str, Any], source: str) -> None:
    names = set(cfg.keys()) | known_keys()
    for key in options:
        first = key.split('.')[0]
        if first not in names:
            raise UserError(f'{source} {key}: the config has no key `{first}`{closest(first, names)}')
        _check_existing_path(cfg, key, options, source)


def _check_existing_path(cfg: Config, key: str, options: Mapping[str, Any], source: str) -> None:
    """Refuse an option that reaches below a key that does not exist (``model.encodr.dim=1``).

    An entry that the options themselves add (``default_hooks.ema.type=MomentEMAHook``) counts as existing.
    """
    node: Any = cfg
    *parents, _ = key.split('.')
    for depth, name in enumerate(parents):
        if isinstance(node, (list, tuple)):
            return  # mmengine checks indices
        if not isinstance(node, (dict, Config, ConfigDict)) or node.get(name) is None:
            if depth == 0 or not isinstance(node, (dict, ConfigDict)):
                return
            shown = '.'.join(parents[:depth])
            below = '.'.join(parents[: depth + 1])
            if f'{below}.type' in options:
                return
            if len(parents) - depth > 1 or key.split('.')[-1] != 'type':
                raise UserError(
                    f'{source} {key}: `{shown}` has no key `{name}`{closest(name, node)}. '
                    f'To add an entry, give its type first: {below}.type=...'
                )
            return
        node = node[name]


def run_config(args: argparse.Namespace) -> Config:
    """The config that a command line names, with its options and a work dir.

    Args:
        args: Has ``config``, ``cfg_options``, ``work_dir`` and ``local_rank``.

    Returns:
        The config; ``LOCAL_RANK`` is set in the environment for launchers that pass it as an argument.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = load_config(args.config, args.cfg_options)
    cfg.setdefault('default_scope', 'mmvmr')
    cfg.randomness = dict(cfg.get('randomness') or {'seed': None})  # mmengine wants a seed to be named
    folder = args.work_dir or cfg.get('work_dir') or default_work_dir(args.config)
    cfg.work_dir = str(Path(folder).expanduser())
    return cfg


def default_work_dir(config: str) -> str:
    """``work_dirs/<name of the config>``."""
    return str(Path('work_dirs') / Path(config).stem)


def existing_checkpoint(path: str) -> str:
    """The path of a file, or an http(s) address; UserError for anything else."""
    if not path.startswith(('http://', 'https://')) and not Path(path).is_file():
        raise UserError(f'checkpoint {path}: no such file')
    return path


def possible_folder(path: str, option: str) -> None:
    """Refuse, before the work, a folder that cannot be made.

    Args:
        path: The folder; it need not be there.
        option: The option that named it, for the message.

    Raises:
        UserError: If it is a file, or below one.
    """
    for place in (Path(path), *Path(path).parents):
        if place.exists():
            if not place.is_dir():
                raise UserError(f'{option} {path}: {place} is a file, expected a folder or a new name')
            return


def write_predictions_to(evaluator: Any, path: str) -> list[Any]:
    """An evaluator that also writes the predictions.

    Args:
        evaluator: Config of one metric or a list of them.
        path: The jsonl file.

    Returns:
        A list of metric configs; the first ``MomentRetrievalMetric`` writes, on highlight-only data sets the first
        ``HighlightMetric``.

    Raises:
        UserError: If neither is among them.
    """
    metrics = [dict(m) for m in (evaluator if isinstance(evaluator, (list, tuple)) else [evaluator])]
    for kind in ('MomentRetrievalMetric', 'HighlightMetric'):
        for metric in metrics:
            if metric.get('type') == kind:
                metric['outfile'] = path
                return metrics
    raise UserError(
        '--out: the test_evaluator of this config has neither MomentRetrievalMetric nor HighlightMetric, which write '
        'predictions'
    )
