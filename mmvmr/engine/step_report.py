"""Training steps of configs in several precisions, largest batches and a whole training, as one page."""

from __future__ import annotations

import argparse
import contextlib
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from tabulate import tabulate

from mmvmr.engine.training_step import peak_bytes, training_step
from mmvmr.utils.config import read_config
from mmvmr.utils.setup import register_all_modules
from mmvmr.utils.timing import run_child, step_seconds
from mmvmr.version import __version__

#: How a step can run: whether TF32, bfloat16 and torch.compile are on.
MODES = {
    'float32': (False, False, False),
    'tf32': (True, False, False),
    'bf16': (True, True, False),
    'bf16 compiled': (True, True, True),
}


@contextlib.contextmanager
def matrix_products(tf32: bool) -> Iterator[None]:
    """Let matrix products of float32 on GPUs round their inputs to TF32, or not."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def build_step(name: str, mode: str, sizes: argparse.Namespace, device: torch.device) -> Callable[[], Any]:
    """A training step of a config.

    Args:
        name: Name or file of the config.
        mode: One of :data:`MODES`.
        sizes: ``batch``, ``clips`` and ``words``.
        device: Where it runs.

    Returns:
        A function that makes one step.
    """
    tf32, bf16, compiled = MODES[mode]
    step = training_step(read_config(name), sizes, device, bf16)
    for stage in ('encoder', 'decoder') if compiled else ():
        if (module := getattr(step.model, stage, None)) is not None:
            module.compile()

    def run() -> None:
        with matrix_products(tf32):
            step()

    return run


def time_steps(
    configs: Sequence[str], modes: Sequence[str], sizes: argparse.Namespace, device: torch.device, rounds: int
) -> list[list[str]]:
    """Time steps of all configs and modes in turn.

    Args:
        configs: Names or files of configs.
        modes: Of :data:`MODES`.
        sizes: ``batch``, ``clips`` and ``words``.
        device: Where they run.
        rounds: Rounds; the fastest one counts.

    Returns:
        Rows of a table: config, mode, start-up in seconds, milliseconds, times of the first mode, MiB and utilisation.
    """
    steps, started = {}, {}
    for key in ((config, mode) for config in configs for mode in modes):
        begin = time.perf_counter()
        steps[key] = build_step(*key, sizes, device)
        steps[key]()
        started[key] = time.perf_counter() - begin
        steps[key]()  # shapes and memory settle
    memory = {key: peak_bytes(step, device) for key, step in steps.items()}
    seconds: dict[Any, list[float]] = {key: [] for key in steps}
    for _ in range(rounds):
        for key, step in steps.items():
            seconds[key].append(step_seconds(step, device))
    fastest = {key: min(values) for key, values in seconds.items()}
    return [
        [
            *key,
            f'{started[key]:.1f}',
            f'{1e3 * fastest[key]:.1f}',
            f'{fastest[key[0], modes[0]] / fastest[key]:.2f}',
            f'{memory[key] / 2**20:.0f}',
            utilisation(step, device),
        ]
        for key, step in steps.items()
    ]


def utilisation(step: Callable[[], Any], device: torch.device, seconds: float = 3.0) -> str:
    """Share of the time in which a GPU computes, as nvidia-smi says it, while steps follow each other.

    Args:
        step: The work.
        device: Where it is done.
        seconds: How long it is repeated.

    Returns:
        Median in percent, or ``-`` without a GPU or nvidia-smi.
    """
    if device.type != 'cuda':
        return '-'
    readings, end = [], time.perf_counter() + seconds
    command = [
        'nvidia-smi',
        f'--id={device.index or 0}',
        '--query-gpu=utilization.gpu',
        '--format=csv,noheader,nounits',
    ]
    while time.perf_counter() < end:
        for _ in range(10):
            step()
        try:
            readings.append(int(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
        except (OSError, ValueError, subprocess.CalledProcessError):
            return '-'
    return f'{statistics.median(readings):.0f} %'


def largest_batch(name: str, mode: str, sizes: argparse.Namespace, device: torch.device, most: int) -> int:
    """Double the batch until memory ends.

    Args:
        name: Name or file of the config.
        mode: One of :data:`MODES`.
        sizes: ``clips`` and ``words``.
        device: Where steps run.
        most: Where to stop.

    Returns:
        The last batch that fitted; 0 where none did.
    """
    fitting, batch = 0, 1
    while batch <= most:
        try:
            build_step(name, mode, argparse.Namespace(**{**vars(sizes), 'batch': batch}), device)()
        except torch.OutOfMemoryError:
            break
        finally:
            if device.type == 'cuda':
                torch.cuda.empty_cache()
        fitting, batch = batch, 2 * batch
    return fitting


def step_report(args: argparse.Namespace, device: torch.device) -> str:
    """Measure everything that the command line asks for.

    Args:
        args: ``model``, ``modes``, ``batch``, ``clips``, ``words``, ``rounds``, ``most_batch``, ``train``.
        device: Where it runs.

    Returns:
        The page in Markdown.
    """
    register_all_modules()
    kind = torch.cuda.get_device_name(device) if device.type == 'cuda' else f'CPU, {platform.machine()}'
    head = ['config', 'mode', 'first step (s)', 'step (ms)', f'times {args.modes[0]}', 'MiB', 'utilisation']
    rows = time_steps(args.model, args.modes, args, device, args.rounds)
    parts = [
        '# Training steps',
        f'{kind}; mmvmr {__version__}, torch {torch.__version__}. Batches of {args.batch} videos of {args.clips} clips '
        f'and sentences of {args.words} tokens, random features; the fastest of {args.rounds} rounds in which all took '
        'turns.',
        tabulate(rows, head, tablefmt='github', disable_numparse=True),
    ]
    if args.most_batch:
        batches = [
            [name, mode, f'{largest_batch(name, mode, args, device, args.most_batch):,}']
            for name in args.model
            for mode in args.modes
            if not MODES[mode][2]  # another batch would be compiled again
        ]
        limit = f'Doubled until memory ends, or to {args.most_batch:,}.'
        parts += ['## Largest batch', limit, tabulate(batches, ['config', 'mode', 'batch'], tablefmt='github')]
    if args.train:
        with tempfile.TemporaryDirectory() as folder:
            _, wall = run_child(['train', args.train, '--work-dir', str(Path(folder) / 'train'), *args.train_options])
        parts += ['## A whole training', f'`mmvmr train {args.train}`: {wall / 60:.1f} minutes by the clock.']
    return '\n\n'.join(parts) + '\n'
