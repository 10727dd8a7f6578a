"""Convert Charades-STA, from its original text form (VIDEO START END##SENTENCE) or from jsonl.

    python tools/dataset_converters/charades_sta.py train.txt --durations TABLE --out train.jsonl
    python tools/dataset_converters/charades_sta.py test.txt --durations TABLE --first-qid 12404 --out test.jsonl

The text does not say how long videos are: Charades' own tables do (Charades_v1_train.csv, column length). With them,
and numbers that start as above, the result is the jsonl that the authors of QD-DETR and CG-DETR share, in which windows
end with the video.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmvmr.cli.arguments import natural
from mmvmr.datasets.schema import Rules
from mmvmr.preparation.converters import jsonl_rows, read_durations, sentence_rows
from mmvmr.preparation.converters.located import LocatedRow
from mmvmr.preparation.converters.tool import converter_parser, run_converter
from mmvmr.utils.cli import UserError


def read(args: argparse.Namespace) -> list[LocatedRow]:
    """Read either form."""
    if args.source.suffix == '.jsonl':
        return jsonl_rows(args.source)
    if args.durations is None:
        raise UserError(f'{args.source}: the text form does not say how long videos are; give --durations TABLE')
    return sentence_rows(args.source, read_durations(args.durations), args.first_qid, not args.keep_ends)


def main(argv: list[str] | None = None) -> int:
    """Convert; see the module docstring."""
    parser = converter_parser(__doc__, 'text file or jsonl file')
    parser.add_argument('--durations', type=Path, metavar='TABLE', help='.csv, .json or .jsonl with lengths of videos')
    parser.add_argument('--keep-ends', action='store_true', help='leave windows of the text that end past the video')
    parser.add_argument(
        '--first-qid',
        type=natural,
        default=0,
        metavar='N',
        help='of the first sentence; as published: 0, test 12404',
    )
    args = parser.parse_args(argv)
    return run_converter(args, read, Rules(outside='clip' if args.keep_ends else 'error'))


if __name__ == '__main__':
    sys.exit(main())
