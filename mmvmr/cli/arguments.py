"""Arguments that several commands have; nothing heavy is imported before they are used."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Any


class ConfigOptions(argparse.Action):
    """Action that reads KEY=VALUE as mmengine does, which is imported when the option is there.

    Blanks stay in a value that is not a list: mmengine would turn ``/my data`` into ``/mydata``.
    """

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, *_: Any) -> None:
        """Store the dict of the options."""
        options = dict(getattr(namespace, self.dest, None) or {})
        for word in values:
            key, equals, value = word.partition('=')
            if not equals or not key:
                parser.error(f'{self.option_strings[0]} {word}: expected KEY=VALUE')
            try:
                options[key] = _option_value(value)
            except AssertionError as error:
                parser.error(f'{self.option_strings[0]} {word}: {error}')
            except RecursionError:
                hint = 'one KEY=VALUE for every entry of a dict, as model.encoder.type=X'
                parser.error(f'{self.option_strings[0]} {word}: expected numbers, words or lists of them; give {hint}')
        setattr(namespace, self.dest, options)


def _option_value(text: str) -> Any:
    from mmengine.config import DictAction

    plain = text.strip('\'"')
    if ',' in plain or plain.startswith(('[', '(')):
        return DictAction._parse_iterable(text)
    return DictAction._parse_int_float_bool(plain)


class Choice:
    """Type of an argument whose values the package knows; they are looked up when one is given, not for the help.

    Args:
        place: ``module:name`` of the values, or of a function that returns them.
    """

    def __init__(self, place: str) -> None:
        self._place = place

    def names(self, **_: Any) -> list[str]:
        """The values; the keywords are those that argcomplete passes to completers."""
        module, _, name = self._place.partition(':')
        values = getattr(importlib.import_module(module), name)
        return sorted(values() if callable(values) else values)

    def __call__(self, value: str) -> str:
        """The value, when it is one of those known."""
        if value not in (names := self.names()):
            raise argparse.ArgumentTypeError(f'{value!r}: expected one of {", ".join(names)}')
        return value


def add_choice(parser: argparse.ArgumentParser, *names: str, place: str, **options: Any) -> None:
    """Add an argument whose values the package knows.

    Args:
        parser: Changed in place.
        *names: Of the argument.
        place: See :class:`Choice`.
        **options: Of ``add_argument``.
    """
    choice = Choice(place)
    parser.add_argument(*names, type=choice, **options).completer = choice.names


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the config as first argument.

    Args:
        parser: Changed in place.
    """
    parser.add_argument('config', help='config file, or the name of a shipped one, e.g. sa_detr_qvhl')


def add_config_options(parser: argparse.ArgumentParser, what: str = 'the config') -> None:
    """Add ``--cfg-options``.

    Args:
        parser: Changed in place.
        what: What the options change.
    """
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE', help=f'change {what}, e.g. a.b=1'
    )


def add_protocol(parser: argparse.ArgumentParser) -> None:
    """Add ``--protocol``.

    Args:
        parser: Changed in place.
    """
    add_choice(
        parser,
        '--protocol',
        place='mmvmr.evaluation.functional:protocol_names',
        default='qvhighlights',
        metavar='NAME',
        help='evaluation of a data set, e.g. charades; an unknown name lists all; default: %(default)s',
    )


def add_page_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what a command has that shows queries in a page.

    Args:
        parser: Changed in place.
    """
    group = parser.add_argument_group('page')
    group.add_argument('--page', type=Path, metavar='HTML', help='write a page with moments and metrics of every query')
    which = 'queries on the page: all (default), spread, best, worst or qids; of two models, best is where A leads most'
    group.add_argument('--show', nargs='+', metavar='WHICH', help=which)
    group.add_argument(
        '--count', type=positive, default=20, metavar='N', help='queries of spread, best, worst; default: %(default)s'
    )
    group.add_argument('--videos', metavar='DIR', help='folder with the videos, for the player; named as vid')


def page_options(args: argparse.Namespace) -> dict[str, Any]:
    """Arguments of :func:`mmvmr.report.write_prediction_report` from those of :func:`add_page_arguments`.

    Returns:
        Keyword arguments.

    Raises:
        OSError: If there is no such folder, or no video in it.
        UserError: If there is no page for the other options.
    """
    from mmvmr.utils.errors import UserError

    if args.page is None and (args.show or args.videos):
        raise UserError('--show and --videos are about a page: add --page PAGE.html')
    videos = None
    if args.videos:
        from mmvmr.features.videos import find_videos  # its package imports torch, which scoring can do without

        videos = find_videos([args.videos])
    return {'show': args.show or ['all'], 'count': args.count, 'videos': videos}


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what a command has that runs a config on one or several processes.

    Args:
        parser: Changed in place.
    """
    parser.add_argument('--work-dir', metavar='DIR', help='default: work_dirs/<name of the config>')
    parser.add_argument('--amp', action='store_true', help='bfloat16 autocast where the device is fast at it')
    parser.add_argument('--force-amp', action='store_true', help='bfloat16 autocast, however slow')
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm'],
        default='none',
        help='what started the processes; default: %(default)s',
    )
    add_config_options(parser)
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def positive(text: str) -> int:
    """A number of at least 1, as ``type`` of an argument."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text}: expected a whole number of at least 1')
    return int(text)


def natural(text: str) -> int:
    """A number of at least 0, e.g. a seed, as ``type`` of an argument."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f'{text}: expected a whole number of at least 0')
    return int(text)


def amount(text: str) -> float:
    """A finite number of at least 0, as ``type`` of an argument."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float('inf'):
        raise argparse.ArgumentTypeError(f'{text}: expected a finite number of at least 0')
    return value
