"""Sentences per second about one long video: a model that encodes the video once against one that does so every time.

    python tools/analysis_tools/benchmark_late_fusion.py CONFIG... [--minutes 10] [--queries 1 10 100]

Every config gets one video of random features, as many clips as its data set cuts a video of that length into, and so
many sentences in one batch: with ``video_index``, which a detector with late fusion uses and any other expands. Time is
that of the forward pass and the post-processing. All configs and numbers of sentences run in turn within one process,
round after round, so that a busy machine slows all of them the same; the median is given.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
from collections.abc import Callable
from typing import Any

import torch
from mmengine.config import Config
from terminaltables import AsciiTable

from mmvmr.registry import MODELS
from mmvmr.structures import MomentDataSample
from mmvmr.utils.cli import BUILD_ERRORS, load_config, one_line_errors
from mmvmr.utils.config_check import named_arguments
from mmvmr.utils.setup import register_all_modules
from mmvmr.utils.timing import step_seconds


def question(cfg: Config, queries: int, args: argparse.Namespace, device: torch.device) -> Callable[[], Any]:
    """Prepare the answer to a number of sentences about one video.

    Args:
        cfg: A config with ``model`` and data loaders.
        queries: Number of sentences.
        args: Sizes.
        device: Where it runs.

    Returns:
        A function that predicts.
    """
    torch.manual_seed(0)
    with named_arguments(cfg):
        model = MODELS.build(cfg.model).to(device).eval()
    clip_len = args.clip_len or cfg.test_dataloader.dataset.feature_spec.clip_len
    clips = round(args.minutes * 60 / clip_len)
    projector = cfg.model.projector
    inputs = {
        'video': torch.randn(1, clips, projector.video_dims),
        'video_mask': torch.ones(1, clips, dtype=torch.bool),
        'text': torch.randn(queries, args.words, projector.text_dims),
        'text_mask': torch.ones(queries, args.words, dtype=torch.bool),
        'video_index': torch.zeros(queries, dtype=torch.long),
    }
    inputs = {name: value.to(device) for name, value in inputs.items()}
    meta = {'duration': clips * clip_len, 'num_clips': clips, 'clip_len': clip_len}

    def answer() -> None:
        samples = [MomentDataSample(metainfo=meta) for _ in range(queries)]
        with torch.no_grad():
            model(inputs, samples, mode='predict')

    return answer


def main() -> None:
    """Run the benchmark; see the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('configs', nargs='+', metavar='CONFIG')
    parser.add_argument('--minutes', type=float, default=10, help='length of the video')
    parser.add_argument('--clip-len', type=float, help='seconds per clip; default: that of each config')
    parser.add_argument('--queries', type=int, nargs='+', default=[1, 10, 100], help='sentences at once')
    parser.add_argument('--words', type=int, default=20, help='words of a sentence')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--json', action='store_true', help='print JSON')
    args = parser.parse_args()
    register_all_modules()
    torch.set_num_threads(args.threads)
    device = torch.device(args.device)
    with one_line_errors(*BUILD_ERRORS):
        steps = {(path, n): question(load_config(path), n, args, device) for path in args.configs for n in args.queries}
    times: dict[Any, list[float]] = {key: [] for key in steps}
    for round_number in range(args.rounds + 1):
        for key, step in steps.items():
            seconds = step_seconds(step, device)
            if round_number:  # the first round warms up
                times[key].append(seconds)
    report(args, {key: statistics.median(values) for key, values in times.items()})


def report(args: argparse.Namespace, seconds: dict[Any, float]) -> None:
    """Print the medians.

    Args:
        args: What was asked for.
        seconds: Median time per config and number of sentences.
    """
    rows = [
        {
            'config': path,
            'sentences': queries,
            'seconds': round(value, 3),
            'sentences/s': round(queries / value, 2),
            'against the last config': round(seconds[args.configs[-1], queries] / value, 2),
        }
        for (path, queries), value in seconds.items()
    ]
    if args.json:
        print(json.dumps({'threads': args.threads, 'device': args.device, 'rows': rows}, indent=2))
        return
    clock = 'wall clock' if args.device == 'cuda' else 'processor time'
    print(f'one video of {args.minutes:g} minutes, {args.words} words, {args.threads} thread(s), {args.device}')
    print(f'({platform.machine()}, torch {torch.__version__}); median {clock} of {args.rounds} rounds')
    print(AsciiTable([list(rows[0]), *(list(row.values()) for row in rows)]).table)


if __name__ == '__main__':
    main()
