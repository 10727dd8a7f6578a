"""Write fixed joins of trimmed clips, to evaluate on, and the clips that are left to train with.

    python tools/dataset_converters/join_videos.py data/msrvtt_1k/train_videos.jsonl --hold-out 150 --out data/joined

CLIPS is a jsonl file with ``vid``, ``num_clips`` and ``query`` per line. Without ``--hold-out`` all clips are joined
into ``OUT/joined.jsonl``; with it that many random ones are, and the others go to ``OUT/clips.jsonl``, so that no clip
is in both. The data set ``JoinedVideos`` reads both files. The same seed writes the same files.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from mmvmr.cli.arguments import amount, natural
from mmvmr.datasets import SeededRng
from mmvmr.datasets.joined_rows import check_joinable, join_clips, read_clips
from mmvmr.utils import write_jsonl
from mmvmr.utils.cli import UserError, one_line_errors


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument('clips', type=Path, metavar='CLIPS', help='jsonl file of clips')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='folder to write into')
    parser.add_argument('--hold-out', type=int, metavar='N', help='join only N random clips (default: all)')
    parser.add_argument('--num-videos', type=int, default=5, help='parts of a join (default: %(default)s)')
    parser.add_argument('--joins', type=int, default=3, help='joins that ask for the same clip (default: %(default)s)')
    parser.add_argument('--clip-len', type=amount, default=1.0, help='seconds per feature (default: %(default)s)')
    parser.add_argument('--seed', type=natural, default=0)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = parse_args(argv)
    with one_line_errors(OSError, ValueError):
        if args.joins < 1 or args.clip_len <= 0:
            raise UserError(f'--joins {args.joins} --clip-len {args.clip_len}: expected positive numbers')
        clips = read_clips(args.clips)
        held = len(clips) if args.hold_out is None else args.hold_out
        if not 0 < held <= len(clips):
            raise UserError(f'--hold-out {held}: {args.clips} has {len(clips)} clips')
        order = np.random.default_rng(args.seed).permutation(len(clips))[:held].tolist()
        chosen = [clips[i] for i in sorted(order)]
        check_joinable(chosen, args.num_videos, args.clips)
        rows = []
        for index, clip in enumerate(chosen):
            for join in range(args.joins):
                rng = SeededRng(args.seed, join, index)
                rows.append(join_clips(chosen, index, args.num_videos, args.clip_len, f'{clip.vid}-{join}', rng))
        args.out.mkdir(parents=True, exist_ok=True)
        write_jsonl(args.out / 'joined.jsonl', rows)
        print(f'{args.out / "joined.jsonl"}: {len(rows)} joins of {len(chosen)} clips')
        if args.hold_out is not None:
            rest = [asdict(clip) for clip in clips if clip not in set(chosen)]
            write_jsonl(args.out / 'clips.jsonl', rest)
            print(f'{args.out / "clips.jsonl"}: {len(rest)} clips')
    return 0


if __name__ == '__main__':
    sys.exit(main())
