"""Fit a model without training: the baselines of configs/baselines, in seconds.

    python tools/fit.py configs/baselines/ridge_msrvtt_joined.py
    python tools/test.py configs/baselines/ridge_msrvtt_joined.py work_dirs/ridge_msrvtt_joined/fitted.pth

The checkpoint carries the feature specification, so that other features are refused.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import DictAction

from mmvmr.registry import DATASETS, MODELS
from mmvmr.utils import atomic_write
from mmvmr.utils.cli import BUILD_ERRORS, UserError, default_work_dir, load_config, one_line_errors
from mmvmr.utils.setup import setup_env


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('--out', type=Path, metavar='PTH', help='default: work_dirs/<name of the config>/fitted.pth')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='change the config')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = parse_args(argv)
    with one_line_errors(*BUILD_ERRORS):
        cfg = load_config(args.config, args.cfg_options)
        setup_env(cfg, 'none')
        model = MODELS.build(cfg.model)
        if not hasattr(model, 'fit'):
            raise UserError(f'{args.config}: a {cfg.model.type} is trained, not fitted; use tools/train.py')
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
        model.fit(dataset)
        out = args.out or Path(default_work_dir(args.config), 'fitted.pth')
        out.parent.mkdir(parents=True, exist_ok=True)
        meta = {'feature_spec': dataset.feature_spec.to_dict(), 'num_samples': len(dataset)}
        with atomic_write(out) as path:
            torch.save({'meta': meta, 'state_dict': model.state_dict()}, path)
        print(f'{out}: fitted on {len(dataset)} samples')
    return 0


if __name__ == '__main__':
    sys.exit(main())
