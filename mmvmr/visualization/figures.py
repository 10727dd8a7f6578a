"""Figures with matplotlib, which is imported only when one is drawn."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmvmr.utils.io import atomic_write, read_jsonl

_TRUE, _PREDICTED, _SALIENCY = '#2a9d4a', '#d1495b', '#3b6ea8'


@dataclass
class MomentsOfQuery:
    """What is drawn for one query.

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


def draw_moments(queries: Sequence[MomentsOfQuery], path: str | os.PathLike[str], top_k: int = 3) -> None:
    """Draw true moments, the best predicted ones and the saliency curve, one row per query.

    Args:
        queries: What to draw.
        path: The image file; its suffix chooses the format.
        top_k: Number of predicted moments per query.

    Raises:
        ValueError: If there is nothing to draw.
    """
    if not queries:
        raise ValueError('no query to draw')
    figure, axes = _figure(len(queries), 1, width=10.0, height=1.9 * len(queries))
    for ax, item in zip(axes, queries):
        _draw_one(ax, item, top_k)
    axes[-1].set_xlabel('time (s)')
    _save(figure, path)


def _draw_one(ax: Any, item: MomentsOfQuery, top_k: int) -> None:
    shown = list(zip(item.predicted, item.scores))[:top_k]
    rows = len(shown) + 1
    for start, end in item.true:
        ax.barh(0, end - start, left=start, height=0.7, color=_TRUE)
    for row, ((start, end), score) in enumerate(shown, start=1):
        ax.barh(row, end - start, left=start, height=0.7, color=_PREDICTED, alpha=1 - 0.5 * (row - 1) / max(top_k, 1))
        ax.text(end, row, f' {score:.2f}', va='center', fontsize=7)
    ax.set_yticks(range(rows), ['true', *(f'#{i}' for i in range(1, rows))], fontsize=7)
    ax.set_ylim(rows - 0.4, -0.6)
    ax.set_xlim(0, max(item.duration, 1e-3))
    ax.set_title(f'"{_cut(item.query, 90)}"  ({_cut(item.title, 50)})', fontsize=8, loc='left')
    ax.tick_params(labelsize=7)
    if item.saliency:
        curve = ax.twinx()
        times = [(i + 0.5) * item.clip_len for i in range(len(item.saliency))]
        curve.plot(times, item.saliency, color=_SALIENCY, linewidth=1.2)
        curve.set_ylabel('saliency', color=_SALIENCY, fontsize=7)
        curve.tick_params(labelsize=6, colors=_SALIENCY)


def draw_training_curves(
    scalars: str | os.PathLike[str],
    path: str | os.PathLike[str],
    metrics: Sequence[str] = ('MR-full-mAP', 'MR-full-R1@0.5', 'MR-full-R1@0.7'),
) -> None:
    """Draw the loss and the validation metrics over a training.

    Args:
        scalars: ``vis_data/scalars.json`` that mmengine writes: one JSON object per line.
        path: The image file.
        metrics: Names of validation metrics to draw; those that are absent are left out, and if none is there, every
            metric that was logged is drawn, up to six.

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
    figure, axes = _figure(1, 2 if names else 1, width=10.0 if names else 5.5, height=3.6)
    axes[0].plot([row.get('step', row.get('iter')) for row in train], [row['loss'] for row in train], color=_SALIENCY)
    axes[0].set(xlabel='iteration', ylabel='training loss')
    for name in names:
        points = [(row['step'], row[name]) for row in logged if isinstance(row.get(name), (int, float))]
        axes[1].plot(*zip(*points), marker='o', markersize=3, label=name)
    if names:
        axes[1].set(xlabel='epoch', ylabel='validation metric')
        axes[1].legend(fontsize=8)
    for ax in axes:
        ax.grid(alpha=0.3)
    _save(figure, path)


def _numeric_names(rows: list[dict]) -> list[str]:
    names = dict.fromkeys(name for row in rows for name, value in row.items() if isinstance(value, float))
    return [name for name in names if name not in ('time', 'data_time', 'step')]


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + '...'


def _figure(rows: int, columns: int, width: float, height: float) -> tuple[Any, list[Any]]:
    """A figure that needs no display and leaves pyplot's global state alone."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout='constrained')
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def _save(figure: Any, path: str | os.PathLike[str]) -> None:
    with atomic_write(path) as tmp:
        figure.savefig(tmp, dpi=120)
