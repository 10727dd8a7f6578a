"""Convert a checkpoint of a published implementation.

    mmvmr convert qd_detr model_best.ckpt qd_detr.pth --opt opt.json --config qd_detr_model.py

SRC is an official .ckpt (its pickled options are read without running code) or a recorded state_dict.npz. The weights
are loaded into the model that the options describe before DST is written, so that a file that appears fits.
`mmvmr test CONFIG DST` then evaluates it; --config writes the model part of that config.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmvmr.cli.arguments import add_choice


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_choice(
        parser,
        'method',
        place='mmvmr.conversion:METHODS',
        metavar='METHOD',
        help='the published implementation, e.g. qd_detr; an unknown name lists all',
    )
    parser.add_argument('source', type=Path, metavar='SRC', help='official checkpoint, or state_dict.npz')
    parser.add_argument('target', type=Path, metavar='DST', help='where to write')
    parser.add_argument('--opt', type=Path, metavar='JSON', help='official option file (opt.json)')
    parser.add_argument(
        '--data',
        metavar='CONFIG',
        help='config of the data it was trained on, e.g. qd_detr_qvhl: `mmvmr find` needs it',
    )
    parser.add_argument('--config', type=Path, metavar='PY', help='also write the model config of the options')


def run(args: argparse.Namespace) -> None:
    """Convert; see the module docstring."""
    from mmvmr.conversion.convert import convert_file

    state = convert_file(args.method, args.source, args.target, args.opt, args.config, args.data)
    count = sum(value.numel() for value in state.values())
    print(f'{args.target}: {len(state)} tensors, {count:,} parameters of {args.method}')
