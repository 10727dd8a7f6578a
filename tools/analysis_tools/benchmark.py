"""Time training steps of configs side by side.

    python tools/analysis_tools/benchmark.py CONFIG... [--batch 32] [--clips 75] [--words 20] [--precision fp32 bf16]
    python tools/analysis_tools/benchmark.py CONFIG --components all --precision fp32 [--write]

Every combination of config and precision runs in turn within one process, round after round, so that a busy machine
slows all of them the same; the median per combination and the ratio to the first one are printed, with the operations
per step and the most memory that a step holds beyond what is there before it. A step is forward, losses with
matching, backward, gradient clipping and the AdamW update; ``profile_step.py`` shows its parts.

``--components`` adds rows for the config with one component each: their cost over it. The random features then pass
the training pipeline, so that views and negative sentences that components add are part of the step. ``--write`` puts
the table into docs/user_guides/speed.md.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from doc_sections import table, update
from mmengine.config import Config
from terminaltables import AsciiTable

from mmvmr.cli.arguments import positive
from mmvmr.composition import CompositionError, component_names, compose, find_component
from mmvmr.composition.trial import pipeline_batch
from mmvmr.engine.training_step import peak_bytes, training_step
from mmvmr.utils.cli import BUILD_ERRORS, load_config, one_line_errors
from mmvmr.utils.complexity import count_flops
from mmvmr.utils.precision import cpu_has_bf16
from mmvmr.utils.setup import register_all_modules
from mmvmr.utils.timing import step_seconds

PAGE = Path(__file__).resolve().parents[2] / 'docs' / 'user_guides' / 'speed.md'


def with_components(path: str, components: Sequence[str]) -> dict[str, Config]:
    """Compose a config with one component at a time.

    Args:
        path: The config.
        components: Names of components, or only ``all``.

    Returns:
        The config, and its compositions by component: with ``all`` those that it can have.
    """
    base = load_config(path)
    every = list(components) == ['all']
    composed = {path: base}
    for name in component_names() if every else components:
        try:
            composed[f'+ {name}'] = compose(base, [*find_component(name).needs, name])
        except CompositionError:
            if not every:
                raise
    return composed


def main() -> None:
    """Run the benchmark; see the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('configs', nargs='+', metavar='CONFIG')
    parser.add_argument('--batch', type=positive, default=32)
    parser.add_argument('--clips', type=positive, default=75)
    parser.add_argument('--words', type=positive, default=20)
    parser.add_argument(
        '--precision', nargs='+', choices=('fp32', 'bf16'), help='default: both; fp32 on a CPU without bf16'
    )
    parser.add_argument('--rounds', type=positive, default=5)
    parser.add_argument('--threads', type=positive, default=1)
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--components', nargs='+', metavar='NAME', help='of mmvmr compose --list, or all')
    parser.add_argument('--write', action='store_true', help='write the table of components into the documentation')
    parser.add_argument('--json', action='store_true', help='print JSON')
    args = parser.parse_args()
    if args.write and not args.components:
        parser.error('--write needs --components')
    if args.components and len(args.configs) > 1:
        parser.error(f'--components needs one CONFIG, found {len(args.configs)}')
    register_all_modules()
    torch.set_num_threads(args.threads)
    device = torch.device(args.device)
    slow = device.type == 'cpu' and not cpu_has_bf16()
    if slow and 'bf16' in (args.precision or ['bf16']):
        done = 'takes very long' if args.precision else 'is left out (--precision bf16 measures it)'
        print(f'this CPU has no bfloat16 instructions: bf16 {done}', file=sys.stderr)
    args.precision = args.precision or (['fp32'] if slow else ['fp32', 'bf16'])
    steps = {}
    with one_line_errors(*BUILD_ERRORS):
        if args.components:
            configs = with_components(args.configs[0], args.components)
        else:
            configs = {path: load_config(path) for path in args.configs}
        for name, cfg in configs.items():
            batch = pipeline_batch(cfg, args.batch // 2, args.clips, args.words) if args.components else None
            for precision in args.precision:
                steps[name, precision] = training_step(cfg, args, device, precision == 'bf16', batch)
    operations = {key: count_flops(step) for key, step in steps.items()}  # also warms up
    memory = {key: peak_bytes(step, device) for key, step in steps.items()}
    times: dict[Any, list[float]] = {key: [] for key in steps}
    for _ in range(args.rounds):
        for key, step in steps.items():
            times[key].append(step_seconds(step, device))
    report(args, operations, memory, {key: statistics.median(values) for key, values in times.items()})


def report(
    args: argparse.Namespace, operations: dict[Any, int], memory: dict[Any, int], seconds: dict[Any, float]
) -> None:
    """Print the medians.

    Args:
        args: What was asked for.
        operations: Floating-point operations per step.
        memory: Most bytes that a step holds.
        seconds: Median time per step.
    """
    first, first_memory = next(iter(seconds.values())), next(iter(memory.values()))
    rows = [
        {
            'config': path,
            'precision': precision,
            'GFLOP/step': round(operations[path, precision] / 1e9, 1),
            's/step': round(value, 4),
            'GFLOP/s': round(operations[path, precision] / value / 1e9, 1),
            'ratio': round(first / value, 2),
            'MiB': round(memory[path, precision] / 2**20),
            'memory ratio': round(memory[path, precision] / first_memory, 2),
        }
        for (path, precision), value in seconds.items()
    ]
    if args.json:
        print(json.dumps({'threads': args.threads, 'device': args.device, 'rows': rows}, indent=2))
        return
    if args.write:
        cells = [
            (row['config'].removeprefix('+ '), f'{row["s/step"] / rows[0]["s/step"]:.2f}', f'{row["memory ratio"]:.2f}')
            for row in rows
        ]
        update({(PAGE, 'component-costs'): table(['config', 'time', 'peak memory'], cells)}, check=False)
    clock = 'wall clock' if args.device == 'cuda' else 'processor time'
    print(f'batch {args.batch}, {args.clips} clips, {args.words} words, {args.threads} thread(s), {args.device}')
    print(f'({platform.machine()}, torch {torch.__version__}); median {clock} of {args.rounds} rounds')
    print(AsciiTable([list(rows[0]), *(list(row.values()) for row in rows)]).table)


if __name__ == '__main__':
    main()
