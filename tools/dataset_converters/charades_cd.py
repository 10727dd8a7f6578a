"""Convert Charades-CD (changed distributions): train, val, test_iid, test_ood, from JSON or from jsonl.

    python tools/dataset_converters/charades_cd.py test_ood.json --first-qid 12753 --out test_ood.jsonl

The JSON form of its authors is {video: {duration, timestamps, sentences}}; the authors of BM-DETR share jsonl. Windows
that end past the video stay as they are, as in the published jsonl; the config cuts them.
"""

from __future__ import annotations

import argparse
import sys

from mmvmr.cli.arguments import natural
from mmvmr.datasets.schema import Rules
from mmvmr.preparation.converters.by_video import json_or_jsonl, numbered
from mmvmr.preparation.converters.located import LocatedRow
from mmvmr.preparation.converters.tool import converter_parser, run_converter


def main(argv: list[str] | None = None) -> int:
    """Convert; see the module docstring."""
    parser = converter_parser(__doc__, 'JSON or jsonl file of one split')
    parser.add_argument(
        '--first-qid',
        type=natural,
        default=0,
        metavar='N',
        help='of the first sentence, as published: train 0, val 11071, test_iid 11930, test_ood 12753',
    )
    args = parser.parse_args(argv)

    def read(args: argparse.Namespace) -> list[LocatedRow]:
        return json_or_jsonl(args.source, numbered(args.first_qid))

    return run_converter(args, read, Rules(outside='clip'))


if __name__ == '__main__':
    sys.exit(main())
