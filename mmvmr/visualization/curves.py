"""Validation metrics over the epochs of several trainings."""

from __future__ import annotations

import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmvmr.utils import read_jsonl
from mmvmr.visualization.canvas import new_figure, save_figure


def validation_history(work_dir: Path, metric: str) -> dict[int, float]:
    """A validation metric by epoch.

    Args:
        work_dir: Of a training; a resumed one has several logs, of which the latest counts.
        metric: As the evaluator names it.

    Returns:
        Values by epoch, in order.
    """
    history: dict[int, float] = {}
    for path in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for row in read_jsonl(path):
            value = row.get(metric)
            if 'loss' not in row and isinstance(value, (int, float)):
                history[row['step']] = value
    return dict(sorted(history.items()))


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
