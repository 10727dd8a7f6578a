"""Encode all videos of a folder, so that they can be searched.

    mmvmr index videos --out videos.index
    mmvmr search videos.index "a dog jumps into the water"

Run it again after changes: new videos are added, deleted ones leave the index, the others are not touched. It can be
stopped at any time. --shard 0/4 encodes the first of four parts, for several machines with an index each.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmvmr.cli.finder_arguments import add_finder_arguments, build_finder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('videos', type=Path, help='folder of videos, searched at any depth')
    parser.add_argument('--out', type=Path, metavar='DIR', help='folder of the index; default: VIDEOS.index')
    parser.add_argument(
        '--shard', default='0/1', metavar='I/N', help='encode part I (from 0) of N; default: %(default)s'
    )
    add_finder_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Index; see the module docstring. The exit status is 1 where a video failed."""
    from mmvmr.search import Collection

    shard = read_shard(args.shard)
    root = args.out or args.videos.with_name(f'{args.videos.name}.index')
    collection = Collection(root, build_finder(args))
    report = collection.update(args.videos, shard, _show)
    for name, reason in report.failed.items():
        print(f'failed: {name}: {reason}', file=sys.stderr)
    print(
        f'{root}: {len(collection)} videos; {len(report.added)} added, {len(report.kept)} unchanged, '
        f'{len(report.removed)} removed, {len(report.failed)} failed'
    )
    return 1 if report.failed else 0


def read_shard(text: str) -> tuple[int, int]:
    """The numbers of ``I/N``.

    Args:
        text: As on the command line.

    Returns:
        (i, n) with 0 <= i < n.

    Raises:
        UserError: If it is anything else.
    """
    from mmvmr.utils.cli import UserError

    part, slash, parts = text.partition('/')
    if not slash or not part.isdigit() or not parts.isdigit() or not int(part) < int(parts):
        raise UserError(f'--shard {text}: expected I/N with I from 0 to N - 1, e.g. 0/4')
    return int(part), int(parts)


def _show(done: int, total: int, name: str) -> None:
    if sys.stderr.isatty():
        print(f'\r\033[K{done}/{total} {name[:60]}', end='\n' if done == total else '', file=sys.stderr, flush=True)
