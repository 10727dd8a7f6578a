"""Compare mmvmr with the recorded numbers of published implementations.

    python tools/analysis_tools/check_parity.py FOLDER...

Every folder holds ``config.json``, ``state_dict.npz``, ``inputs.npz``, ``targets.npz``, ``outputs*.npz`` and
``losses*.npz``. The model is built from the recorded options, the weights are converted, and the largest difference
of every group of numbers is printed. Exit code 1 where a tolerance is passed or a recorded array has no counterpart.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from terminaltables import AsciiTable

from mmvmr.utils.cli import UserError, one_line_errors
from mmvmr.utils.setup import register_all_modules

TESTS = Path(__file__).resolve().parents[2] / 'tests'


def _import_parity() -> ModuleType:
    """Import the comparison, which belongs to the tests and to no installed package."""
    if not (TESTS / 'parity').is_dir():
        raise UserError(f'{TESTS}/parity: no such folder; run this tool from a complete checkout of mmvmr')
    sys.path.insert(0, str(TESTS))
    return importlib.import_module('parity')


def _row(folder: str, group: Any) -> list[str]:
    state = 'ok' if group.passed else 'FAILED'
    if group.missing:
        state += f' (no counterpart: {", ".join(group.missing[:4])}{" ..." if len(group.missing) > 4 else ""})'
    return [folder, group.name, str(group.count), f'{group.worst:.2e}', f'{group.tolerance:.0e}', group.where, state]


def main() -> int:
    """Run the comparison; see the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folders', nargs='+', type=Path, metavar='FOLDER', help='a folder with recorded numbers')
    args = parser.parse_args()
    register_all_modules()
    torch.manual_seed(0)
    rows, failed = [], False
    with one_line_errors():
        parity = _import_parity()
    for folder in args.folders:
        with one_line_errors(OSError, ValueError, KeyError):
            for group in parity.check_folder(folder):
                rows.append(_row(folder.name, group))
                failed = failed or not group.passed
    header = ['folder', 'group', 'arrays', 'largest difference', 'tolerance', 'where', '']
    print(AsciiTable([header, *rows]).table)
    print('FAILED' if failed else 'all within tolerance')
    return int(failed)


if __name__ == '__main__':
    sys.exit(main())
