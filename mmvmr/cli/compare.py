"""Intervals of the figures of a prediction file, and whether two files differ by more than chance. Needs numpy only.

    mmvmr compare A.jsonl B.jsonl --gt highlight_val_release.jsonl --slices --page compare.html

Intervals are bootstrapped over videos, p is of the paired randomisation test over videos; B is the base.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from mmvmr.cli.arguments import add_choice, add_page_arguments, add_protocol, natural, page_options, positive

ERRORS = (OSError, ValueError)
#: Figures of the slices, where the protocol has them.
MAIN = (
    *('MR-full-mAP', 'MR-full-R1@0.5', 'MR-full-R1@0.7', 'MR-full-mIoU', 'HL-min-VeryGood-mAP', 'HL-mAP'),
    *('VR-R1', 'VCMR-R1@0.5', 'VCMR-R10@0.5'),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('predictions', nargs='+', metavar='PREDS', help='one or two prediction files')
    parser.add_argument('--gt', required=True, metavar='GT', help='jsonl with the ground truth of the same queries')
    add_protocol(parser)
    parser.add_argument('--figures', nargs='+', metavar='NAME', help='only these, e.g. MR-full-mAP MR-full-R1@0.5')
    add_choice(
        parser,
        '--slices',
        nargs='*',
        place='mmvmr.evaluation.functional.compare:SLICES',
        metavar='KIND',
        help='also by length, position or number of the moments of a query; alone: all three',
    )
    parser.add_argument(
        '--subset', action='store_true', help='compare the queries that all files have, instead of asking for all'
    )
    parser.add_argument(
        '--unit', choices=('video', 'query'), default='video', help='what is resampled; default: %(default)s'
    )
    parser.add_argument('--draws', type=positive, default=10_000, metavar='N', help='resamplings; default: %(default)s')
    parser.add_argument('--level', type=float, default=0.95, help='coverage of the intervals; default: %(default)s')
    parser.add_argument('--seed', type=natural, default=0, help='of the resampling; default: %(default)s')
    parser.add_argument('--out', metavar='JSON', help='also write everything to this file')
    add_page_arguments(parser)


def compare(args: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Score, resample and test.

    Returns:
        Name of the slice (``all``) to the rows of :func:`mmvmr.evaluation.functional.compare_figures`.
    """
    from mmvmr.evaluation.corpus_files import read_predictions
    from mmvmr.evaluation.functional import InputError, compare_figures, query_figures, slices
    from mmvmr.evaluation.functional.compare import SLICES
    from mmvmr.utils.io import read_jsonl

    annotations = read_jsonl(args.gt)
    predictions = [read_predictions(path, args.protocol) for path in args.predictions]
    if args.subset:
        annotations, predictions = common_queries(args, annotations, predictions)
    figures = [
        query_figures(rows, annotations, args.protocol, source=path, reference=args.gt)
        for rows, path in zip(predictions, args.predictions)
    ]
    if args.figures:
        if unknown := sorted(set(args.figures) - set(figures[0])):
            raise InputError(f'--figures {unknown}: not among {sorted(figures[0])}')
        figures = [{name: part[name] for name in args.figures if name in part} for part in figures]
    key = 'vid' if args.unit == 'video' else 'qid'
    units = [('qid', row['qid']) if row.get(key) is None else row[key] for row in annotations]
    if unnamed := sum(row.get(key) is None for row in annotations):
        note = f'{unnamed} of {len(units)} rows have no vid: each is taken for a separate video'
        print(f'note: {args.gt}: {note}', file=sys.stderr)
    if len({repr(unit) for unit in units}) == 1 < len(units):
        note = 'all rows are of one video, so intervals have no width and p says nothing; see --unit query'
        print(f'note: {args.gt}: {note}', file=sys.stderr)
    options = dict(draws=args.draws, level=args.level, seed=args.seed)
    result = {'all': compare_figures(figures, units, **options)}
    main = args.figures or MAIN
    chosen = [{name: part[name] for name in main if name in part} for part in figures]
    by = [] if args.slices is None else args.slices or SLICES
    for kind in by:
        for name, rows in slices(annotations, kind, args.protocol).items():
            result[name] = compare_figures(chosen, units, rows=rows, **options)
    return result


def common_queries(args: argparse.Namespace, annotations: list[Any], predictions: list[list[Any]]) -> Any:
    """Restrict everything to the queries that all files have.

    Args:
        args: The command line.
        annotations: Rows of the ground truth.
        predictions: Rows of each prediction file.

    Returns:
        Annotations and predictions of those queries.

    Raises:
        InputError: If a file is invalid, or there is no such query.
    """
    from mmvmr.evaluation.functional import (
        InputError,
        check_annotations,
        check_corpus_predictions,
        check_predictions,
        get_protocol,
    )

    protocol = get_protocol(args.protocol)
    check_annotations(annotations, protocol.rated_clip_len, args.gt)
    check = check_predictions if protocol.corpus_rule is None else check_corpus_predictions
    for rows, path in zip(predictions, args.predictions):
        check(rows, annotations, path, args.gt, subset=True)
    shared = set.intersection(*({row['qid'] for row in rows} for rows in predictions))
    if not shared:
        raise InputError(f'--subset: no query is in all of {", ".join(args.predictions)}')
    print(f'--subset: {len(shared)} of {len(annotations)} queries are compared')
    common = [[row for row in rows if row['qid'] in shared] for rows in (annotations, *predictions)]
    return common[0], common[1:]


def table(rows: list[dict[str, Any]]) -> str:
    """One slice as a table.

    Args:
        rows: Rows of :func:`compare_figures`.
    """
    from terminaltables import AsciiTable

    def bounds(interval: list[float]) -> str:
        return f'{interval[0]:.2f} .. {interval[1]:.2f}'

    two = 'p' in rows[0]
    lines = [['figure', 'queries', 'A', 'interval', *(['B', 'interval', 'A - B', 'interval', 'p'] if two else [])]]
    for row in rows:
        cells = [row['figure'], str(row['queries'])]
        for mean, interval in zip(row['mean'], row['interval']):
            cells += [f'{mean:.2f}', bounds(interval)]
        if two:
            cells += [f'{row["difference"]:+.2f}', bounds(row['difference_interval']), f'{row["p"]:.4f}']
        lines.append(cells)
    return AsciiTable(lines).table


def run(args: argparse.Namespace) -> None:
    """Compare and print."""
    from mmvmr.utils.errors import UserError
    from mmvmr.utils.io import read_jsonl, write_json

    if len(args.predictions) > 2:
        raise UserError(f'{len(args.predictions)} prediction files were given, expected one or two')
    if not 0 < args.level < 1:
        raise UserError(f'--level {args.level}: expected a number between 0 and 1')
    options = page_options(args)
    result = compare(args)
    for name, path in zip('AB', args.predictions):
        print(f'{name}: {path}')
    for name, rows in result.items():
        print(f'\n{name}')
        print(table(rows) if rows else 'no query')
    if args.out:
        write_json(args.out, {'predictions': args.predictions, 'gt': args.gt, **result})
    if args.page:
        from mmvmr.report import write_prediction_report

        models = {f'{name}: {Path(path).stem}': read_jsonl(path) for name, path in zip('AB', args.predictions)}
        annotations = read_jsonl(args.gt)
        if args.subset:
            shared = set.intersection(*({row['qid'] for row in rows} for rows in models.values()))
            annotations = [row for row in annotations if row['qid'] in shared]
            models = {name: [row for row in rows if row['qid'] in shared] for name, rows in models.items()}
        print(f'wrote {write_prediction_report(models, annotations, args.page, args.protocol, **options)}')
