"""Test a checkpoint.

    python tools/test.py configs/sa_detr/sa_detr_qvhl.py CHECKPOINT --out preds.jsonl --show-dir figures

The metrics are printed and written to ``metrics.json`` in the work dir.
"""

from __future__ import annotations

import argparse

from mmengine.config import Config
from mmengine.runner import Runner

from mmvmr.utils.cli import (
    BUILD_ERRORS,
    RUN_ERRORS,
    enable_amp,
    existing_checkpoint,
    one_line_errors,
    parse_run_args,
    run_config,
    write_predictions_to,
)
from mmvmr.utils.setup import setup_env


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Test a checkpoint')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', metavar='JSONL', help='write the predictions in the published form')
    parser.add_argument('--show-dir', metavar='DIR', help='draw predicted against true moments of a few queries')
    return parse_run_args(parser)


def make_config(args: argparse.Namespace) -> Config:
    """The config with the command line applied.

    Args:
        args: The command line.

    Returns:
        What the runner is built from.
    """
    cfg = run_config(args)
    cfg.load_from, cfg.resume = existing_checkpoint(args.checkpoint), False
    # A test needs no training data; without this mmengine would want all of it to be there.
    for key in ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler'):
        cfg[key] = None
    for key in ('val_dataloader', 'val_cfg', 'val_evaluator'):
        cfg[key] = None
    if args.amp:
        enable_amp(cfg)
    if args.out:
        cfg.test_evaluator = write_predictions_to(cfg.test_evaluator, args.out)
    if args.show_dir:
        cfg.setdefault('default_hooks', {})
        cfg.default_hooks['draw_moments'] = dict(type='DrawMomentsHook', out_dir=args.show_dir)
    return cfg


def main() -> None:
    """Entry point."""
    args = parse_args()
    with one_line_errors(*BUILD_ERRORS):
        cfg = make_config(args)
        setup_env(cfg, args.launcher)
        runner = Runner.from_cfg(cfg)
        _ = runner.test_loop  # builds the data set, where most mistakes show
    with one_line_errors(*RUN_ERRORS):
        runner.test()


if __name__ == '__main__':
    main()
