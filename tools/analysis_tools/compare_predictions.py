"""Intervals of the figures of a prediction file, and whether two files differ by more than chance. Needs numpy only.

    python tools/analysis_tools/compare_predictions.py A.jsonl B.jsonl --gt highlight_val_release.jsonl [--slices]

Intervals are bootstrapped over videos, p is of the paired randomisation test over videos; B is the base.
"""

import argparse
import sys
from typing import Any, NoReturn

from terminaltables import AsciiTable

from mmvmr.evaluation.functional import InputError, compare_figures, protocol_names, query_figures, slices
from mmvmr.evaluation.functional.compare import SLICES
from mmvmr.utils.io import read_jsonl, write_json

#: Figures of the slices, where the protocol has them.
MAIN = ('MR-full-mAP', 'MR-full-R1@0.5', 'MR-full-R1@0.7', 'MR-full-mIoU', 'HL-min-VeryGood-mAP', 'HL-mAP')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('predictions', nargs='+', metavar='PREDS', help='one or two prediction files')
    parser.add_argument('--gt', required=True, metavar='GT', help='jsonl with the ground truth of the same queries')
    parser.add_argument('--protocol', default='qvhighlights', choices=protocol_names(), help='default: %(default)s')
    parser.add_argument('--figures', nargs='+', metavar='NAME', help='only these, e.g. MR-full-mAP MR-full-R1@0.5')
    parser.add_argument(
        '--slices',
        nargs='*',
        choices=SLICES,
        help='also by mean length, position and number of the moments of a query; alone: all three',
    )
    parser.add_argument(
        '--unit', choices=('video', 'query'), default='video', help='what is resampled (default: %(default)s)'
    )
    parser.add_argument('--draws', type=int, default=10_000, help='default: %(default)s')
    parser.add_argument('--level', type=float, default=0.95, help='coverage of the intervals (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', metavar='JSON', help='also write everything to this file')
    args = parser.parse_args()
    if len(args.predictions) > 2:
        parser.error('give one or two prediction files')
    if args.draws < 1 or not 0 < args.level < 1:
        parser.error('--draws must be positive, --level between 0 and 1')
    return args


def fail(error: Any) -> NoReturn:
    """End with one line instead of a traceback."""
    print(f'error: {error}', file=sys.stderr)
    sys.exit(2)


def compare(args: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Score, resample and test.

    Args:
        args: The command line.

    Returns:
        Name of the slice (``all``) to the rows of :func:`mmvmr.evaluation.functional.compare_figures`.
    """
    annotations = read_jsonl(args.gt)
    figures = [
        query_figures(read_jsonl(path), annotations, args.protocol, source=path, reference=args.gt)
        for path in args.predictions
    ]
    if args.figures:
        if unknown := sorted(set(args.figures) - set(figures[0])):
            raise InputError(f'--figures {unknown}: not among {sorted(figures[0])}')
        figures = [{name: part[name] for name in args.figures if name in part} for part in figures]
    key = 'vid' if args.unit == 'video' else 'qid'
    units = [row.get(key, row['qid']) for row in annotations]
    options = dict(draws=args.draws, level=args.level, seed=args.seed)
    result = {'all': compare_figures(figures, units, **options)}
    main = args.figures or MAIN
    chosen = [{name: part[name] for name in main if name in part} for part in figures]
    by = [] if args.slices is None else args.slices or SLICES
    for kind in by:
        for name, rows in slices(annotations, kind, args.protocol).items():
            result[name] = compare_figures(chosen, units, rows=rows, **options)
    return result


def table(rows: list[dict[str, Any]]) -> str:
    """One slice as a table.

    Args:
        rows: Rows of :func:`compare_figures`.

    Returns:
        The table.
    """

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


def main() -> None:
    """Compare and print."""
    args = parse_args()
    try:
        result = compare(args)
    except (OSError, ValueError) as error:
        fail(error)
    for name, path in zip('AB', args.predictions):
        print(f'{name}: {path}')
    for name, rows in result.items():
        print(f'\n{name}')
        print(table(rows) if rows else 'no query')
    if args.out:
        write_json(args.out, {'predictions': args.predictions, 'gt': args.gt, **result})


if __name__ == '__main__':
    main()
