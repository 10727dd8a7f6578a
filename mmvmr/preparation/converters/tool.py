"""Command line of the converters: options, the report of issues, the written file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mmvmr.datasets.schema import DEFAULT_RULES, Rules
from mmvmr.preparation.converters.lines import jsonl_rows
from mmvmr.preparation.converters.located import LocatedRow, find_issues
from mmvmr.preparation.converters.repair import repair, without_issues
from mmvmr.utils.cli import UserError, one_line_errors
from mmvmr.utils.io import read_json, read_text, write_jsonl
from mmvmr.utils.paths import refuse_own_input

#: Exit status of a file with issues; mistakes on the command line have 2.
WITH_ISSUES = 1


def converter_parser(description: str | None, source: str) -> argparse.ArgumentParser:
    """A parser with the arguments that every converter has.

    Args:
        description: Docstring of the tool.
        source: What the official file is.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument('source', type=Path, help=source)
    parser.add_argument('--out', type=Path, required=True, metavar='FILE', help='jsonl file to write')
    parser.add_argument('--fix', action='store_true', help='cut windows to the video, saying so per row')
    parser.add_argument('--drop', action='store_true', help='leave out rows with other issues, saying so per row')
    return parser


def highlight_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser for data sets of highlights in domains.

    Args:
        description: Docstring of the tool.
    """
    parser = converter_parser(description, 'JSON or jsonl file')
    parser.add_argument('--domains', type=Path, metavar='FILE', help='JSON object: name of the video to its domain')
    parser.add_argument('--only', type=Path, metavar='FILE', help='names of the videos of the split, one per line')
    return parser


def with_highlights(read: Callable[..., list[LocatedRow]]) -> Callable[[argparse.Namespace], list[LocatedRow]]:
    """The function of a command line for such a data set: ``read`` gets path, domains and names of videos."""

    def rows(args: argparse.Namespace) -> list[LocatedRow]:
        if args.source.suffix == '.jsonl':
            return jsonl_rows(args.source)
        names = None if args.only is None else read_text(args.only).split()
        return read(args.source, None if args.domains is None else read_json(args.domains), names)

    return rows


def run_converter(
    args: argparse.Namespace, read: Callable[[argparse.Namespace], list[LocatedRow]], rules: Rules = DEFAULT_RULES
) -> int:
    """Read, check, write.

    Args:
        args: Of :func:`converter_parser`.
        read: Reads the source.
        rules: What the data set is known to have.

    Returns:
        Exit status: 0, or 1 where issues kept the file from being written.
    """
    with one_line_errors(OSError, ValueError):
        refuse_own_input(args.out, [args.source])
        rows, notes = read(args), []
        if not rows:
            raise UserError(f'{args.source}: no sentence in this file')
        if args.fix:
            rows, notes = repair(rows, rules, repeats=False)
        if args.drop:
            rows, more = without_issues(rows, rules)
            notes += more
        print_lines(notes)
        if issues := find_issues(rows, rules):
            print_lines(issues)
            advice = '' if args.fix and args.drop else '; --fix cuts windows to the video, --drop leaves out the rest'
            print(f'{args.source}: {len(issues)} issues in {len(rows)} rows, nothing written{advice}', file=sys.stderr)
            return WITH_ISSUES
        written = write_rows(args.out, rows)
    print(f'{args.out}: {summary(written)}' + (f', {len(notes)} changes' if notes else ''))
    return 0


def print_lines(lines: Sequence[str]) -> None:
    """Print lines in one go."""
    if lines:
        print('\n'.join(lines), flush=True)


def write_rows(path: Path, rows: Sequence[LocatedRow]) -> list[dict[str, Any]]:
    """Write rows as jsonl, completely or not at all.

    Args:
        path: The file.
        rows: Rows without issues.

    Returns:
        What was written.

    Raises:
        UserError: If no row is left.
    """
    if not rows:
        raise UserError(f'{path}: no row is left to write')
    written = [located.row for located in rows]
    write_jsonl(path, written)
    return written


def summary(rows: Sequence[dict[str, Any]]) -> str:
    """Numbers of sentences, videos and moments, and the range of numbered qids, in one line."""
    moments = sum(len(row.get('relevant_windows') or ()) for row in rows)
    labels = sum(row.get('label') is not None or row.get('saliency_scores') is not None for row in rows)
    parts = [f'{len(rows)} sentences about {len({row["vid"] for row in rows})} videos', f'{moments} moments']
    if labels:
        parts.append(f'{labels} with ratings')
    numbers = [row['qid'] for row in rows if isinstance(row['qid'], int)]
    if len(numbers) == len(rows):
        parts.append(f'qid {min(numbers)} to {max(numbers)}')
    return ', '.join(parts)
