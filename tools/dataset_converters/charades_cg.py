"""Convert Charades-CG, the novel-composition and novel-word splits of Charades-STA (Li et al., CVPR 2022).

    python tools/dataset_converters/charades_cg.py Charades-CG/novel_word.json --out data/charades_cg/novel_word.jsonl

Official files: train, test_trivial, novel_composition and novel_word .json, {video: {duration, timestamps, sentences}},
with lists of the new words (news) or compositions (novels), which rows keep. Sentences are named after the file and
counted (novel_word_0). Windows that end past the video stay as they are; the config cuts them.
"""

from __future__ import annotations

import argparse
import sys

from mmvmr.datasets.schema import Rules
from mmvmr.preparation.converters.by_video import json_or_jsonl, prefixed
from mmvmr.preparation.converters.located import LocatedRow
from mmvmr.preparation.converters.tool import converter_parser, run_converter


def main(argv: list[str] | None = None) -> int:
    """Convert; see the module docstring."""
    parser = converter_parser(__doc__, 'JSON file of one split')
    parser.add_argument('--prefix', help='name of the sentences before their number (default: name of the file)')
    args = parser.parse_args(argv)

    def read(args: argparse.Namespace) -> list[LocatedRow]:
        return json_or_jsonl(args.source, prefixed(args.prefix or args.source.stem), keep=('news', 'novels'))

    return run_converter(args, read, Rules(outside='clip'))


if __name__ == '__main__':
    sys.exit(main())
