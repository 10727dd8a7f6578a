"""Measure speed and memory, as ratios of what takes turns within one process.

    mmvmr benchmark find --model qd_detr_qvhl qd.pth zero-shot --sentences 1 10 100 1000 --videos 100 1000
    mmvmr benchmark gpu --out report.md --train qd_detr_clip_charades
    mmvmr benchmark long --model qd_detr_qvhl --clips 75 750 7500 36000 --sentences 1 10 100

``find``: sentences x videos per second with features at hand, next to one forward pass per pair in float32, as
published scripts answer (through the same model, or that of --against), in processor time of one core (on GPUs in
wall time); and with --video the start of `mmvmr find` with features in the cache. ``long``: time and peak memory of a
process per length of the video. ``gpu``: training steps in float32, TF32, bfloat16 and compiled, use of the GPU, the
largest batch, and a whole training by the clock.
Features are random, weights of a config too: neither changes the work.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmvmr.cli.arguments import positive

if TYPE_CHECKING:
    from mmvmr.apis import MomentFinder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    kinds = parser.add_subparsers(dest='what', required=True, metavar='WHAT')
    _add_find(kinds.add_parser('find', help='sentences x videos per second', allow_abbrev=False))
    _add_long(kinds.add_parser('long', help='time and memory by length of the video', allow_abbrev=False))
    _add_gpu(kinds.add_parser('gpu', help='training steps', allow_abbrev=False))


def _add_find(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(measure=measure_find)
    parser.add_argument(
        '--sentences', type=positive, nargs='*', default=[1, 10, 100, 1000], metavar='N',
        help='on one video; default: 1 10 100 1000',
    )  # fmt: skip
    parser.add_argument(
        '--videos', type=positive, nargs='*', default=[100, 1000], metavar='N',
        help='under one sentence; default: 100 1000',
    )  # fmt: skip
    parser.add_argument('--seconds', type=float, default=150.0, help='length of a video; default: %(default)s')
    parser.add_argument(
        '--alone', type=positive, default=50, metavar='N', help='pairs per round that are answered one by one'
    )
    parser.add_argument(
        '--against', metavar='NAME',
        help='this model answers one by one, e.g. the torch model of an exported one; default: each model itself',
    )  # fmt: skip
    parser.add_argument(
        '--video',
        type=Path,
        help='a video, for the start of `mmvmr find` with the first model, zero-shot or a checkpoint',
    )
    _add_model(parser)


def _add_long(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(measure=measure_long)
    parser.add_argument(
        '--clips', type=positive, nargs='+', default=[75, 750, 7500, 36000], metavar='N',
        help='of the video; default: 75 750 7500 36000',
    )  # fmt: skip
    parser.add_argument(
        '--sentences', type=positive, nargs='+', default=[1, 10, 100], metavar='N', help='default: 1 10 100'
    )
    parser.add_argument('--answer', type=Path, help=argparse.SUPPRESS)  # the process whose memory is measured
    _add_model(parser)


def _add_gpu(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(measure=measure_gpu)
    models = ['qd_detr_qvhl', 'sa_detr_qvhl', 'td+qd_detr_qvhl']
    parser.add_argument('--model', nargs='+', metavar='CONFIG', default=models, help=f'default: {" ".join(models)}')
    parser.add_argument(
        '--modes', nargs='+', metavar='MODE', choices=('float32', 'tf32', 'bf16', 'bf16 compiled'),
        default=['float32', 'tf32', 'bf16', 'bf16 compiled'],
        help="of float32, tf32, bf16, 'bf16 compiled'; default: all",
    )  # fmt: skip
    for name, size, what in (('batch', 32, 'samples'), ('clips', 75, 'of a video'), ('words', 20, 'of a sentence')):
        parser.add_argument(f'--{name}', type=positive, default=size, metavar='N', help=f'{what}; default: %(default)s')
    parser.add_argument('--rounds', type=positive, default=20, metavar='N', help='default: %(default)s')
    parser.add_argument(
        '--most-batch', type=int, default=65536, metavar='N', help='end of the search for the largest batch; 0: none'
    )
    parser.add_argument('--train', metavar='CONFIG', help='also train this config from start to end')
    parser.add_argument(
        '--train-options', nargs=argparse.REMAINDER, default=[], help='what follows is for `mmvmr train`; last'
    )
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda:0, ...; default: %(default)s')
    parser.add_argument('--out', metavar='MD', help='write the page to a file')


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--model',
        nargs='+',
        metavar='NAME',
        default=['zero-shot'],
        help='configs (untrained), checkpoints or zero-shot',
    )
    parser.add_argument('--rounds', type=positive, default=3, metavar='N', help='default: %(default)s')
    parser.add_argument('--out', metavar='JSON', help='write the figures to a file')
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda:0, ...; default: %(default)s')
    parser.add_argument('--window', type=float, metavar='SECONDS', help='cut longer videos into windows of this length')
    parser.add_argument('--half', action=argparse.BooleanOptionalAction, help='half precision; default: on GPUs only')


def run(args: argparse.Namespace) -> None:
    """Measure and print; see the module docstring."""
    import torch

    from mmvmr.utils.io import atomic_write, write_json

    torch.set_num_threads(1)
    figures = args.measure(args)
    if args.what == 'gpu':
        print(figures)
        if args.out:
            with atomic_write(args.out) as path:
                path.write_text(figures, encoding='utf-8')
    elif args.out:
        write_json(args.out, figures)


def finders(args: argparse.Namespace) -> dict[str, MomentFinder]:
    """The models of a command line, by the names that they have there."""
    from mmvmr.apis.benchmark import named_finder

    return {name: named_finder(name, **finder_options(args)) for name in args.model}


def finder_options(args: argparse.Namespace) -> dict[str, Any]:
    """Options of a command line that hold for every model."""
    return {'device': args.device, 'window': args.window, 'half': args.half}


def measure_find(args: argparse.Namespace) -> dict[str, Any]:
    """Speed of all models, and the start of `mmvmr find`."""
    import torch

    from mmvmr.apis import benchmark

    models = finders(args)
    against = benchmark.named_finder(args.against, **finder_options(args)) if args.against else None
    print(f'videos of {args.seconds:g} s, {args.alone} pairs one by one, torch {torch.__version__}')
    print('| model | sentences x videos | per second | one pass per pair | ratio | fewer operations |', flush=True)
    print('|---|---|---|---|---|---|', flush=True)
    figures: dict[str, Any] = {}
    for sentences, videos in (*((number, 1) for number in args.sentences), *((1, number) for number in args.videos)):
        works = {
            name: benchmark.workload(finder, sentences, videos, args.seconds, args.alone, against)
            for name, finder in models.items()
        }
        for work in works.values():
            work.count()
        benchmark.take_turns(works, next(iter(models.values())).device, args.rounds)
        for name, work in works.items():
            together, apart, ratio = work.rates()
            figures[f'{name}: {sentences} x {videos}'] = {
                'together': together, 'apart': apart, 'ratio': ratio, 'operations': work.operations
            }  # fmt: skip
            saved = '-' if math.isnan(work.operations) else f'{1 / work.operations:.2f}'
            words = f'{sentences} x {videos}', f'{together:.1f}', f'{apart:.1f}', f'{ratio:.1f}', saved
            print(f'| {name} | {" | ".join(words)} |', flush=True)
    if args.video:
        trained = [] if args.model == ['zero-shot'] else ['--checkpoint', args.model[0]]
        options = [*trained, '--device', args.device]
        processor, wall = benchmark.start_seconds(args.video, options)
        figures['start'] = {'processor_seconds': processor, 'wall_seconds': wall}
        print(f'mmvmr find with features in the cache: {processor:.2f} s of processor time, {wall:.2f} s in all')
    return figures


def measure_long(args: argparse.Namespace) -> dict[str, Any]:
    """Time and peak memory by length of the video and number of sentences."""
    from mmvmr.apis import benchmark_long

    models = finders(args)
    if args.answer:
        finder = next(iter(models.values()))
        return benchmark_long.answer_folder(finder, args.answer, args.sentences[0], args.rounds)
    print('| model | clips | sentences | seconds | seconds per 1,000 clips and sentence | peak MB |')
    print('|---|---|---|---|---|---|', flush=True)
    figures = {}
    for name, finder in models.items():
        options = ['--model', name, *model_options(args)]
        for clips in args.clips:
            for sentences in args.sentences:
                seconds, peak = benchmark_long.long_video(finder, clips, sentences, args.rounds, options)
                figures[f'{name}: {clips} x {sentences}'] = {'seconds': seconds, 'peak_mb': peak}
                each = 1000 * seconds / clips / sentences
                print(f'| {name} | {clips:,} | {sentences:,} | {seconds:.3f} | {each:.4f} | {peak:.0f} |', flush=True)
    return figures


def measure_gpu(args: argparse.Namespace) -> str:
    """The page of training steps."""
    from mmvmr.engine.step_report import step_report
    from mmvmr.utils.devices import usable_device

    return step_report(args, usable_device(args.device))


def model_options(args: argparse.Namespace) -> list[str]:
    """The options that say how models run, for another process."""
    words = ['--device', args.device]
    words += [] if args.window is None else ['--window', str(args.window)]
    return words + ([] if args.half is None else ['--half' if args.half else '--no-half'])
