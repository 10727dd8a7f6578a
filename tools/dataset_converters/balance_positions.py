"""Write a part of a split on which the positions of training moments help less.

    python tools/dataset_converters/balance_positions.py data/charades_clip/train.jsonl data/charades_clip/val.jsonl \
        --out data/charades_clip/val_balanced.jsonl

The fixed windows that cover most moments of TRAIN are what a model can answer without looking. Queries are left out at
random until each of them is right (IoU 0.5) at most half as often as the best of them is on SPLIT. Rows are those of
SPLIT, in its order; the same seed writes the same file. Compare methods on both: one that looks loses little.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmvmr.cli.arguments import natural
from mmvmr.datasets import AnnotationReader
from mmvmr.models.similarity import PositionPrior
from mmvmr.structures import pairwise_iou, to_start_end
from mmvmr.utils import write_jsonl
from mmvmr.utils.cli import UserError, one_line_errors


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument('train', type=Path, metavar='TRAIN', help='annotations that positions are learned from')
    parser.add_argument('split', type=Path, metavar='SPLIT', help='annotations to draw from')
    parser.add_argument('--out', type=Path, required=True, metavar='JSONL', help='file to write')
    parser.add_argument(
        '--share', type=float, default=0.5, help='of what the best window reaches (default: %(default)s)'
    )
    parser.add_argument('--count', type=int, default=10, help='number of fixed windows (default: %(default)s)')
    parser.add_argument('--seed', type=natural, default=0)
    return parser.parse_args(argv)


def moments(rows: Sequence[dict[str, Any]], path: Path) -> np.ndarray:
    """Normalised (start, end) of the first moment of every row (N, 2).

    Args:
        rows: Annotation rows.
        path: The file they come from, for the message.

    Raises:
        UserError: If a row has no moment.
    """
    if bare := [row['qid'] for row in rows if not row.get('relevant_windows')]:
        raise UserError(f'{path}: qid {bare[0]!r} has no moment ({len(bare)} of {len(rows)} rows); leave such rows out')
    return np.array([np.array(row['relevant_windows'][0]) / row['duration'] for row in rows])


def choose(hits: np.ndarray, share: float, seed: int) -> list[int]:
    """Leave out queries that fixed windows answer, each time one of the window that answers most.

    Args:
        hits: Which window is right for which query (K, N), the best of training first.
        share: The largest part of the rate of the first window that any window may have left.
        seed: Seed of the order in which queries are left out.

    Returns:
        Indices of the queries that are kept, in order.
    """
    most = share * hits[0].mean()
    kept = np.ones(hits.shape[1], dtype=bool)
    counts = hits.sum(1)
    left = [[i for i in np.random.default_rng(seed).permutation(hits.shape[1]) if row[i]] for row in hits]
    while kept.any() and counts.max() > most * kept.sum():
        index = next(i for i in left[counts.argmax()] if kept[i])
        kept[index] = False
        counts = counts - hits[:, index]
    return np.flatnonzero(kept).tolist()


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = parse_args(argv)
    with one_line_errors(OSError, ValueError):
        if not 0 < args.share < 1 or args.count < 1:
            raise UserError(f'--share {args.share} --count {args.count}: expected a part below 1 and a positive number')
        if args.out.exists() and any(args.out.samefile(path) for path in (args.train, args.split) if path.exists()):
            raise UserError(f'--out {args.out} is an input, which is never changed; give another file')
        reader = AnnotationReader()
        train, rows = reader.read(args.train), reader.read(args.split)
        spans = moments(rows, args.split)
        windows, _ = PositionPrior(count=args.count).cover(torch.from_numpy(moments(train, args.train)).float())
        windows = to_start_end(windows)
        hits = (pairwise_iou(windows, torch.from_numpy(spans).float()) >= 0.5).numpy()
        if not hits[0].any():
            raise UserError(f'{args.split}: the best window of {args.train} is never right here: positions are no help')
        kept = choose(hits, args.share, args.seed)
        if not kept:
            raise UserError(f'{args.split}: no query is left; use a larger --share or a smaller --count')
        write_jsonl(args.out, [rows[i] for i in kept])
        start, end = windows[0].tolist()
        best, found = (f'{100 * part:.2f}' for part in (hits[0].mean(), hits[0, kept].mean()))
        most, left = (f'{100 * part:.2f}' for part in (hits.mean(1).max(), hits[:, kept].mean(1).max()))
        print(f'{args.out}: {len(kept)} of {len(rows)} queries')
        print(f'R1@0.5 of the best window ({start:.3f} to {end:.3f} of the video): {best} before, {found} now')
        print(f'R1@0.5 of any of {len(hits)} windows, at most: {most} before, {left} now')
    return 0


if __name__ == '__main__':
    sys.exit(main())
