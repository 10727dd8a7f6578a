"""Convert a checkpoint of a published implementation.

    python tools/model_converters/official_checkpoint.py METHOD SRC DST [--opt opt.json] [--config OUT.py]

SRC is an official ``.ckpt`` (its pickled options are read without running code) or a recorded ``state_dict.npz``. The
weights are loaded into the model that the options describe before DST is written, so that a file that appears fits.
``tools/test.py CONFIG DST`` then evaluates it; ``--config`` writes the model part of that config.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from pprint import pformat

import torch

import mmvmr
from mmvmr.conversion import METHODS
from mmvmr.conversion.checkpoints import read_official, read_options
from mmvmr.registry import MODELS
from mmvmr.utils import atomic_write
from mmvmr.utils.cli import UserError, one_line_errors
from mmvmr.utils.setup import register_all_modules


def convert(method_name: str, source: Path, options_file: Path | None) -> tuple[dict[str, torch.Tensor], dict]:
    """Read, rename and check the weights.

    Args:
        method_name: Name of the method.
        source: Official checkpoint.
        options_file: Official option file; None where the checkpoint holds its options.

    Returns:
        The state dict, and the model config that it fits.

    Raises:
        UserError: If no options are known.
    """
    method = METHODS[method_name]
    state, options = read_official(source)
    if options_file is not None:
        options = {**options, **read_options(options_file)}
    if not options:
        raise UserError(f'{source} holds no options: give the opt.json of the official run with --opt')
    try:
        config = method.model_config({**options, **method.hints(state)})
    except KeyError as error:
        raise UserError(f'the official options lack {error.args[0]!r}: give the complete opt.json with --opt') from None
    state = {key.removeprefix('module.'): value for key, value in state.items()}
    return method.load(MODELS.build(config), state), config.to_dict()


def main() -> None:
    """Run the conversion; see the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('method', choices=sorted(METHODS), help='the published implementation')
    parser.add_argument('source', type=Path, help='official checkpoint, or state_dict.npz')
    parser.add_argument('target', type=Path, help='where to write')
    parser.add_argument('--opt', type=Path, help='official option file (opt.json)')
    parser.add_argument('--config', type=Path, help='also write the model config that the options describe')
    args = parser.parse_args()
    register_all_modules()
    with one_line_errors(OSError, ValueError):
        state, config = convert(args.method, args.source, args.opt)
        meta = {'mmvmr_version': mmvmr.__version__, 'converted_from': args.method}
        with atomic_write(args.target) as temporary:
            torch.save({'state_dict': state, 'meta': meta}, temporary)
        if args.config is not None:
            with atomic_write(args.config) as temporary:
                temporary.write_text(f'model = {pformat(config, sort_dicts=False, width=118)}\n')
    count = sum(value.numel() for value in state.values())
    print(f'{args.target}: {len(state)} tensors, {count:,} parameters of {args.method}')


if __name__ == '__main__':
    main()
