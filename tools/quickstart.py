"""Train SA-DETR on the embedded synthetic data, test the saved checkpoint, and draw what it learned.

python tools/quickstart.py --work-dir work_dirs/quickstart
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from terminaltables import AsciiTable

from mmvmr.cli.arguments import natural
from mmvmr.engine import MomentRunner
from mmvmr.engine.run import prepared_test, prepared_training
from mmvmr.engine.run_folder import METRICS_FILE
from mmvmr.utils import read_json
from mmvmr.utils.cli import (
    BUILD_ERRORS,
    UserError,
    load_config,
    one_line_errors,
    write_predictions_to,
)
from mmvmr.utils.precision import settle_precision
from mmvmr.utils.setup import setup_env
from mmvmr.visualization import draw_training_curves

CONFIG = Path(__file__).resolve().parent.parent / 'configs' / 'sa_detr' / 'sa_detr_synthetic.py'
# Videos that had no part in training or in choosing the checkpoint; `_ood`: with the biases of training reversed.
TESTED = ('test', 'test_ood')
SHOWN = ('MR-full-R1@0.5', 'MR-full-R1@0.7', 'MR-full-mIoU', 'MR-full-mAP', 'HL-min-VeryGood-mAP')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Train, test and draw, without any download')
    parser.add_argument('config', nargs='?', default=str(CONFIG))
    parser.add_argument('--work-dir', default='work_dirs/quickstart')
    parser.add_argument('--max-epochs', type=int, help='default: as in the config')
    parser.add_argument('--overwrite', action='store_true', help='replace an earlier run in the work dir')
    parser.add_argument('--seed', type=natural, help='default: as in the config')
    parser.add_argument('--threads', type=int, default=1, help='CPU threads of torch (default: %(default)s)')
    return parser.parse_args()


class QuietRunner(MomentRunner):
    """A runner whose log file holds everything and whose screen shows progress only."""

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Build the logger; arguments as for ``mmengine.runner.Runner``."""
        logger = super().build_logger(*args, **kwargs)
        quiet(logger)
        return logger


class ShowValidation(Hook):
    """Prints one short line per validation; mmengine's own goes to the log file."""

    def after_val_epoch(self, runner: MomentRunner, metrics: dict[str, float] | None = None) -> None:
        """Print it.

        Args:
            runner: The runner.
            metrics: Of the validation.
        """
        known = {short(name): value for name, value in (metrics or {}).items() if name in SHOWN and value == value}
        values = '  '.join(f'{name} {value:.1f}' for name, value in known.items())
        print(f'Epoch {runner.epoch}/{runner.max_epochs} validation: {values}', flush=True)


def short(name: str) -> str:
    """A metric's name without the part that all shown ones share."""
    return name.removeprefix('MR-full-')


def quiet(logger: logging.Logger) -> None:
    """Show progress on the screen; the log file still holds everything (environment, config, hooks, dates)."""

    def wanted(record: logging.LogRecord) -> bool:
        text = record.getMessage()
        return '\n' not in text and (text.startswith('Epoch ') or record.levelno > logging.WARNING)

    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            handler.addFilter(wanted)
            handler.setFormatter(logging.Formatter('%(message)s'))


def make_config(config: str, work_dir: str, **changes: object) -> Config:
    """The config of a step.

    Args:
        config: The config file.
        work_dir: Where everything goes.
        **changes: Keys to merge into the config, dots written as two underscores.

    Returns:
        The config, ready for a runner.
    """
    options = {key.replace('__', '.'): value for key, value in changes.items()}
    cfg = load_config(config, {k: v for k, v in options.items() if v is not None})
    cfg.work_dir = work_dir
    setup_env(cfg)
    settle_precision(cfg, amp=True)
    return cfg


def train(args: argparse.Namespace) -> tuple[str, Path, int]:
    """Train and find what was saved.

    Args:
        args: The command line.

    Returns:
        The best checkpoint by the validation metric (else the last one), the file of logged scalars, and the number
        of iterations of an epoch.
    """
    cfg = make_config(args.config, args.work_dir, train_cfg__max_epochs=args.max_epochs, randomness__seed=args.seed)
    with prepared_training(cfg, overwrite=args.overwrite, runner_type=QuietRunner) as runner:
        runner.register_hook(ShowValidation())
        count, length = len(runner.train_dataloader.dataset), len(runner.train_dataloader)
        name = Path(args.config).stem
        print(f'Training {name} on {count} synthetic queries for {runner.max_epochs} epochs', flush=True)
        runner.train()
    hub = runner.message_hub.runtime_info
    checkpoint = hub.get('best_ckpt') or hub.get('last_ckpt')
    if not checkpoint:
        raise UserError('training saved no checkpoint: default_hooks.checkpoint is missing in the config')
    return checkpoint, Path(runner.log_dir) / 'vis_data' / 'scalars.json', length


def test(args: argparse.Namespace, checkpoint: str, split: str) -> dict[str, Path]:
    """Test the saved checkpoint on a split that had no part in choosing it.

    Args:
        args: The command line.
        checkpoint: What to test.
        split: Split of the synthetic data.

    Returns:
        Names and paths of the files that were written.
    """
    print(f'Testing {checkpoint} on {split}', flush=True)
    cfg = make_config(
        args.config,
        args.work_dir,
        randomness__seed=args.seed,  # for the record
        test_dataloader__dataset__split=split,
    )
    folder = Path(args.work_dir)
    prefix = '' if split == 'test' else f'{split}_'
    files = {
        'predictions': folder / f'{prefix}predictions.jsonl',
        'predicted against true moments': folder / f'{prefix}figures' / 'moments.png',
    }
    cfg.test_evaluator = write_predictions_to(cfg.test_evaluator, str(files['predictions']))
    cfg.default_hooks['draw_moments'] = dict(
        type='DrawMomentsHook', out_dir=str(files['predicted against true moments'].parent), limit=5, choice='spread'
    )
    with prepared_test(cfg, checkpoint, QuietRunner) as runner:
        runner.test()
    return {'metrics': Path(runner.work_dir) / METRICS_FILE, **files}


def table(files: dict[str, dict[str, Path]]) -> str:
    """The metrics of all tested splits.

    Args:
        files: Split to what was written for it.

    Returns:
        A table with one row per split.
    """
    found = {split: read_json(written['metrics']) for split, written in files.items()}
    names = [name for name in SHOWN if any(record['metrics'].get(name) is not None for record in found.values())]
    rows = []
    for record in found.values():
        values = (record['metrics'].get(name) for name in names)
        shown = ['-' if value is None else f'{value:.2f}' for value in values]
        rows.append([record['split'], str(record['num_queries']), *shown])
    return AsciiTable([['split', 'queries', *names], *rows]).table


def main() -> None:
    """Entry point."""
    args = parse_args()
    started = time.monotonic()
    # The model is so small that a second thread gains little, and loses much where anything else runs: every product
    # then waits for a thread that has no core.
    torch.set_num_threads(args.threads)
    with one_line_errors(*BUILD_ERRORS):
        checkpoint, scalars, length = train(args)
        files = {split: test(args, checkpoint, split) for split in TESTED}
        curves = Path(args.work_dir) / 'training_curves.png'
        draw_training_curves(scalars, curves, epoch_length=length)
    print(table(files))
    for name, path in {'checkpoint': checkpoint, **files['test'], 'training curves': curves}.items():
        print(f'{name + ":":<32} {path}')
    print(f'{time.monotonic() - started:.0f} s')


if __name__ == '__main__':
    main()
