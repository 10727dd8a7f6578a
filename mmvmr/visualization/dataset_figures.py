"""Figures of what is in a data set."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mmvmr.preparation.statistics import Statistics, clip_ratings
from mmvmr.visualization.canvas import BLUE, GREEN, GREY, RED, new_figure, save_figure
from mmvmr.visualization.figures import MomentsOfQuery, draw_moments

_COLOURS = (BLUE, RED, GREEN, '#c98a1b', '#7a5aa6')
_BINS = 40
_CELLS = 25
_WORDS = 25


def draw_distributions(parts: Sequence[Statistics], path: str | os.PathLike[str]) -> None:
    """Draw durations, moments, words: shares of each split, so that splits of any size compare.

    Args:
        parts: One or more splits.
        path: The image file.

    Raises:
        ValueError: If there is no split.
    """
    if not parts:
        raise ValueError('no split to draw')
    figure, axes = new_figure(2, 3, width=13.0, height=7.4)
    counts, durations, lengths, relative, words, frequent = axes
    _bars(counts, parts, lambda part: part.moments_per_query, 'moments per query', 'queries')
    _histogram(durations, parts, lambda part: part.durations, 'duration of a video (s)', 'videos')
    _histogram(lengths, parts, lambda part: part.lengths, 'length of a moment (s)', 'moments')
    _histogram(relative, parts, lambda part: 100 * part.relative_lengths, 'length / duration (%)', 'moments')
    _bars(words, parts, lambda part: part.words_per_query, 'words per query', 'queries')
    _frequent(frequent, parts)
    labels = [f'{part.name}: {part.queries} queries, {len(part.durations)} videos' for part in parts]
    handles = [_patch(colour) for _, colour in zip(parts, _COLOURS)]
    figure.legend(handles, labels, loc='outside upper center', ncols=len(parts), frameon=False, fontsize=11)
    save_figure(figure, path)


def _patch(colour: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(color=colour, alpha=0.75)


Values = Callable[[Statistics], np.ndarray]


def _dressed(ax: Any, xlabel: str, of: str) -> None:
    ax.set_xlabel(xlabel, fontsize=11)
    ax.set_ylabel(f'% of {of}', fontsize=10, color=GREY)
    ax.spines[['top', 'right']].set_visible(False)
    ax.tick_params(labelsize=9)


def _nothing(ax: Any, xlabel: str) -> None:
    ax.text(0.5, 0.5, f'no {xlabel}', ha='center', va='center', color=GREY, transform=ax.transAxes)
    ax.set_axis_off()


def _histogram(ax: Any, parts: Sequence[Statistics], values: Values, xlabel: str, of: str) -> None:
    drawn = [(values(part), colour) for part, colour in zip(parts, _COLOURS) if len(values(part))]
    if not drawn:
        return _nothing(ax, xlabel)
    together = np.concatenate([numbers for numbers, _ in drawn])
    # A few very long videos would press all others into one bar.
    high = float(np.percentile(together, 99.5))
    low = min(float(together.min()), high)
    if high - low < 1e-6:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _BINS + 1)
    for numbers, colour in drawn:
        weights = np.full(len(numbers), 100 / len(numbers))
        ax.hist(np.clip(numbers, low, high), edges, weights=weights, color=colour, alpha=0.55)
        ax.axvline(np.median(numbers), color=colour, linewidth=1.5, linestyle='--')
    ax.set_title('dashed: median', fontsize=8, color=GREY, loc='right')
    beyond = int((together > high).sum())
    if beyond:
        ax.set_title(f'last bar: {beyond} up to {together.max():.4g}', fontsize=8, color=GREY, loc='left')
    _dressed(ax, xlabel, of)


def _bars(ax: Any, parts: Sequence[Statistics], values: Values, xlabel: str, of: str) -> None:
    drawn = [(values(part), colour) for part, colour in zip(parts, _COLOURS) if len(values(part))]
    if not drawn:
        return _nothing(ax, xlabel)
    together = np.concatenate([numbers for numbers, _ in drawn])
    low, high = int(together.min()), max(int(np.percentile(together, 99.5)), int(together.min()) + 1)
    places = np.arange(low, high + 1)
    width = 0.85 / len(drawn)
    for i, (numbers, colour) in enumerate(drawn):
        share = np.bincount(np.clip(numbers, low, high) - low, minlength=len(places)) * 100 / len(numbers)
        ax.bar(places + (i - (len(drawn) - 1) / 2) * width, share, width, color=colour, alpha=0.75)
    step = math.ceil(len(places) / 12)
    labels = [str(place) for place in places[::step]]
    if int(together.max()) > high and (len(places) - 1) % step == 0:
        labels[-1] += ' +'
    ax.set_xticks(places[::step], labels)
    _dressed(ax, xlabel, of)


def _frequent(ax: Any, parts: Sequence[Statistics]) -> None:
    words = [word for word, _ in parts[0].frequent_words(_WORDS)]
    if not words:
        return _nothing(ax, 'words')
    height = 0.85 / len(parts)
    for i, (part, colour) in enumerate(zip(parts, _COLOURS)):
        share = [100 * part.words.get(word, 0) / max(part.queries, 1) for word in words]
        ax.barh(np.arange(len(words)) + i * height, share, height, align='edge', color=colour, alpha=0.75)
    ax.set_yticks(np.arange(len(words)) + 0.43, words)
    ax.set_ylim(len(words), 0)
    ax.set_xlabel(f'times per 100 queries (most frequent in {parts[0].name})', fontsize=10)
    ax.spines[['top', 'right']].set_visible(False)
    ax.tick_params(labelsize=8)


def draw_locations(parts: Sequence[Statistics], path: str | os.PathLike[str]) -> None:
    """Draw where moments begin and end, as a map and as the share of moments that cover each place of the video.

    Args:
        parts: One or more splits.
        path: The image file.

    Raises:
        ValueError: If no split has moments.
    """
    parts = [part for part in parts if len(part.windows)]
    if not parts:
        raise ValueError('no split has moments to draw')
    figure, axes = new_figure(2, len(parts), width=1.2 + 4.8 * len(parts), height=7.2, height_ratios=[3, 1])
    for part, heat, cover, colour in zip(parts, axes, axes[len(parts) :], _COLOURS):
        starts, ends = part.relative.T * 100
        table, *_ = np.histogram2d(starts, ends, bins=_CELLS, range=[[0, 100], [0, 100]])
        share = 100 * table.T / len(starts)
        image = heat.imshow(
            np.ma.masked_equal(share, 0), origin='lower', extent=(0, 100, 0, 100), cmap='viridis', aspect='equal'
        )
        heat.plot([0, 100], [0, 100], color=GREY, linewidth=0.8)
        heat.set_xlabel('start / duration (%)', fontsize=11)
        heat.set_ylabel('end / duration (%)', fontsize=11)
        heat.set_title(f'{part.name}: {len(starts)} moments', fontsize=12)
        cell = f'{100 // _CELLS} % x {100 // _CELLS} %'
        figure.colorbar(image, ax=heat, shrink=0.85, label=f'% of moments per cell of {cell}')
        places = np.linspace(0.5, 99.5, 100)
        inside = ((starts <= places[:, None]) & (places[:, None] < ends)).mean(axis=1) * 100
        cover.fill_between(places, inside, color=colour, alpha=0.5, linewidth=0)
        cover.set_xlim(0, 100)
        cover.set_ylim(bottom=0)
        _dressed(cover, 'place in the video (%)', 'moments here')
    save_figure(figure, path)


def draw_examples(
    rows: Sequence[Mapping[str, Any]], path: str | os.PathLike[str], clip_len: float = 2.0, count: int = 8
) -> None:
    """Draw true moments of some queries, and the mean rating of every rated clip.

    Args:
        rows: Annotation rows; those with moments are drawn, at equal distances.
        path: The image file.
        clip_len: Length of a rated clip in seconds.
        count: Number of queries.

    Raises:
        ValueError: If no row has moments.
    """
    rows = [row for row in rows if row.get('relevant_windows')]
    if not rows:
        raise ValueError('no query has moments to draw')
    count = min(count, len(rows))
    chosen = [rows[i * len(rows) // count] for i in range(count)]
    draw_moments([_example(row, clip_len) for row in chosen], path, curve='rating')


def _example(row: Mapping[str, Any], clip_len: float) -> MomentsOfQuery:
    return MomentsOfQuery(
        query=str(row['query']).strip(),
        title=f'qid {row["qid"]}, video {row["vid"]}',
        duration=float(row['duration']),
        clip_len=clip_len,
        true=[[float(start), float(end)] for start, end in row['relevant_windows']],
        predicted=[],
        scores=[],
        saliency=clip_ratings(row, clip_len),
    )
