"""Print where the time of a training step goes, next to the floor that its matrix products alone set.

    python tools/analysis_tools/profile_step.py CONFIG [--batch 32] [--clips 75] [--words 20] [--top 15]

The first table has the stages of the model, the matching and every loss, forward and backward, and what follows; the
second one the operators. The floor is the time of the same matrix products (``mm``, ``addmm``, ``bmm``, by shape) in a
tight loop. Recording slows small operations down: read the shares.
"""

from __future__ import annotations

import argparse
import ast
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from benchmark import training_step
from terminaltables import AsciiTable
from torch import nn
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import profile, record_function

from mmvmr.cli.arguments import positive
from mmvmr.utils.cli import BUILD_ERRORS, load_config, one_line_errors
from mmvmr.utils.setup import register_all_modules
from mmvmr.utils.timing import step_seconds

BACKWARD = 'autograd::engine::evaluate_function'
PRODUCTS = ('aten::mm', 'aten::addmm', 'aten::bmm')
AFTER = ('clip', 'optimizer')


def mark_stages(model: nn.Module) -> list[str]:
    """Make every stage, the matching and every loss show in a recording.

    Args:
        model: A detector.

    Returns:
        Their names.
    """
    criterion = model.criterion
    parts = {name: child for name, child in model.named_children() if child is not criterion}
    if criterion.assigner is not None:
        parts['matching'] = criterion.assigner
        criterion.assigner = _Marked('matching', criterion.assigner)
    losses = {f'loss {name}': loss for name, loss in criterion.losses.items()}
    for name, module in {**parts, **losses}.items():
        if isinstance(module, nn.Module):
            module.forward = _Marked(name, module.forward)
    return [*parts, *losses]


class _Marked:
    """A callable that shows in a recording under a name."""

    def __init__(self, name: str, function: Callable[..., Any]):
        self.name, self.function = name, function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with record_function(self.name):
            return self.function(*args, **kwargs)


def _ancestors(event: FunctionEvent | None) -> Iterator[FunctionEvent]:
    while event is not None:
        yield event
        event = event.cpu_parent


def _stage(event: FunctionEvent, stages: Iterable[str]) -> str:
    return next((parent.name for parent in _ancestors(event) if parent.name in stages), 'other')


def stage_times(events: list[FunctionEvent], stages: list[str], clock: str) -> dict[str, list[float]]:
    """Add up the time per stage.

    A backward operation belongs to the stage of the forward operation with the same sequence number: the last one
    recorded with it, since operations that need no gradient leave the number to the next one.

    Args:
        events: Recorded operations.
        stages: Names of stages.
        clock: Attribute of an event with its time.

    Returns:
        Stage to microseconds forward and backward; ``other`` is the rest of both.
    """
    numbered = [e for e in events if e.sequence_nr >= 0 and not _inside(e, 'backward')]
    stage_of = {e.sequence_nr: _stage(e, stages) for e in sorted(numbered, key=lambda e: e.time_range.start)}
    times = {name: [0.0, 0.0] for name in [*stages, 'other']}
    for event in events:
        duration = getattr(event, clock)
        if event.name in ('forward', 'backward'):
            times['other'][event.name == 'backward'] += duration
        elif event.name in stages and _stage(event.cpu_parent, stages) == 'other':
            times[event.name][0] += duration
            times['other'][0] -= duration
        elif event.name.startswith(BACKWARD):
            times[stage_of.get(event.sequence_nr, 'other')][1] += duration
            times['other'][1] -= duration
    return times


def products_floor(events: list[FunctionEvent], dtype: torch.dtype, device: torch.device) -> float:
    """Time the matrix products of a step alone.

    Args:
        events: Recorded operations of one step, with shapes.
        dtype: Of the products.
        device: Where they run.

    Returns:
        Seconds.
    """
    shapes = Counter((e.name, str([s for s in e.input_shapes if s])) for e in events if e.name in PRODUCTS)
    total = 0.0
    for (name, text), count in shapes.items():
        tensors = [torch.randn(shape, device=device, dtype=dtype) for shape in ast.literal_eval(text)]
        product = getattr(torch, name.removeprefix('aten::'))

        def run(product: Any = product, tensors: Any = tensors, count: int = count) -> None:
            for _ in range(count):
                product(*tensors)

        run()
        total += step_seconds(run, device)
    return total


def _inside(event: FunctionEvent, name: str) -> bool:
    return any(parent.name == name for parent in _ancestors(event))


def _print(title: str, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    print(f'\n{title}')
    print(AsciiTable([header, *rows]).table)


def main() -> None:
    """Record a step and print its tables; see the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', metavar='CONFIG')
    parser.add_argument('--batch', type=positive, default=32)
    parser.add_argument('--clips', type=positive, default=75)
    parser.add_argument('--words', type=positive, default=20)
    parser.add_argument('--precision', choices=('fp32', 'bf16'), default='fp32')
    parser.add_argument('--top', type=positive, default=15, help='operators in the table')
    parser.add_argument('--rounds', type=positive, default=3, help='steps and floors that are timed in turn')
    parser.add_argument('--threads', type=positive, default=1)
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    args = parser.parse_args()
    register_all_modules()
    torch.set_num_threads(args.threads)
    device, dtype = torch.device(args.device), torch.bfloat16 if args.precision == 'bf16' else torch.float32
    with one_line_errors(*BUILD_ERRORS):
        step = training_step(load_config(args.config), args, device, args.precision == 'bf16')
    step()
    stages = mark_stages(step.model)
    with profile(record_shapes=True) as recording:
        step()
        if device.type == 'cuda':
            torch.cuda.synchronize(device)
    events = list(recording.events())
    kind = 'device' if device.type == 'cuda' else 'cpu'
    times = stage_times(events, stages, f'{kind}_time_total')
    times.update({name: [getattr(e, f'{kind}_time_total'), 0.0] for name in AFTER for e in events if e.name == name})
    whole = sum(map(sum, times.values()))
    rows = [(name, *(f'{100 * value / whole:.1f}' for value in (*pair, sum(pair)))) for name, pair in times.items()]
    _print('per stage, % of the step', ('stage', 'forward', 'backward', 'both'), rows)
    operators = sorted(recording.key_averages(), key=lambda e: -getattr(e, f'self_{kind}_time_total'))
    rows = [
        (e.key, str(e.count), f'{100 * getattr(e, f"self_{kind}_time_total") / whole:.1f}')
        for e in operators[: args.top]
    ]
    _print('per operator, % of the step', ('operator', 'calls', 'alone'), rows)
    pairs = [(step_seconds(step, device), products_floor(events, dtype, device)) for _ in range(args.rounds)]
    seconds, floor = (statistics.median(values) for values in zip(*pairs))
    print(f'\n{seconds:.3f} s per step; its matrix products alone {floor:.3f} s, {100 * floor / seconds:.0f} % of it')


if __name__ == '__main__':
    main()
