"""Test a checkpoint.

    mmvmr test sa_detr_qvhl CHECKPOINT --out preds.jsonl --show-dir figures

The metrics are printed and written to test/CHECKPOINT-SPLIT/metrics.json in the work dir; a test of the same checkpoint
and split gets its own folder (-2, ...).
"""

from __future__ import annotations

import argparse

from mmvmr.cli.arguments import add_config, add_run_arguments

#: The test reports mistakes of the user itself; what else it raises is a bug, and keeps its traceback.
ERRORS = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_config(parser)
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', metavar='JSONL', help='write the predictions in the published form')
    parser.add_argument('--show-dir', metavar='DIR', help='draw predicted against true moments of a few queries')
    add_run_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Test; see the module docstring."""
    from mmvmr.engine.run import run_test

    run_test(args)
