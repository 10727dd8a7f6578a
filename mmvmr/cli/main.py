"""Choosing the subcommand.

The command line is parsed before anything heavy is imported, so that ``--help`` answers at once: a module of this
package defines ``add_arguments(parser)`` and ``run(args)``, and imports torch and the rest inside ``run``.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmvmr.utils.choices import closest
from mmvmr.utils.errors import one_line_errors
from mmvmr.utils.paths import refuse_own_input
from mmvmr.version import __version__

#: Subcommand to one line about it; each is a module of this package.
COMMANDS = {
    'find': 'find moments in a video: mmvmr find VIDEO "a dog jumps"',
    'index': 'encode all videos of a folder for searching',
    'demo': 'ask videos on a page in the browser',
    'search': 'find videos and moments in an indexed folder',
    'train': 'train a model: mmvmr train sa_detr_qvhl',
    'test': 'test a checkpoint',
    'fit': 'fit a baseline without training',
    'extract': 'extract features from videos and sentences',
    'eval': 'score a prediction file',
    'compare': 'intervals of figures, and whether two prediction files differ',
    'rerank': 'rank the moments of a prediction file anew, by a scorer of your choice',
    'robustness': 'figures of a checkpoint under masked, shuffled and exchanged input',
    'browse': 'numbers and figures of a data set',
    'check': 'check annotations and features of a config',
    'compose': 'put components of other methods onto a config',
    'grid': 'train and test many configs, and put the figures into one table',
    'benchmark': 'speed and memory: mmvmr benchmark find',
    'new': 'start a package of your own',
    'config': 'print a config, compare two, or list the shipped ones',
    'download': 'fetch official features and checkpoints',
    'export': 'export a trained model as an ONNX file, for mmvmr find',
    'convert': 'convert a checkpoint of a published implementation',
}
#: Arguments that name a file to write.
_OUTPUTS = ('out', 'page', 'report', 'target')
#: What ends a command with one line unless its module has other ``ERRORS``.
ERRORS = (ImportError, OSError, RuntimeError, ValueError)


def build_parser(command: str) -> argparse.ArgumentParser:
    """The parser of a subcommand, with its arguments."""
    module = importlib.import_module(f'mmvmr.cli.{command}')
    parser = argparse.ArgumentParser(
        prog=f'mmvmr {command}',
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    return parser


def complete() -> None:
    """Answer a shell that asks how a command line can go on, where argcomplete is installed; else return."""
    if '_ARGCOMPLETE' not in os.environ:
        return
    import argcomplete

    parser = argparse.ArgumentParser('mmvmr')
    commands = parser.add_subparsers()
    for name, text in COMMANDS.items():
        importlib.import_module(f'mmvmr.cli.{name}').add_arguments(commands.add_parser(name, help=text))
    argcomplete.autocomplete(parser)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand.

    Args:
        argv: The command line without the program; that of the process by default.

    Returns:
        The exit status: 0, 1 where a part of the work failed, 2 for a mistake of the user.
    """
    complete()
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ('-h', '--help'):
        print(_overview())
        return 0 if words else 2
    if words[0] in ('-V', '--version'):
        print(f'mmvmr {__version__}')
        return 0
    command, *options = words
    if command not in COMMANDS:
        hint = closest(command, COMMANDS)
        print(f'error: mmvmr has no command `{command}`{hint} Commands: {", ".join(COMMANDS)}', file=sys.stderr)
        return 2
    args = build_parser(command).parse_args(options)
    module = importlib.import_module(f'mmvmr.cli.{command}')
    try:
        with one_line_errors(*getattr(module, 'ERRORS', ERRORS)):
            refuse_inputs(args)
            return _until_reader_leaves(module.run, args)
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        return 130


def _until_reader_leaves(run: Callable[[argparse.Namespace], int | None], args: argparse.Namespace) -> int:
    """Run a command; whoever reads its output, as ``head`` does, may stop reading, which is not an error."""
    try:
        status = run(args) or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # The interpreter flushes what is left once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def refuse_inputs(args: argparse.Namespace) -> None:
    """Never write into what is read.

    Args:
        args: The arguments of a command.

    Raises:
        UserError: If a file to write is one that another argument names, or that the config reads.
    """
    files = {name: [str(word) for word in _words(value)] for name, value in vars(args).items()}
    outputs = [path for name in _OUTPUTS for path in files.pop(name, ()) if os.path.isfile(path)]
    if not outputs:
        return
    sources: list[str | os.PathLike[str]] = [source for paths in files.values() for source in paths]
    config = getattr(args, 'config', None) or getattr(args, 'index', None)
    if config and hasattr(args, 'cfg_options'):
        sources += _read_by(config, args.cfg_options)
    for path in outputs:
        refuse_own_input(path, sources)


def _read_by(config: str, options: Mapping[str, Any] | None) -> Iterable[Path]:
    from mmvmr.utils.cli import load_config
    from mmvmr.utils.config import find_config
    from mmvmr.utils.setup import input_files

    try:
        find_config(config)
    except FileNotFoundError:  # not a config, or one that the command will not find either
        return ()
    return input_files(load_config(config, options))


def _words(value: object) -> list[object]:
    """Text and paths of an argument, also of one that takes several."""
    if isinstance(value, dict):
        value = list(value.values())
    values = value if isinstance(value, (list, tuple)) else [value]
    return [word for word in values if isinstance(word, (str, os.PathLike))]


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f'  {name:<{width}}  {text}' for name, text in COMMANDS.items()]
    return '\n'.join([
        'usage: mmvmr COMMAND ...',
        '',
        'Video moment retrieval: find the time spans of a video that a sentence describes.',
        '',
        *lines,
        '',
        'mmvmr COMMAND --help explains a command; mmvmr --version prints the version.',
    ])  # fmt: skip
