"""Train SA-DETR on the embedded synthetic data, test the saved checkpoint, and draw what it learned.

python tools/quickstart.py --work-dir work_dirs/quickstart
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import time
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from terminaltables import AsciiTable

from mmvmr.utils import read_json
from mmvmr.utils.cli import BUILD_ERRORS, UserError, enable_amp, load_config, one_line_errors, write_predictions_to
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
    parser.add_argument('--seed', type=int, help='default: as in the config')
    parser.add_argument('--threads', type=int, default=1, help='CPU threads of torch (default: %(default)s)')
    return parser.parse_args()


class QuietRunner(Runner):
    """A runner whose log file holds everything and whose screen shows progress alone."""

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Build the logger; arguments as for ``mmengine.runner.Runner``."""
        logger = super().build_logger(*args, **kwargs)
        quiet(logger)
        return logger

    def load_checkpoint(self, *args: Any, **kwargs: Any) -> Any:
        """Load; arguments as for ``mmengine.runner.Runner``, which prints what this tool says itself."""
        with contextlib.redirect_stdout(io.StringIO()):
            return super().load_checkpoint(*args, **kwargs)


class ShowValidation(Hook):
    """Prints one short line per validation; mmengine's own goes to the log file."""

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
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


def has_bf16() -> bool:
    """Whether bfloat16 is fast here: without instructions for it, a CPU is slower than in float32."""
    supported = getattr(torch.cpu, '_is_avx512_bf16_supported', lambda: False)
    return torch.cuda.is_available() or bool(supported())


def build(config: str, work_dir: str, **changes: object) -> Runner:
    """A runner that prints little.

    Args:
        config: The config file.
        work_dir: Where everything goes.
        **changes: Keys to merge into the config, dots written as two underscores.

    Returns:
        The runner.
    """
    options = {key.replace('__', '.'): value for key, value in changes.items()}
    cfg: Config = load_config(config, {k: v for k, v in options.items() if v is not None})
    cfg.work_dir = work_dir
    if has_bf16():
        enable_amp(cfg)
    setup_env(cfg)
    runner = QuietRunner.from_cfg(cfg)
    runner.register_hook(ShowValidation())
    return runner


def train(config: str, work_dir: str, max_epochs: int | None, seed: int | None) -> tuple[str, Path, int]:
    """Train and find what was saved.

    Args:
        config: The config file.
        work_dir: Where everything goes.
        max_epochs: Number of epochs; None for that of the config.
        seed: Random seed; None for that of the config.

    Returns:
        The best checkpoint by the validation metric (else the last one), the file of logged scalars, and the number
        of iterations of an epoch.
    """
    runner = build(config, work_dir, train_cfg__max_epochs=max_epochs, randomness__seed=seed)
    count, length = len(runner.train_dataloader.dataset), len(runner.train_dataloader)
    print(f'Training {Path(config).stem} on {count} synthetic queries for {runner.max_epochs} epochs', flush=True)
    runner.train()
    hub = runner.message_hub.runtime_info
    checkpoint = hub.get('best_ckpt') or hub.get('last_ckpt')
    if not checkpoint:
        raise UserError('training saved no checkpoint: default_hooks.checkpoint is missing in the config')
    return checkpoint, Path(runner.log_dir) / 'vis_data' / 'scalars.json', length


def test(config: str, work_dir: str, checkpoint: str, split: str, seed: int | None) -> dict[str, Path]:
    """Test the saved checkpoint on a split that had no part in choosing it.

    Args:
        config: The config file.
        work_dir: Where everything goes.
        checkpoint: What to test.
        split: Split of the synthetic data.
        seed: The seed of the training, for the record; None for that of the config.

    Returns:
        Names and paths of the files that were written.
    """
    folder = Path(work_dir) if split == 'test' else Path(work_dir) / split
    files = {
        'metrics': folder / 'metrics.json',
        'predictions': folder / 'predictions.jsonl',
        'predicted against true moments': folder / 'moments.png',
    }
    evaluator = write_predictions_to(load_config(config).test_evaluator, str(files['predictions']))
    print(f'Testing {checkpoint} on {split}', flush=True)
    build(
        config,
        str(folder),
        load_from=checkpoint,
        test_evaluator=evaluator,
        randomness__seed=seed,
        test_dataloader__dataset__split=split,
        default_hooks__draw_moments=dict(type='DrawMomentsHook', out_dir=str(folder), limit=5, choice='spread'),
    ).test()
    return files


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
        checkpoint, scalars, length = train(args.config, args.work_dir, args.max_epochs, args.seed)
        files = {split: test(args.config, args.work_dir, checkpoint, split, args.seed) for split in TESTED}
        curves = Path(args.work_dir) / 'training_curves.png'
        draw_training_curves(scalars, curves, epoch_length=length)
    print(table(files))
    for name, path in {'checkpoint': checkpoint, **files['test'], 'training curves': curves}.items():
        print(f'{name + ":":<32} {path}')
    print(f'{time.monotonic() - started:.0f} s')


if __name__ == '__main__':
    main()
