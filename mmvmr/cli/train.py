"""Train a model.

    mmvmr train sa_detr_qvhl --cfg-options data_root=data/qvhighlights
    mmvmr train my_config.py --work-dir runs/first --seed 1

Checkpoints, logs and the config go to the work dir. A folder that holds the checkpoints of an earlier run is refused,
unless the run is continued (--resume) or to be replaced (--overwrite).
"""

from __future__ import annotations

import argparse

from mmvmr.cli.arguments import add_config, add_run_arguments, natural

#: The training reports mistakes of the user itself; what else it raises is a bug, and keeps its traceback.
ERRORS = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_config(parser)
    work_dir = parser.add_mutually_exclusive_group()
    work_dir.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='auto|PATH',
        help='continue from the latest checkpoint in the work dir, or from the given one',
    )
    work_dir.add_argument(
        '--overwrite', action='store_true', help='remove the checkpoints of an earlier run in the work dir'
    )
    parser.add_argument(
        '--load-from-partial', action='store_true', help='with load_from: take the weights that fit, keep the others'
    )
    parser.add_argument('--seed', type=natural, help='seed of weights, data order, augmentation and dropout')
    parser.add_argument('--deterministic', action='store_true', help='deterministic algorithms on GPUs')
    add_run_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Train; see the module docstring."""
    from mmvmr.engine.run import run_training

    run_training(args)
