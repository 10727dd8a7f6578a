"""Parameters and GFLOPs of a config, for one video and one sentence.

    python tools/analysis_tools/get_flops.py CONFIG... [--clips 75] [--words 32] [--training] [--json]

Operations of matrix products and convolutions count two per multiply-add. ``--training`` counts a whole training step
(forward with negative pairs, backward) per sample instead of inference.
"""

from __future__ import annotations

import argparse
import json

import torch
from mmengine.config import Config
from terminaltables import AsciiTable

from mmvmr.cli.arguments import positive
from mmvmr.registry import MODELS
from mmvmr.utils.cli import BUILD_ERRORS, load_config, one_line_errors
from mmvmr.utils.complexity import count_flops, count_parameters, random_batch
from mmvmr.utils.config_check import named_arguments
from mmvmr.utils.setup import register_all_modules


def measure(cfg: Config, clips: int, words: int, training: bool) -> dict[str, float]:
    """Measure one config.

    Args:
        cfg: A config with ``model``.
        clips: Clips per video.
        words: Words per sentence.
        training: Count a training step instead of inference.

    Returns:
        ``parameters`` and ``gflops``.
    """
    torch.manual_seed(0)
    with named_arguments(cfg):
        model = MODELS.build(cfg.model)
    samples = 2 if training else 1  # a negative pair needs another video
    batch = model.data_preprocessor(random_batch(cfg.model, samples, clips, words, labelled=training))
    parameters = count_parameters(model)
    if training:
        flops = count_flops(lambda: sum(model.train()(**batch, mode='loss').values()).backward())
    else:
        model.requires_grad_(False)  # the counter of torch trips over views of parameters that enter a module
        with torch.no_grad():
            flops = count_flops(lambda: model.eval()(batch['inputs']))
    return {'parameters': parameters, 'gflops': flops / samples / 1e9}


def main() -> None:
    """Measure and print; see the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('configs', nargs='+', metavar='CONFIG')
    parser.add_argument('--clips', type=positive, default=75, help='clips per video (default: %(default)s)')
    parser.add_argument('--words', type=positive, default=32, help='words per sentence (default: %(default)s)')
    parser.add_argument('--training', action='store_true', help='a training step instead of inference')
    parser.add_argument('--json', action='store_true', help='print JSON')
    args = parser.parse_args()
    register_all_modules()
    results = {}
    with one_line_errors(*BUILD_ERRORS):
        for path in args.configs:
            results[path] = measure(load_config(path), args.clips, args.words, args.training)
    if args.json:
        print(json.dumps(results, indent=2))
        return
    rows = [[path, f'{r["parameters"]:,}', f'{r["gflops"]:.3f}'] for path, r in results.items()]
    what = 'GFLOPs per sample of a training step' if args.training else 'GFLOPs'
    print(AsciiTable([['config', 'parameters', what], *rows]).table)


if __name__ == '__main__':
    main()
