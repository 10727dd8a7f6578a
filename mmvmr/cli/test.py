"""Test a checkpoint.

    mmvmr test sa_detr_qvhl CHECKPOINT --out preds.jsonl --show-dir figures
    mmvmr test sa_detr_qvhl CHECKPOINT --page worst.html --show worst --videos videos

The metrics are printed and written to test/CHECKPOINT-SPLIT/metrics.json in the work dir; a test of the same checkpoint
and split gets its own folder (-2, ...).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmvmr.cli.arguments import add_config, add_page_arguments, add_run_arguments, page_options

if TYPE_CHECKING:
    from mmvmr.engine.runner import MomentRunner

#: The test reports mistakes of the user itself; what else it raises is a bug, and keeps its traceback.
ERRORS = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_config(parser)
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', metavar='JSONL', help='write the predictions in the published form')
    parser.add_argument('--show-dir', metavar='DIR', help='draw predicted against true moments of a few queries')
    add_page_arguments(parser)
    add_run_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Test; see the module docstring."""
    from mmengine.dist import is_main_process

    from mmvmr.engine.run import run_test
    from mmvmr.utils.errors import one_line_errors

    with tempfile.TemporaryDirectory() as folder:
        with one_line_errors(OSError, ValueError):
            options = page_options(args)
        if args.page and not args.out:
            args.out = str(Path(folder, 'predictions.jsonl'))
        runner = run_test(args)
        if args.page and is_main_process():
            with one_line_errors(OSError, ValueError):
                print(f'wrote {write_test_page(args, runner, options)}')


def write_test_page(args: argparse.Namespace, runner: MomentRunner, options: dict[str, Any]) -> Path:
    """Write the page of a test.

    Args:
        args: The command line; ``out`` has the predictions.
        runner: The runner after its test.
        options: See :func:`mmvmr.cli.arguments.page_options`.
    """
    from mmvmr.report import write_prediction_report
    from mmvmr.utils.io import read_jsonl

    predictions = read_jsonl(args.out)
    qids = {row['qid'] for row in predictions}
    rows = {row['qid']: row for row in runner.test_dataloader.dataset.rows if row['qid'] in qids}
    protocol = next(metric.protocol for metric in runner.test_evaluator.metrics if getattr(metric, 'outfile', None))
    models = {Path(args.checkpoint).stem: predictions}
    title = f'{Path(args.config).stem}: test'
    return write_prediction_report(models, [*rows.values()], args.page, protocol, title, **options)
