"""Split videos off training annotations, to choose on what is not the validation split.

    python tools/dataset_converters/hold_out_videos.py data/charades_clip/train.jsonl --videos 200 \
        --out data/charades_clip/dev

All sentences of a video stay together: those of random videos go to ``OUT/val.jsonl``, the others to
``OUT/train.jsonl``. The same seed writes the same files.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from mmvmr.cli.arguments import natural
from mmvmr.datasets import AnnotationReader
from mmvmr.utils import write_jsonl
from mmvmr.utils.cli import UserError, one_line_errors


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument('annotations', type=Path, metavar='JSONL', help='annotations of the training split')
    parser.add_argument('--videos', type=int, required=True, metavar='N', help='number of videos to split off')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='folder to write into')
    parser.add_argument('--seed', type=natural, default=0)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = parse_args(argv)
    with one_line_errors(OSError, ValueError):
        rows = AnnotationReader().read(args.annotations)
        vids = sorted({row['vid'] for row in rows})
        if not 0 < args.videos < len(vids):
            raise UserError(f'--videos {args.videos}: {args.annotations} has {len(vids)} videos, and some have to stay')
        random.Random(args.seed).shuffle(vids)
        held = set(vids[: args.videos])
        args.out.mkdir(parents=True, exist_ok=True)
        for name, part in (('train', False), ('val', True)):
            chosen = [row for row in rows if (row['vid'] in held) == part]
            write_jsonl(args.out / f'{name}.jsonl', chosen)
            print(f'{args.out / f"{name}.jsonl"}: {len(chosen)} sentences of {len({r["vid"] for r in chosen})} videos')
    return 0


if __name__ == '__main__':
    sys.exit(main())
