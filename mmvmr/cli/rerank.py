"""Rank the moments of a prediction file anew, by a scorer of your choice next to their own scores.

    mmvmr rerank preds.jsonl --gt val.jsonl --scorer OtherPredictions --options file=other.jsonl --out new.jsonl
    mmvmr rerank preds.jsonl --gt val.jsonl --out new.jsonl --scorer MeanClipSimilarity --options config=DATA.py
    mmvmr compare new.jsonl preds.jsonl --gt val.jsonl

The new score is (1 - W) times the old one plus W times that of the scorer, both brought to [0, 1] over the moments of
the query. --list describes the scorers; --import-module registers those of an external package first.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
from pathlib import Path
from typing import Any

from mmvmr.cli.arguments import ConfigOptions
from mmvmr.utils.errors import BUILD_ERRORS

ERRORS = BUILD_ERRORS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('predictions', nargs='?', metavar='PREDS', help='prediction file')
    parser.add_argument('--gt', metavar='GT', help='jsonl with the annotations of the same queries')
    parser.add_argument('--scorer', metavar='NAME', help='see --list')
    parser.add_argument(
        '--options', nargs='+', action=ConfigOptions, default={}, metavar='KEY=VALUE', help='of the scorer'
    )
    parser.add_argument('--weight', type=float, default=0.5, metavar='W', help='of the scorer; default: %(default)s')
    parser.add_argument('--out', type=Path, metavar='FILE', help='prediction file to write')
    parser.add_argument('--list', action='store_true', help='list the scorers and their options')
    parser.add_argument('--import-module', nargs='+', default=[], metavar='PACKAGE', help='with scorers of your own')


def run(args: argparse.Namespace) -> int:
    """Re-rank; see the module docstring."""
    from mmvmr.evaluation.functional import check_predictions
    from mmvmr.registry import SCORERS
    from mmvmr.search.rerank import rerank
    from mmvmr.utils.errors import UserError
    from mmvmr.utils.io import read_jsonl, write_jsonl
    from mmvmr.utils.progress import progress

    for name in args.import_module:
        importlib.import_module(name)
    SCORERS.import_from_location()
    if args.list:
        print(listing())
        return 0
    given = {'PREDS': args.predictions, '--gt': args.gt, '--scorer': args.scorer, '--out': args.out}
    if missing := [name for name, value in given.items() if value is None]:
        raise UserError(f'{", ".join(missing)} missing; see mmvmr rerank --help')
    scorer = build_scorer(args.scorer, args.options)
    predictions, annotations = read_jsonl(args.predictions), read_jsonl(args.gt)
    check_predictions(predictions, annotations, args.predictions, args.gt, subset=True)
    rows = list(progress(rerank(predictions, annotations, scorer, args.weight), total=len(predictions)))
    write_jsonl(args.out, rows)
    changed = sum(_first(old) != _first(new) for old, new in zip(predictions, rows))
    print(f'{args.out}: {len(rows)} queries, another first moment in {changed}')
    return 0


def _first(row: dict[str, Any]) -> list[float] | None:
    windows = row.get('pred_relevant_windows')
    return windows[0][:2] if windows else None


def build_scorer(name: str, options: dict[str, Any]) -> Any:
    """Build a scorer.

    Args:
        name: Its registered name.
        options: Its arguments.

    Raises:
        UserError: If the name or an option is unknown, or an option is missing.
    """
    from mmvmr.registry import SCORERS
    from mmvmr.utils.choices import check_choice
    from mmvmr.utils.errors import UserError

    kind = SCORERS.module_dict[check_choice('mmvmr rerank', '--scorer', name, sorted(SCORERS.module_dict))]
    signature = inspect.signature(kind)
    try:
        signature.bind(**options)
    except TypeError as error:
        raise UserError(f'--options of {name}: {error}; it takes {signature}') from error
    return kind(**options)


def listing() -> str:
    """Name, help and options of every scorer."""
    from mmvmr.registry import SCORERS

    lines = []
    for name, kind in sorted(SCORERS.module_dict.items()):
        lines += [f'{name}  {inspect.getdoc(kind).splitlines()[0]}', f'    {inspect.signature(kind)}']
    return '\n'.join(lines)
