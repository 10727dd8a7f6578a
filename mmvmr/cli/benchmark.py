"""Measure speed and memory of answering sentences, with features at hand.

    mmvmr benchmark find
    mmvmr benchmark find --config qd_detr_qvhl --video holiday.mp4

Many sentences on one video, and one sentence on many videos, in sentences x videos per second, next to one forward
pass per pair in float32, as published scripts answer. Both take turns within one process, in processor time of one core
(on GPUs in wall time), so that a busy machine slows both. Features are random, weights of a config too: neither changes
the work. Then the peak memory of a process per length of the video, and with --video the start of `mmvmr find` with
features in the cache.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mmvmr.cli.arguments import positive
from mmvmr.cli.finder_arguments import add_finder_arguments, build_finder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('what', choices=['find'], help='what is measured')
    parser.add_argument('--config', metavar='NAME', help='a config, untrained; default: the zero-shot model')
    parser.add_argument(
        '--sentences', type=positive, nargs='+', default=[1000], metavar='N', help='on one video; default: 1000'
    )
    parser.add_argument('--videos', type=positive, default=1000, metavar='N', help='default: %(default)s')
    parser.add_argument('--seconds', type=float, default=150.0, help='length of a video; default: %(default)s')
    parser.add_argument('--rounds', type=positive, default=3, metavar='N', help='default: %(default)s')
    parser.add_argument(
        '--alone', type=positive, default=50, metavar='N', help='pairs per round that are answered one by one'
    )
    parser.add_argument(
        '--lengths', nargs='*', type=float, default=[600.0, 3600.0, 36000.0], metavar='SECONDS',
        help='lengths of the videos whose memory is measured; default: 10 minutes, 1 hour, 10 hours',
    )  # fmt: skip
    parser.add_argument('--video', type=Path, help='a video, for the start of `mmvmr find`')
    parser.add_argument('--out', metavar='JSON', help='write the figures to a file')
    parser.add_argument('--answer', type=Path, help=argparse.SUPPRESS)  # the process whose memory is measured
    add_finder_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Measure and print; see the module docstring."""
    import torch

    from mmvmr.apis import benchmark
    from mmvmr.utils.io import write_json

    torch.set_num_threads(1)
    options = {'device': args.device, 'window': args.window, 'half': args.half}
    finder = benchmark.config_finder(args.config, **options) if args.config else build_finder(args)
    if args.answer:
        write_json(args.out, {'peak_mb': benchmark.answer_folder(finder, args.answer)})
        return
    figures: dict[str, Any] = {'model': finder.file.name, 'device': str(finder.device), 'half': bool(args.half)}
    print(f'{finder.file.name} on {finder.device}, videos of {args.seconds:g} s')
    for sentences, videos in (*((number, 1) for number in args.sentences), (1, args.videos)):
        rates = benchmark.compare_speed(finder, sentences, videos, args.seconds, args.rounds, args.alone)
        figures[f'{sentences} x {videos}'] = vars(rates)
        print(
            f'{sentences} sentences x {videos} videos: {rates.together:.1f} per second, one pass per pair '
            f'{rates.apart:.1f}, ratio {rates.ratio:.1f}',
            flush=True,
        )
    for seconds in args.lengths:
        peak = benchmark.peak_memory(finder, seconds, model_options(args))
        figures[f'peak MB of {seconds:g} s'] = peak
        print(f'peak memory with {seconds:g} s of features: {peak:.0f} MB', flush=True)
    if args.video:
        processor, wall = benchmark.start_seconds(args.video, model_options(args, ('checkpoint', 'spec', 'device')))
        figures['start'] = {'processor_seconds': processor, 'wall_seconds': wall}
        print(f'mmvmr find with features in the cache: {processor:.2f} s of processor time, {wall:.2f} s in all')
    if args.out:
        write_json(args.out, figures)


def model_options(
    args: argparse.Namespace, names: tuple[str, ...] = ('config', 'checkpoint', 'spec', 'device', 'window')
) -> list[str]:
    """The options of a command line that choose the model, for another process."""
    given = [(name, getattr(args, name)) for name in names]
    words = [word for name, value in given if value is not None for word in (f'--{name}', str(value))]
    return words + ([] if args.half is None or 'config' not in names else ['--half' if args.half else '--no-half'])
