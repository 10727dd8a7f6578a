"""Export a trained model as an ONNX file, which `mmvmr find` runs with onnxruntime.

    mmvmr export qd_detr.pth qd_detr.onnx
    mmvmr export qd_detr.pth qd_detr_int8.onnx --int8 --compare qd_detr_clip_charades
    mmvmr find holiday.mp4 "a dog jumps into the water" --checkpoint qd_detr_int8.onnx

The file holds the stages of the model, for any number of pairs, clips and text tokens, and says how features
are made, as the checkpoint does. --int8 multiplies matrices in 8 bits. --compare tests both on the test split
of a config, and times them in turn. Needs `pip install onnxruntime onnxscript`; to find, onnxruntime is enough.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmvmr.cli.arguments import add_config_options
from mmvmr.utils.errors import BUILD_ERRORS, UserError

ERRORS = (*BUILD_ERRORS, RuntimeError)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('checkpoint', type=Path, metavar='PTH', help='checkpoint that mmvmr wrote')
    parser.add_argument('target', type=Path, metavar='ONNX', help='where to write')
    parser.add_argument('--int8', action='store_true', help='matrix products in 8 bits (dynamic quantisation)')
    parser.add_argument('--compare', metavar='CONFIG', help='test the checkpoint and the file on the test split of it')
    add_config_options(parser, 'the config of --compare')


def run(args: argparse.Namespace) -> None:
    """Export; see the module docstring."""
    from mmvmr.apis.model_files import build_model_file, checkpoint_entry
    from mmvmr.apis.onnx_model import export_onnx, read_onnx
    from mmvmr.utils.cli import load_config
    from mmvmr.utils.setup import apply_data_root, check_data_roots, register_all_modules

    register_all_modules()
    if args.target.suffix != '.onnx':
        raise UserError(f'{args.target}: expected a name that ends in .onnx, by which `mmvmr find` knows the file')
    if not args.target.parent.is_dir():
        raise UserError(f'{args.target}: there is no folder {args.target.parent}; make it first')
    if args.cfg_options and not args.compare:
        raise UserError('--cfg-options changes the config of --compare, which was not given')
    if args.compare:
        cfg = load_config(args.compare, args.cfg_options)
        apply_data_root(cfg)
        check_data_roots(cfg)
    entry, state = checkpoint_entry(args.checkpoint)
    model = build_model_file(entry, state, args.checkpoint).model
    difference = export_onnx(model, entry, args.target, args.int8)
    sizes = [path.stat().st_size / 1e6 for path in (args.checkpoint, args.target)]
    print(
        f'{args.target}: {sizes[1]:.1f} MB (checkpoint {sizes[0]:.1f} MB); '
        f'outputs on random inputs differ by at most {difference:.2g}'
    )
    if args.compare:
        from mmvmr.apis.onnx_comparison import compare_models

        models = {args.checkpoint.name: model, args.target.name: read_onnx(args.target)[1]}
        print(compare_models(models, cfg))
