"""Convert the natural language queries of Ego4D.

    python tools/dataset_converters/ego4d_nlq.py nlq_train.json --out data/ego4d_nlq/nlq_train.jsonl

Official files: nlq_train.json, nlq_val.json, nlq_test_unannotated.json. A video is a clip of theirs, which is what
features are made of, and sentences are named after annotation and number (ANNOTATION_0). Sentences that were never
written are left out; so are moments without length, which nothing can predict, unless --widen gives them one.
"""

from __future__ import annotations

import argparse
import sys

from mmvmr.cli.arguments import amount
from mmvmr.datasets.schema import Rules
from mmvmr.preparation.converters import nlq_rows
from mmvmr.preparation.converters.located import LocatedRow
from mmvmr.preparation.converters.tool import converter_parser, run_converter


def read(args: argparse.Namespace) -> list[LocatedRow]:
    """Read, and say what is left out."""
    rows, left_out = nlq_rows(args.source, args.widen)
    print(f'{args.source}: left out {left_out["empty"]} without a sentence, {left_out["pointlike"]} without length')
    return rows


def main(argv: list[str] | None = None) -> int:
    """Convert; see the module docstring."""
    parser = converter_parser(__doc__, 'JSON file of one split')
    parser.add_argument('--widen', type=amount, default=0.0, metavar='S', help='seconds of moments without length')
    return run_converter(parser.parse_args(argv), read, Rules(outside='clip'))


if __name__ == '__main__':
    sys.exit(main())
