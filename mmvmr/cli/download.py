"""Fetch official features and checkpoints, verified and converted.

    mmvmr download
    mmvmr download qd_detr_clip_qvhl --out checkpoints
    mmvmr find holiday.mp4 "a dog jumps" --checkpoint checkpoints/qd_detr_clip_qvhl.pth

Without NAME it lists what there is. A download that was interrupted goes on where it stopped; what appears in DIR is
complete, has the listed sum, and was converted without running anything that the file says. `unchecked` marks
addresses that nobody has tried with this version.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('names', nargs='*', metavar='NAME', help='what to fetch; without it: list')
    parser.add_argument('--out', type=Path, default=Path('checkpoints'), metavar='DIR', help='default: %(default)s')
    parser.add_argument('--registry', type=Path, metavar='YML', help='another list, in the form of downloads.yml')


def run(args: argparse.Namespace) -> int:
    """List or fetch; see the module docstring. The exit status is 1 where one of several failed."""
    import sys

    from mmvmr.conversion.downloads import REGISTRY, read_registry
    from mmvmr.conversion.fetch import fetch
    from mmvmr.utils.choices import closest
    from mmvmr.utils.errors import UserError

    registry = read_registry(args.registry or REGISTRY)
    if not args.names:
        print(table(registry))
        return 0
    for name in args.names:
        if name not in registry:
            raise UserError(f'{name}: not in the list{closest(name, registry)} `mmvmr download` shows all')
    failed = 0
    for name in args.names:
        entry = registry[name]
        print(f'{name}: {entry.source}, licence: {entry.licence}{"" if entry.checked else ", unchecked"}')
        try:
            print(f'{fetch(entry, args.out)}: ready')
        except UserError as error:
            if len(args.names) == 1:
                raise
            failed += 1
            print(f'error: {error}', file=sys.stderr)
    return 1 if failed else 0


def table(registry: dict) -> str:
    """The entries as text, a line each.

    Args:
        registry: Name to entry.

    Returns:
        The table.
    """
    from tabulate import tabulate

    rows = [
        (
            entry.name,
            entry.kind,
            entry.about,
            'unknown' if entry.size is None else f'{entry.size / 1e6:,.0f} MB',
            'none' if entry.checksum is None else entry.checksum.partition(':')[0],
            'yes' if entry.checked else 'unchecked',
            entry.licence,
        )
        for entry in registry.values()
    ]
    return tabulate(rows, ('name', 'kind', 'what', 'size', 'sum', 'address', 'licence'))
