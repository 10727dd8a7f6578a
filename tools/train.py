"""Train a model.

    python tools/train.py configs/sa_detr/sa_detr_qvhl.py --cfg-options data_root=data/qvhighlights

Checkpoints, logs and the config go to the work dir; a run in an existing work dir adds its own time-stamped folder
and deletes nothing.
"""

from __future__ import annotations

import argparse

from mmengine.config import Config
from mmengine.runner import Runner

from mmvmr.utils.cli import (
    BUILD_ERRORS,
    RUN_ERRORS,
    enable_amp,
    one_line_errors,
    parse_run_args,
    resolve_resume,
    run_config,
)
from mmvmr.utils.setup import setup_env


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Train a model')
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='auto|PATH',
        help='continue from the latest checkpoint in the work dir, or from the given one',
    )
    parser.add_argument('--seed', type=int, help='seed of weights, data order, augmentation and dropout')
    parser.add_argument('--deterministic', action='store_true', help='deterministic algorithms on GPUs')
    return parse_run_args(parser)


def make_config(args: argparse.Namespace) -> Config:
    """The config with the command line applied.

    Args:
        args: The command line.

    Returns:
        What the runner is built from.
    """
    cfg = run_config(args)
    if args.amp:
        enable_amp(cfg)
    cfg.randomness = dict(cfg.get('randomness') or {})
    if args.seed is not None:
        cfg.randomness['seed'] = args.seed
    if args.deterministic:
        cfg.randomness['deterministic'] = True
    checkpoint = resolve_resume(args.resume, cfg.work_dir)
    if checkpoint is not None:
        cfg.resume, cfg.load_from = True, checkpoint
    elif args.resume:
        print(f'--resume auto: no checkpoint in {cfg.work_dir} yet, a new run starts', flush=True)
    return cfg


def main() -> None:
    """Entry point."""
    args = parse_args()
    with one_line_errors(*BUILD_ERRORS):
        cfg = make_config(args)
        setup_env(cfg, args.launcher)
        runner = Runner.from_cfg(cfg)
        _ = runner.train_loop, runner.val_loop  # builds the data sets, where most mistakes show
    with one_line_errors(*RUN_ERRORS):
        runner.train()


if __name__ == '__main__':
    main()
