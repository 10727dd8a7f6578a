"""Arguments of the commands that answer sentences."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmvmr.apis import MomentFinder


def add_finder_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what :func:`build_finder` needs.

    Args:
        parser: Changed in place.
    """
    group = parser.add_argument_group('model')
    group.add_argument('--checkpoint', metavar='PTH', help='trained model; without it: zero-shot similarity')
    group.add_argument(
        '--spec', metavar='NAME', help='how features are made: a config, or a name in configs/features; the checkpoint '
        'says it where it can; zero-shot: conse_minilm_1fps, which needs no network connection'
    )  # fmt: skip
    group.add_argument('--device', default='auto', help='auto, cpu, cuda:0, ...; default: %(default)s')
    group.add_argument('--window', type=float, metavar='SECONDS', help='cut longer videos into windows of this length')
    group.add_argument('--half', action=argparse.BooleanOptionalAction, help='half precision; default: on GPUs only')
    group.add_argument('--cache-dir', metavar='DIR', help='features of videos; default: $MMVMR_CACHE or ~/.cache/mmvmr')


def build_finder(args: argparse.Namespace, **options: object) -> MomentFinder:
    """The finder that a command line describes.

    Args:
        args: Has the arguments of :func:`add_finder_arguments`.
        **options: See :class:`mmvmr.apis.MomentFinder`.
    """
    from mmvmr.apis import MomentFinder

    common = {'device': args.device, 'window': args.window, 'cache_dir': args.cache_dir, 'half': args.half, **options}
    if args.checkpoint is None:
        return MomentFinder.zero_shot(args.spec or 'conse_minilm_1fps', **common)
    return MomentFinder(args.checkpoint, spec=args.spec, **common)


def clock(seconds: float) -> str:
    """Seconds as ``minutes:seconds.tenths``, with hours where there are any."""
    tenths = round(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    text = f'{minutes:02d}:{tenths / 10:04.1f}' if hours else f'{minutes}:{tenths / 10:04.1f}'
    return f'{hours}:{text}' if hours else text
