"""What the command-line tools share: configs, options, and mistakes told in one line."""

from __future__ import annotations

import argparse
import copy
import difflib
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict, DictAction

from mmvmr.utils.config import find_config, read_config, resolve_features, separate_features
from mmvmr.utils.config_check import ConfigKeyError, check_config, known_keys

#: What a wrong config, data folder or checkpoint raises while things are built.
BUILD_ERRORS = (AssertionError, ImportError, KeyError, OSError, TypeError, ValueError)
#: What bad data raises later; anything else is a bug and keeps its traceback.
RUN_ERRORS = (OSError, ValueError)


class UserError(Exception):
    """A mistake of the user, told in one line."""


@contextmanager
def one_line_errors(*kinds: type[Exception]) -> Iterator[None]:
    """End the program with one line and exit code 2 where the body raises one of ``kinds``.

    ``MMVMR_TRACEBACK=1`` in the environment keeps the traceback.

    Args:
        *kinds: Exceptions to report in this way; :class:`UserError` always is.
    """
    try:
        yield
    except Exception as error:
        if not isinstance(error, (UserError, *kinds)) or not str(error) or os.environ.get('MMVMR_TRACEBACK') == '1':
            raise
        print(f'error: {describe(error)}', file=sys.stderr, flush=True)
        if not isinstance(error, UserError):
            print('(set MMVMR_TRACEBACK=1 for the traceback)', file=sys.stderr, flush=True)
        sys.exit(2)


def describe(error: BaseException) -> str:
    """One line that says what an exception says.

    Args:
        error: Any exception, also one that a data-loading process passed on with its whole traceback.

    Returns:
        The message without line breaks.
    """
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    if text.startswith('Caught ') and 'Original Traceback' in text:  # torch.utils.data worker
        tail = re.split(r'\n(?=[\w.]+(?:Error|Exception)\b)', text)[-1]
        text = tail.split(': ', 1)[-1]
    text = ' '.join(text.split())
    plain = isinstance(error, (UserError, ValueError, FileNotFoundError)) and text
    return text if plain else f'{type(error).__name__}: {text}'


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
    except Exception as error:
        raise UserError(f'config {path}: {type(error).__name__}: {" ".join(str(error).split())}') from error
    if options:
        apply_options(cfg, options)
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
        raise UserError(f'{source}: {describe(error)}') from error


def _check_options(cfg: Config, options: Mapping[str, Any], source: str) -> None:
    known = set(cfg.keys()) | known_keys()
    for key in options:
        first = key.split('.')[0]
        if first not in known:
            raise UserError(f'{source} {key}: the config has no key `{first}`{_suggestion(first, known)}')
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
                    f'{source} {key}: `{shown}` has no key `{name}`{_suggestion(name, set(node))}. '
                    f'To add an entry, give its type first: {below}.type=...'
                )
            return
        node = node[name]


def _suggestion(word: str, known: set[str]) -> str:
    close = difflib.get_close_matches(word, [str(k) for k in known], n=1)
    return f'; did you mean `{close[0]}`?' if close else ''


def parse_run_args(parser: argparse.ArgumentParser, argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line of a tool that runs a config, with the arguments that all of them have.

    Args:
        parser: Has the arguments of the tool itself.
        argv: The words; None for those of the process.

    Returns:
        The arguments; ``LOCAL_RANK`` is set in the environment for launchers that pass it as an argument.
    """
    parser.add_argument('--work-dir', help='default: work_dirs/<name of the config>')
    parser.add_argument('--amp', action='store_true', help='bfloat16 autocast where the device is fast at it')
    parser.add_argument('--force-amp', action='store_true', help='bfloat16 autocast, however slow')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm'], default='none')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='change the config')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def run_config(args: argparse.Namespace) -> Config:
    """The config that :func:`parse_run_args` names, with its options and a work dir.

    Args:
        args: The command line, with ``config``.

    Returns:
        The config.
    """
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
    """The path, when it is a file.

    Args:
        path: As given on the command line; http(s) addresses pass.

    Returns:
        ``path``.

    Raises:
        UserError: If it is not a file.
    """
    if not path.startswith(('http://', 'https://')) and not Path(path).is_file():
        raise UserError(f'checkpoint {path}: no such file')
    return path


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
