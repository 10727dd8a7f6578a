"""Check annotations of your own, fix what can be fixed, and write the jsonl that training reads.

    python tools/dataset_converters/validate.py train.csv val.csv
    python tools/dataset_converters/validate.py train.csv val.csv --videos videos --fix --out data/mine

A table has the columns video, query, start, end and, if you like, duration, qid and others; lines with the same video
and sentence become one row with several moments. Jsonl has the keys of docs/user_guides/data.md. Every issue is named
with file, line and field, and the exit status is 1. --fix cuts windows to the video and drops what is there twice,
saying so per line; what it cannot fix keeps the files from being written. The input is never changed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mmvmr.cli.arguments import amount
from mmvmr.datasets.schema import Rules
from mmvmr.preparation.converters import read_durations, video_lengths
from mmvmr.preparation.converters.own_data import OwnFile, shared_qids
from mmvmr.preparation.converters.tool import WITH_ISSUES, print_lines, summary, write_rows
from mmvmr.utils.cli import UserError, one_line_errors
from mmvmr.utils.paths import refuse_own_input


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument('annotations', nargs='+', type=Path, help='tables or jsonl files, one per split')
    parser.add_argument('--out', type=Path, metavar='FILE', help='jsonl file, or a folder for NAME.jsonl of each input')
    parser.add_argument('--fix', action='store_true', help='cut windows to the video, drop what is there twice')
    parser.add_argument('--drop', action='store_true', help='leave out rows with other issues, saying so per row')
    parser.add_argument(
        '--tolerance', type=amount, default=0.1, metavar='S', help='how far windows may reach past the end'
    )
    lengths = parser.add_mutually_exclusive_group()
    lengths.add_argument('--durations', type=Path, metavar='TABLE', help='lengths of videos: .csv, .json or .jsonl')
    lengths.add_argument('--videos', type=Path, metavar='FOLDER', help='video files, which tell their lengths')
    return parser.parse_args(argv)


def targets(sources: Sequence[Path], out: Path | None) -> list[Path]:
    """Where each file is written.

    Args:
        sources: The input.
        out: A jsonl file or a folder; None writes nothing.

    Returns:
        One path per input, or none.

    Raises:
        UserError: If two would be the same, or one is the input.
    """
    if out is None:
        return []
    paths = [out if out.suffix == '.jsonl' else out / f'{source.stem}.jsonl' for source in sources]
    if len(set(paths)) < len(paths):
        raise UserError(
            f'--out {out}: several inputs would be written to one file; give a folder, and inputs of other names'
        )
    for path in paths:
        refuse_own_input(path, sources)
    return paths


def report(files: Sequence[OwnFile], rules: Rules) -> int:
    """Print everything that is wrong.

    Args:
        files: What was read.
        rules: What is allowed.

    Returns:
        Number of issues.
    """
    for file in files:
        print_lines(file.notes)
    issues = [*(issue for file in files for issue in file.issues(rules)), *shared_qids(files)]
    print_lines(issues)
    print_lines([f'note: {warning}' for file in files for warning in file.warnings()])
    return len(issues)


def main(argv: Sequence[str] | None = None) -> int:
    """Check and write; see the module docstring."""
    args = parse_args(argv)
    with one_line_errors(ImportError, OSError, ValueError):
        if (args.fix or args.drop) and args.out is None:
            raise UserError('--fix and --drop never change the input: give --out for the fixed file')
        paths = targets(args.annotations, args.out)
        lookup = read_durations(args.durations).get if args.durations else None
        lookup = video_lengths(args.videos) if args.videos else lookup
        rules = Rules(window_tolerance=args.tolerance)
        files = [OwnFile.read(path, lookup) for path in args.annotations]
        for file in files:
            if args.fix:
                file.mend(rules)
            if args.drop:
                file.drop(rules)
        if count := report(files, rules):
            advice = '; nothing written' if paths else ''
            print(f'{count} issues in {sum(len(file.rows) for file in files)} rows{advice}', file=sys.stderr)
            return WITH_ISSUES
        for file, path in zip(files, paths):
            write_rows(path, file.rows)
    for file, path in zip(files, paths or args.annotations):
        print(f'{path}: {summary([located.row for located in file.rows])}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
