"""Metrics of several trainings: validation over the epochs, and final ones by seed."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmvmr.utils import read_jsonl
from mmvmr.visualization.canvas import new_figure, save_figure


def read_validations(work_dir: Path) -> dict[int, dict[str, float]]:
    """All validation metrics by epoch.

    Args:
        work_dir: Of a training; a resumed one has several logs, of which the latest counts.

    Returns:
        Metrics by epoch, in order.
    """
    validations: dict[int, dict[str, float]] = {}
    for path in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for row in read_jsonl(path):
            if 'loss' not in row:
                numbers = {name: value for name, value in row.items() if isinstance(value, (int, float))}
                validations.setdefault(row['step'], {}).update(numbers)
    return dict(sorted(validations.items()))


def validation_history(work_dir: Path, metric: str) -> dict[int, float]:
    """A validation metric by epoch.

    Args:
        work_dir: See :func:`read_validations`.
        metric: As the evaluator names it.

    Returns:
        Values by epoch, in order.
    """
    return {epoch: row[metric] for epoch, row in read_validations(work_dir).items() if metric in row}


def draw_validation_curves(
    curves: Mapping[str, Mapping[int, Sequence[float]]], path: str | os.PathLike[str], metric: str, title: str
) -> None:
    """Draw the mean over several trainings, with a band of one sample deviation.

    Args:
        curves: Label to the values of all trainings by epoch.
        path: The image file.
        metric: Name of the axis.
        title: Of the figure.
    """
    figure, (ax,) = new_figure(1, 1, width=7.0, height=4.0)
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
    save_figure(figure, path)


def draw_seed_points(
    metrics: Mapping[str, Mapping[str, Sequence[float]]], path: str | os.PathLike[str], title: str
) -> None:
    """Draw a panel per metric: a line per row, every seed as a point and their mean as a bar across it.

    Args:
        metrics: Metric to the values of all seeds by label of the row.
        path: The image file.
        title: Of the figure.
    """
    labels = list(dict.fromkeys(label for rows in metrics.values() for label in rows))
    columns = min(3, len(metrics))
    rows = math.ceil(len(metrics) / columns)
    width = 0.07 * max(map(len, labels)) + 2.4 * columns
    figure, panels = new_figure(rows, columns, width=width, height=rows * (0.8 + 0.26 * len(labels)))
    for index, ax in enumerate(panels):
        if index >= len(metrics):
            ax.set_visible(False)
            continue
        name, values = list(metrics.items())[index]
        for line, label in enumerate(labels):
            points = values.get(label, ())
            ax.scatter(points, [line] * len(points), s=18, alpha=0.7, color=f'C{line % 10}', linewidths=0)
            if points:
                ax.vlines(statistics.fmean(points), line - 0.32, line + 0.32, color=f'C{line % 10}', linewidth=2)
        ax.set(title=name, ylim=(len(labels) - 0.5, -0.5), yticks=range(len(labels)))
        ax.set_yticklabels(labels if index % columns == 0 else [''] * len(labels))
        ax.grid(alpha=0.25)
        ax.spines[['top', 'right']].set_visible(False)
    figure.suptitle(title)
    save_figure(figure, path)
