"""Fit a model without training: the baselines of configs/baselines, in seconds.

    mmvmr fit ridge_msrvtt_joined
    mmvmr test ridge_msrvtt_joined work_dirs/ridge_msrvtt_joined/fitted.pth

The checkpoint carries the feature specification, so that other features are refused, and what `mmvmr find` and `mmvmr
search` need to answer with it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmvmr.cli.arguments import add_config, add_config_options
from mmvmr.utils.errors import BUILD_ERRORS

ERRORS = BUILD_ERRORS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_config(parser)
    parser.add_argument('--out', type=Path, metavar='PTH', help='default: work_dirs/<name of the config>/fitted.pth')
    add_config_options(parser)


def run(args: argparse.Namespace) -> None:
    """Fit; see the module docstring."""
    import torch
    from mmengine.logging import MMLogger

    from mmvmr.engine.hooks.inference_spec_hook import longest_video, stated_extraction
    from mmvmr.registry import DATASETS, MODELS
    from mmvmr.utils import atomic_write
    from mmvmr.utils.cli import UserError, default_work_dir, load_config
    from mmvmr.utils.config_check import named_arguments
    from mmvmr.utils.inference_meta import inference_dataset, inference_meta
    from mmvmr.utils.setup import setup_env

    cfg = load_config(args.config, args.cfg_options)
    setup_env(cfg, 'none')
    with named_arguments(cfg):
        model = MODELS.build(cfg.model)
    if not hasattr(model, 'fit'):
        raise UserError(f'{args.config}: a {cfg.model.type} is trained, not fitted; use `mmvmr train`')
    with named_arguments(cfg):
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
    model.fit(dataset)
    out = args.out or Path(default_work_dir(args.config), 'fitted.pth')
    out.parent.mkdir(parents=True, exist_ok=True)
    meta = {'feature_spec': dataset.feature_spec.to_dict(), 'num_samples': len(dataset)}
    if (described := inference_dataset(cfg)) is not None:
        extraction = stated_extraction(cfg, MMLogger.get_current_instance())
        name = Path(args.config).stem
        meta['inference'] = inference_meta(cfg.model, described, extraction, longest_video(dataset), name)
    with atomic_write(out) as path:
        torch.save({'meta': meta, 'state_dict': model.state_dict()}, path)
    print(f'{out}: fitted on {len(dataset)} samples')
