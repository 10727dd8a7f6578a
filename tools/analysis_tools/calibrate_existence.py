"""Fit temperature and threshold of an existence head to a validation split, and store them in its checkpoint.

    python tools/analysis_tools/calibrate_existence.py preds.jsonl val.jsonl --checkpoint best.pth --out calibrated.pth

PREDS are the predictions of that checkpoint (MomentRetrievalMetric.outfile); GT may be several files, as ann_file. The
temperature minimises the log loss of the probabilities, the threshold balances the recalls of queries with and without
a moment. Without --checkpoint both are only printed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from mmvmr.evaluation.functional.calibration import calibrate
from mmvmr.utils.checkpoint import load_tensors
from mmvmr.utils.cli import UserError, one_line_errors
from mmvmr.utils.io import atomic_write, read_jsonl

KEYS = ('existence_head.temperature', 'existence_head.threshold')


def main(argv: list[str] | None = None) -> int:
    """Fit, print, write; see the module docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument('predictions', metavar='PREDS', help='jsonl with pred_exist_score')
    parser.add_argument('annotations', metavar='GT', nargs='+', help='jsonl with relevant_windows, [] for none')
    parser.add_argument('--checkpoint', type=Path, metavar='PTH', help='the checkpoint that made the predictions')
    parser.add_argument('--out', type=Path, metavar='PTH', help='calibrated checkpoint to write')
    args = parser.parse_args(argv)
    with one_line_errors(OSError, ValueError):
        if (args.checkpoint is None) != (args.out is None):
            raise UserError('give --checkpoint and --out together, or neither')
        checkpoint = None if args.checkpoint is None else _checkpoint(args.checkpoint)
        before = 1.0 if checkpoint is None else float(checkpoint['state_dict'][KEYS[0]])
        rows = [row for path in args.annotations for row in read_jsonl(path)]
        names = ' and '.join(args.annotations)
        fitted, losses = calibrate(read_jsonl(args.predictions), rows, before, args.predictions, names)
        print(f'temperature {fitted.temperature:.4f}, threshold {fitted.threshold:.4f}')
        print(f'log loss {losses["before"]:.4f} -> {losses["after"]:.4f}')
        if checkpoint is not None:
            values = (fitted.temperature, fitted.threshold)
            checkpoint['state_dict'].update({key: torch.tensor(value) for key, value in zip(KEYS, values)})
            with atomic_write(args.out) as path:
                torch.save(checkpoint, path)
            print(f'{args.out} written')
    return 0


def _checkpoint(path: Path) -> dict:
    checkpoint = load_tensors(path)
    state = checkpoint.get('state_dict') if isinstance(checkpoint, dict) else None
    if not isinstance(state, dict) or any(key not in state for key in KEYS):
        raise UserError(
            f'{path}: no existence head in this checkpoint (expected {" and ".join(KEYS)} in its state_dict)'
        )
    return checkpoint


if __name__ == '__main__':
    sys.exit(main())
