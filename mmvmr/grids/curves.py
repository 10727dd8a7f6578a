"""The course of a validation metric over the epochs, one curve per row of a grid."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path

from mmvmr.grids.cells import Cell
from mmvmr.grids.grid import Grid
from mmvmr.grids.table import mean_and_deviation, render_cells
from mmvmr.utils import atomic_write, read_jsonl
from mmvmr.utils.cli import UserError

#: Epochs in the table; the figure has all of them.
SHOWN = 10


def validation_history(work_dir: Path, metric: str) -> dict[int, float]:
    """A validation metric by epoch.

    Args:
        work_dir: Of a training; a resumed one has several logs, of which the latest counts.
        metric: As the evaluator names it.

    Returns:
        Values by epoch, in order.
    """
    found: dict[int, float] = {}
    for path in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for row in read_jsonl(path):
            value = row.get(metric)
            if 'loss' not in row and isinstance(value, (int, float)):
                found[row['step']] = value
    return dict(sorted(found.items()))


def collect_curves(grid: Grid, cells: Iterable[Cell], metric: str) -> dict[str, dict[int, list[float]]]:
    """The metric of every row, epoch by epoch.

    Args:
        grid: The grid.
        cells: Its cells, also unfinished ones.
        metric: As the evaluator names it.

    Returns:
        Label of the row to values of all seeds by epoch. Rows without a validation are left out.

    Raises:
        UserError: If no row has one.
    """
    curves: dict[str, dict[int, list[float]]] = {}
    for cell in cells:
        for epoch, value in validation_history(cell.folder / 'train', metric).items():
            curves.setdefault(grid.rows[cell.row].label, {}).setdefault(epoch, []).append(value)
    if not curves:
        raise UserError(f'no validation of {metric} is logged for any row of {grid.path}: nothing has been trained yet')
    return {label: dict(sorted(curve.items())) for label, curve in curves.items()}


def curve_table(title: str, curves: Mapping[str, Mapping[int, list[float]]], style: str) -> str:
    """The curves as a table of some epochs.

    Args:
        title: Its heading.
        curves: From :func:`collect_curves`.
        style: One of ``terminal``, ``markdown``, ``latex``.

    Returns:
        Text that ends with a line break.
    """
    epochs = sorted({epoch for curve in curves.values() for epoch in curve})
    last = len(epochs) - 1
    shown = sorted({epochs[round(i * last / max(1, SHOWN - 1))] for i in range(SHOWN)})
    rows = [[label, *(mean_and_deviation(curve.get(epoch, [])) for epoch in shown)] for label, curve in curves.items()]
    below = ['Measured on the validation split: mean ± sample deviation over the seeds.']
    return render_cells(title, ['epoch', *map(str, shown)], rows, below, style)


def draw_curves(
    curves: Mapping[str, Mapping[int, list[float]]], path: str | os.PathLike[str], metric: str, title: str
) -> None:
    """Draw the means with a band of one deviation.

    Args:
        curves: From :func:`collect_curves`.
        path: The image file.
        metric: Name of the axis.
        title: Of the figure.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.0), layout='constrained')
    FigureCanvasAgg(figure)
    ax = figure.subplots()
    for label, curve in curves.items():
        means = [statistics.fmean(values) for values in curve.values()]
        spread = [statistics.stdev(values) if len(values) > 1 else 0.0 for values in curve.values()]
        (line,) = ax.plot(list(curve), means, marker='o', markersize=3, label=label)
        low, high = ([m + sign * s for m, s in zip(means, spread)] for sign in (-1, 1))
        ax.fill_between(list(curve), low, high, alpha=0.15, color=line.get_color(), linewidth=0)
    ax.set(xlabel='epoch', ylabel=f'{metric.removeprefix("MR-full-")} on the validation split', title=title)
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=0)
    ax.grid(alpha=0.25)
    ax.spines[['top', 'right']].set_visible(False)
    ax.legend(fontsize=9, frameon=False)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=120)
