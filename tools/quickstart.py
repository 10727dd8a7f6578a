"""Train SA-DETR on the embedded synthetic data, test the saved checkpoint, and draw what it learned.

python tools/quickstart.py --work-dir work_dirs/quickstart
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner
from terminaltables import AsciiTable

from mmvmr.utils import read_json
from mmvmr.utils.cli import BUILD_ERRORS, UserError, load_config, one_line_errors, write_predictions_to
from mmvmr.utils.setup import setup_env

CONFIG = Path(__file__).resolve().parent.parent / 'configs' / 'sa_detr' / 'sa_detr_synthetic.py'
SHOWN = ('MR-full-R1@0.5', 'MR-full-R1@0.7', 'MR-full-mIoU', 'MR-full-mAP', 'HL-min-VeryGood-mAP')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Train, test and draw, without any download')
    parser.add_argument('config', nargs='?', default=str(CONFIG))
    parser.add_argument('--work-dir', default='work_dirs/quickstart')
    parser.add_argument('--max-epochs', type=int, help='default: as in the config')
    return parser.parse_args()


def quiet(logger: logging.Logger) -> None:
    """Show progress on the screen; the log file still holds everything (environment, config, hooks)."""

    def short(record: logging.LogRecord) -> bool:
        text = record.getMessage()
        return '\n' not in text and (text.startswith('Epoch') or record.levelno > logging.WARNING)

    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            handler.addFilter(short)


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
    setup_env(cfg)
    cfg.log_level = 'ERROR'  # until the filter below is in place
    runner = Runner.from_cfg(cfg)
    quiet(runner.logger)
    runner.logger.setLevel(logging.INFO)
    for handler in runner.logger.handlers:
        handler.setLevel(logging.INFO)
    return runner


def train(config: str, work_dir: str, max_epochs: int | None) -> tuple[str, Path]:
    """Train and find what was saved.

    Args:
        config: The config file.
        work_dir: Where everything goes.
        max_epochs: Number of epochs; None for that of the config.

    Returns:
        The best checkpoint by the validation metric (else the last one) and the file of logged scalars.
    """
    runner = build(config, work_dir, train_cfg__max_epochs=max_epochs, default_hooks__logger__interval=5)
    count, epochs = len(runner.train_dataloader.dataset), runner.max_epochs
    print(f'Training {runner.model_name} on {count} synthetic queries for {epochs} epochs', flush=True)
    runner.train()
    hub = runner.message_hub.runtime_info
    checkpoint = hub.get('best_ckpt') or hub.get('last_ckpt')
    if not checkpoint:
        raise UserError('training saved no checkpoint: default_hooks.checkpoint is missing in the config')
    return checkpoint, Path(runner.log_dir) / 'vis_data' / 'scalars.json'


def test(config: str, work_dir: str, checkpoint: str) -> dict[str, Path]:
    """Test the saved checkpoint.

    Args:
        config: The config file.
        work_dir: Where everything goes.
        checkpoint: What to test.

    Returns:
        Names and paths of the files that were written.
    """
    folder = Path(work_dir)
    files = {
        'metrics': folder / 'metrics.json',
        'predictions': folder / 'predictions.jsonl',
        'predicted against true moments': folder / 'moments.png',
    }
    evaluator = write_predictions_to(load_config(config).test_evaluator, str(files['predictions']))
    print(f'Testing {checkpoint}', flush=True)
    build(
        config,
        work_dir,
        load_from=checkpoint,
        test_evaluator=evaluator,
        default_hooks__draw_moments=dict(type='DrawMomentsHook', out_dir=work_dir, limit=6),
    ).test()
    return files


def main() -> None:
    """Entry point."""
    args = parse_args()
    started = time.monotonic()
    with one_line_errors(*BUILD_ERRORS):
        checkpoint, scalars = train(args.config, args.work_dir, args.max_epochs)
        files = test(args.config, args.work_dir, checkpoint)
        from mmvmr.visualization import draw_training_curves

        files['training curves'] = Path(args.work_dir) / 'training_curves.png'
        draw_training_curves(scalars, files['training curves'])
    metrics = read_json(files['metrics'])['metrics']
    rows = [[name, f'{metrics[name]:.2f}'] for name in SHOWN if metrics.get(name) is not None]
    print(AsciiTable([['metric (held-out videos)', '%'], *rows]).table)
    for name, path in {'checkpoint': checkpoint, **files}.items():
        print(f'{name + ":":<32} {path}')
    print(f'{time.monotonic() - started:.0f} s')


if __name__ == '__main__':
    main()
