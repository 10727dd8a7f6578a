"""Convert TACoS, from the JSON that the authors of 2D-TAN share or from jsonl.

    python tools/dataset_converters/tacos.py train.json --out data/tacos/tacos_train_release.jsonl

The JSON form is {video.avi: {num_frames, fps, timestamps (frames), sentences}}. Sentences are counted in their video
(s17-d69_0), as in the jsonl that the authors of CG-DETR share.
"""

from __future__ import annotations

import argparse
import sys

from mmvmr.preparation.converters.by_video import by_name, json_or_jsonl
from mmvmr.preparation.converters.located import LocatedRow
from mmvmr.preparation.converters.tool import converter_parser, run_converter


def main(argv: list[str] | None = None) -> int:
    """Convert; see the module docstring."""
    args = converter_parser(__doc__, 'JSON or jsonl file of one split').parse_args(argv)

    def read(args: argparse.Namespace) -> list[LocatedRow]:
        return json_or_jsonl(args.source, by_name, suffix='.avi')

    return run_converter(args, read)


if __name__ == '__main__':
    sys.exit(main())
