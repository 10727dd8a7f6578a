"""Which components go onto which methods, found by composing them.

    python tools/analysis_tools/composition_table.py [--write | --check]

``--write`` puts the tables into docs/user_guides/composition.md, ``--check`` fails where they are out of date.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from doc_sections import table, update
from mmengine.config import Config
from terminaltables import AsciiTable

from mmvmr.composition import (
    AlreadyThereError,
    CompositionError,
    component_help,
    component_names,
    component_options,
    compose,
    find_component,
)
from mmvmr.utils.cli import one_line_errors

REPO = Path(__file__).resolve().parents[2]
PAGE = REPO / 'docs' / 'user_guides' / 'composition.md'
#: Column to folder of configs; methods without QVHighlights are composed on Charades-STA.
METHODS = {
    'Moment-DETR': 'moment_detr',
    'QD-DETR': 'qd_detr',
    'CG-DETR': 'cg_detr',
    'BAM-DETR': 'bam_detr',
    'EaTR': 'eatr',
    'UVCOM': 'uvcom',
    'TR-DETR': 'tr_detr',
    'SA-DETR': 'sa_detr',
    'BM-DETR': 'bm_detr',
    'UniVTG': 'univtg',
    'FlashVTG': 'flash_vtg',
    'R2-Tuning': 'r2_tuning',
    'CausalVTG': 'causal_vtg',
    'SnAG': 'snag',
    'MMN': 'mmn',
}


def names() -> list[str]:
    """Components of mmvmr itself, whatever else has been imported."""
    return [name for name in component_names() if find_component(name).__module__.startswith('mmvmr.')]


def component_table() -> str:
    """Name, help, source and options of every component."""
    rows = []
    for name in names():
        kind = find_component(name)
        options = ', '.join(f'`{key}={value!r}`' for key, value in component_options(kind).items())
        rows.append((f'`{name}`', component_help(kind), kind.source, options or 'none'))
    return table(['component', 'what it does', 'from', 'options'], rows)


def _paths() -> dict[str, Path]:
    folders = {name: REPO / 'configs' / name for name in METHODS.values()}
    candidates = {
        name: [folder / f'{name}_{data}.py' for data in ('qvhl', 'charades')] for name, folder in folders.items()
    }
    return {name: next(path for path in paths if path.is_file()) for name, paths in candidates.items()}


def compatibility() -> tuple[list[list[str]], list[str]]:
    """What becomes of every component on every method.

    Returns:
        One row per component, the name first; and the reasons, to which numbers in the cells refer.
    """
    bases = {name: Config.fromfile(path) for name, path in _paths().items()}
    reasons: list[str] = []
    rows = []
    for name in names():
        needs = find_component(name).needs
        row = [f'`{name}`']
        for base in bases.values():
            part = needs and cell(base, [name], []).startswith('no') and cell(base, [name, *needs], []) == 'yes'
            row.append(f'with `{needs[0]}`' if part else cell(base, [name], reasons))
        rows.append(row)
    return rows, reasons


def cell(base: Config, names: list[str], reasons: list[str]) -> str:
    """``yes``, ``has it``, or ``no`` with the number of the reason, which is added to ``reasons`` where it is new."""
    try:
        compose(base, names)
    except AlreadyThereError:
        return 'has it'
    except CompositionError as error:
        reason = str(error).removeprefix(f'{names[0]}: ')
        if reason not in reasons:
            reasons.append(reason)
        return f'no ({reasons.index(reason) + 1})'
    return 'yes'


def sections() -> dict[tuple[Path, str], str]:
    """The tables of the page."""
    rows, reasons = compatibility()
    lines = [f'({number}) {reason}.' for number, reason in enumerate(reasons, 1)]
    lines += [
        f'`{name}` and `{other}` exclude each other: {reason}.'
        for name in names()
        for other, reason in find_component(name).excludes.items()
    ]
    compatible = '\n\n'.join([table(['', *METHODS], rows), *lines])
    return {(PAGE, 'components'): component_table(), (PAGE, 'compatibility'): compatible}


def main() -> int:
    """Print, write or check; see the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    group = parser.add_mutually_exclusive_group()
    group.add_argument('--write', action='store_true', help=f'write the tables of docs/user_guides/{PAGE.name}')
    group.add_argument('--check', action='store_true', help='fail where these tables are out of date')
    args = parser.parse_args()
    with one_line_errors(OSError, ValueError):
        if args.write or args.check:
            return update(sections(), args.check)
        rows, reasons = compatibility()
        print(AsciiTable([['', *METHODS], *rows]).table)
        print('\n'.join(f'({number}) {reason}' for number, reason in enumerate(reasons, 1)))
    return 0


if __name__ == '__main__':
    sys.exit(main())
