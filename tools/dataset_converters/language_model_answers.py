"""Read the time spans in the answers of language models into a prediction file for mmvmr eval, compare and browse.

    python tools/dataset_converters/language_model_answers.py answers.jsonl --gt val.jsonl --out preds.jsonl

A line of answers.jsonl is {"qid": 17, "answer": "The event happens from 12.5 to 17.0 seconds."}. An answer that the
video has no such moment becomes an empty list. So does one that cannot be read, which is printed with its line, and
the exit status is 1. Spans outside of the video, unknown and repeated qids keep the file from being written, with
exit status 1; --fix cuts spans to the video and drops those that are outside or end before they start.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmvmr.preparation.converters.answers import read_answers
from mmvmr.preparation.converters.tool import WITH_ISSUES, print_lines
from mmvmr.utils.cli import UserError, one_line_errors
from mmvmr.utils.io import read_jsonl, write_jsonl
from mmvmr.utils.paths import refuse_own_input


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument('source', type=Path, help='jsonl file with qid and the text of the answer')
    parser.add_argument('--gt', type=Path, required=True, metavar='FILE', help='annotations of the same queries')
    parser.add_argument('--out', type=Path, required=True, metavar='FILE', help='prediction file to write')
    parser.add_argument('--key', default='answer', help='key of the text; default: %(default)s')
    parser.add_argument('--percent', action='store_true', help='numbers without a unit are percentages of the video')
    parser.add_argument('--fix', action='store_true', help='cut spans to the video or drop them, saying so per line')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Convert; see the module docstring."""
    args = parse_args(argv)
    with one_line_errors(OSError, ValueError):
        refuse_own_input(args.out, [args.source, args.gt])
        annotations = read_jsonl(args.gt)
        if lacking := sum('qid' not in row for row in annotations):
            raise UserError(f'{args.gt}: {lacking} of {len(annotations)} rows have no qid; give an annotation file')
        answers = read_answers(args.source, annotations, args.key, args.percent, args.fix)
        print_lines([*answers.notes, *answers.unreadable, *answers.issues])
        if answers.issues:
            print(f'{args.source}: {len(answers.issues)} issues, nothing written', file=sys.stderr)
            return WITH_ISSUES
        if not answers.rows:
            raise UserError(f'{args.source}: no answer in this file')
        write_jsonl(args.out, answers.rows)
    moments = sum(len(row['pred_relevant_windows']) for row in answers.rows)
    print(
        f'{args.out}: {len(answers.rows)} of {len(annotations)} queries, {moments} moments, {answers.nothing} answers '
        f'of no moment, {len(answers.unreadable)} unreadable, {len(answers.notes)} changes'
    )
    return WITH_ISSUES if answers.unreadable else 0


if __name__ == '__main__':
    sys.exit(main())
