"""Measure how often search ranks the right video first, on videos with one sentence each.

    python tools/analysis_tools/search_recall.py videos.jsonl features/conse_minilm_1fps features/minilm_tokens

The jsonl file has `vid` per line; the folders hold `{vid}.npz` with `features` (clips, dim) and `pooler_output` (dim,).
Videos are ranked as `mmvmr search` does; chance is printed too.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from mmvmr.search.ranking import mean_clip, video_scores
from mmvmr.utils import read_jsonl
from mmvmr.utils.cli import UserError, one_line_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('videos', type=Path, help='jsonl file with a video per line')
    parser.add_argument('clips', type=Path, help='folder of the features of videos')
    parser.add_argument('sentences', type=Path, help='folder of the features of sentences')
    parser.add_argument('--limit', type=int, metavar='N', help='use the first N videos only')
    return parser.parse_args(argv)


def recalls(ranks: np.ndarray, tops: tuple[int, ...] = (1, 5, 10)) -> dict[str, float]:
    """Recall at several depths and the median rank.

    Args:
        ranks: Videos ranked before the right one, per sentence.
        tops: The depths.

    Returns:
        Name to percent, and ``median rank`` counted from 1.
    """
    figures = {f'R@{top}': 100 * float(np.mean(ranks < top)) for top in tops}
    return {**figures, 'median rank': float(np.median(ranks)) + 1}


def main(argv: list[str] | None = None) -> int:
    """Measure; see the module docstring."""
    args = parse_args(argv)
    with one_line_errors(OSError, ValueError, KeyError):
        names = [str(row['vid']) for row in read_jsonl(args.videos, args.limit)]
        if not names:
            raise UserError(f'{args.videos}: no video in this file, expected one JSON object with "vid" per line')
        clips = {name: _array(args.clips, name, 'features') for name in names}
        mean = mean_clip(clips.items())
        ranks = []
        for name in names:
            scores = video_scores(_array(args.sentences, name, 'pooler_output'), clips.items(), mean)
            ranks.append(sum(score > scores[name] for score in scores.values()))
        for figure, value in recalls(np.array(ranks)).items():
            chance = f' (chance {100 * int(figure[2:]) / len(names):.2f})' if figure.startswith('R@') else ''
            print(f'{figure:<12} {value:6.2f}{chance}')
    return 0


def _array(folder: Path, name: str, key: str) -> np.ndarray:
    with np.load(folder / f'{name}.npz', allow_pickle=False) as holder:
        return holder[key].astype(np.float32)


if __name__ == '__main__':
    sys.exit(main())
