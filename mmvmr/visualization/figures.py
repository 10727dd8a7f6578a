"""Figures with matplotlib, which is imported only when one is drawn."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mmvmr.evaluation.functional.moment import hull_iou
from mmvmr.utils.io import read_jsonl
from mmvmr.visualization.canvas import BLUE, GREEN, GREY, RED, new_figure, save_figure

_TRUE, _PREDICTED, _SALIENCY, _GREY = GREEN, RED, BLUE, GREY


@dataclass
class MomentsOfQuery:
    """Windows and curves that are drawn for one query.

    Attributes:
        query: The sentence.
        title: Identifiers of query and video.
        duration: Length of the video in seconds.
        clip_len: Length of a clip in seconds.
        true: Ground-truth windows [[start, end], ...] in seconds.
        predicted: Predicted windows [[start, end], ...] in seconds, best first.
        scores: Score of every predicted window.
        saliency: Predicted saliency of every clip, or None.
    """

    query: str
    title: str
    duration: float
    clip_len: float
    true: list[list[float]]
    predicted: list[list[float]]
    scores: list[float]
    saliency: list[float] | None = None


def moments_of(sample: Any) -> MomentsOfQuery:
    """Take what is drawn out of a predicted sample.

    Args:
        sample: A :class:`mmvmr.structures.MomentDataSample` with predictions, on the CPU.

    Returns:
        Plain lists.
    """
    predicted = sample.get('pred_instances')
    saliency = sample.get('pred_saliency')
    return MomentsOfQuery(
        query=str(sample.get('query', '')),
        title=f'qid {sample.get("qid")}, video {sample.get("vid")}',
        duration=float(sample.duration),
        clip_len=float(sample.get('clip_len', 1.0)),
        true=[list(map(float, window)) for window in sample.get('relevant_windows') or []],
        predicted=[] if predicted is None else predicted.windows.float().tolist(),
        scores=[] if predicted is None else predicted.scores.float().tolist(),
        saliency=None if saliency is None else saliency.float().flatten().tolist(),
    )


def spread_by_iou(queries: Sequence[MomentsOfQuery], count: int) -> list[MomentsOfQuery]:
    """Pick queries from the best to the worst answered one, at equal distances.

    Args:
        queries: All queries.
        count: Number of queries to pick.

    Returns:
        Some of them, by falling IoU of the best ranked prediction; that IoU is added to the title.
    """
    order = sorted(((best_iou(item), i) for i, item in enumerate(queries)), reverse=True)
    count = min(count, len(order))
    chosen = [order[int((k + 0.5) * len(order) / count)] for k in range(count)]
    return [replace(queries[i], title=f'{queries[i].title}, IoU of #1: {iou:.2f}') for iou, i in chosen]


def best_iou(item: MomentsOfQuery) -> float:
    """IoU of the best ranked prediction with any true moment; 0 where there is nothing to compare."""
    if not item.predicted or not item.true:
        return 0.0
    return float(hull_iou(np.array(item.predicted[0]), np.array(item.true)).max())


def draw_moments(
    queries: Sequence[MomentsOfQuery], path: str | os.PathLike[str], top_k: int = 3, curve: str = 'saliency'
) -> None:
    """Draw true moments, the best predicted ones and the saliency curve, one block per query.

    Args:
        queries: What to draw.
        path: The image file; its suffix chooses the format.
        top_k: Number of predicted moments per query.
        curve: What the curve of the clips is called.

    Raises:
        ValueError: If there is nothing to draw.
    """
    if not queries:
        raise ValueError('no query to draw')
    heights = [part for item in queries for part in (0.66 + 0.17 * _lanes(item, top_k), 0.5 if item.saliency else 0.02)]
    figure, axes = new_figure(2 * len(queries), 1, width=9.0, height=sum(heights) + 0.5, height_ratios=heights)
    for bars, line, item in zip(axes[::2], axes[1::2], queries):
        _draw_bars(bars, item, top_k)
        _draw_saliency(line, item, curve)
    axes[-1].set_xlabel('time (s)', fontsize=9)
    save_figure(figure, path)


def _lanes(item: MomentsOfQuery, top_k: int) -> int:
    return 1 + min(len(item.predicted), top_k)


def _draw_bars(ax: Any, item: MomentsOfQuery, top_k: int) -> None:
    """The true moments above the best predicted ones, each with its score."""
    rows = _lanes(item, top_k)
    _shade(ax, item)
    for start, end in item.true:
        ax.barh(0, end - start, left=start, height=0.72, color=_TRUE)
    for row, ((start, end), score) in enumerate(zip(item.predicted[: rows - 1], item.scores), start=1):
        ax.barh(row, end - start, left=start, height=0.72, color=_PREDICTED, alpha=1 - 0.6 * (row - 1) / max(top_k, 1))
        late = end > 0.94 * item.duration  # no room on the right
        x, side = (start, 'right') if late else (end, 'left')
        ax.text(x, row, f' {score:.2f} ', va='center', ha=side, fontsize=7, color=_GREY)
    ax.set_yticks(range(rows), ['true', *(f'#{i}' for i in range(1, rows))], fontsize=8)
    ax.set_ylim(rows - 0.5, -0.5)
    title = _cut(item.title, 70)
    room = round(102 - 0.78 * len(title))  # letters of the sentence that fit next to it
    ax.set_title(_cut(item.query, room), fontsize=10, fontweight='bold', loc='left', parse_math=False)
    ax.set_title(title, fontsize=8, color=_GREY, loc='right', parse_math=False)
    ax.tick_params(labelbottom=False, length=0)


def _draw_saliency(ax: Any, item: MomentsOfQuery, label: str) -> None:
    """The highlight curve; it has no scale because scores mean something only relative to each other."""
    _shade(ax, item)
    if item.saliency:
        times = [(i + 0.5) * item.clip_len for i in range(len(item.saliency))]
        low, high = min(item.saliency), max(item.saliency)
        margin = 0.08 * (high - low) or 1.0
        ax.plot(times, item.saliency, color=_SALIENCY, linewidth=1.3)
        ax.fill_between(times, low - margin, item.saliency, color=_SALIENCY, alpha=0.15, linewidth=0)
        ax.set_ylim(low - margin, high + margin)
        ax.set_ylabel(label, color=_SALIENCY, fontsize=8, rotation=0, ha='right', va='center')
    ax.set_yticks([])
    ax.tick_params(labelsize=8)


def _shade(ax: Any, item: MomentsOfQuery) -> None:
    for start, end in item.true:
        ax.axvspan(start, end, color=_TRUE, alpha=0.1, linewidth=0)
    ax.set_xlim(0, max(item.duration, 1e-3))
    ax.spines[['top', 'right']].set_visible(False)


def draw_training_curves(
    scalars: str | os.PathLike[str],
    path: str | os.PathLike[str],
    metrics: Sequence[str] = ('MR-full-R1@0.5', 'MR-full-R1@0.7', 'MR-full-mAP'),
    epoch_length: int | None = None,
) -> None:
    """Draw the loss and the validation metrics over a training.

    Args:
        scalars: ``vis_data/scalars.json`` that mmengine writes: one JSON object per line.
        path: The image file.
        metrics: Names of validation metrics to draw; those that are absent are left out, and if none is there, every
            metric that was logged is drawn, up to six.
        epoch_length: Iterations of an epoch, to draw the loss over epochs too; None draws it over iterations.

    Raises:
        FileNotFoundError: If there is no scalars file.
        ValueError: If it holds no training iteration.
    """
    rows = read_jsonl(scalars)
    train = [row for row in rows if 'loss' in row]
    if not train:
        raise ValueError(f'{scalars}: no training iteration is logged in it')
    logged = [row for row in rows if 'loss' not in row and 'step' in row]
    names = [name for name in metrics if any(name in row for row in logged)] or _numeric_names(logged)[:6]
    figure, axes = new_figure(1, 2 if names else 1, width=9.0 if names else 5.0, height=3.2)
    steps = [row.get('step', row.get('iter')) / (epoch_length or 1) for row in train]
    axes[0].plot(steps, [row['loss'] for row in train], color=_SALIENCY, linewidth=1.5)
    axes[0].set(xlabel='epoch' if epoch_length else 'iteration', title='training loss')
    for name in names:
        points = [(row['step'], row[name]) for row in logged if isinstance(row.get(name), (int, float))]
        axes[1].plot(*zip(*points), marker='o', markersize=4, label=name.removeprefix('MR-full-'))
    if names:
        axes[1].set(xlabel='epoch', title='validation (%)')
        axes[1].set_ylim(bottom=0)
        axes[1].legend(fontsize=9, frameon=False)
    for ax in axes:
        ax.title.set_fontsize(10)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_xlim(left=0)
        ax.grid(alpha=0.25)
        ax.spines[['top', 'right']].set_visible(False)
    save_figure(figure, path)


def _numeric_names(rows: list[dict]) -> list[str]:
    names = dict.fromkeys(name for row in rows for name, value in row.items() if isinstance(value, float))
    return [name for name in names if name not in ('time', 'data_time', 'step')]


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + '...'
