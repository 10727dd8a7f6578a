"""Convert ActivityNet-Captions, from its official JSON or from jsonl.

    python tools/dataset_converters/activitynet_captions.py train.json --fix --drop --out train.jsonl
    python tools/dataset_converters/activitynet_captions.py val_1.json --first-qid 37421 --out val.jsonl

The official form is {video: {duration, timestamps, sentences}}. A few of its windows end past the video or before they
start: without --fix and --drop they are named and nothing is written.
"""

from __future__ import annotations

import argparse
import sys

from mmvmr.cli.arguments import natural
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
        help='of the first sentence, as published: train 0, val_1 37421',
    )
    args = parser.parse_args(argv)

    def read(args: argparse.Namespace) -> list[LocatedRow]:
        return json_or_jsonl(args.source, numbered(args.first_qid))

    return run_converter(args, read)


if __name__ == '__main__':
    sys.exit(main())
