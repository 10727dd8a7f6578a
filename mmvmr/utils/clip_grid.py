"""Values and ratings of clips of one length as those of clips of another length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

#: Of a clip; times within it are the same.
_EPS = 1e-6


def same_clips(clip_len: float, other_len: float) -> bool:
    """Check whether clips of two lengths (seconds) are the same ones."""
    return abs(clip_len - other_len) <= _EPS * other_len


def count_clips(seconds: float, clip_len: float) -> int:
    """Number of clips of ``clip_len`` seconds that cover a time, at least one; the last may end after it."""
    return max(1, math.ceil(seconds / clip_len - _EPS))


def means_over_clips(values: Any, clip_len: float, count: int, new_len: float) -> np.ndarray:
    """Values of clips (L,) as those of ``count`` clips of another length.

    A value holds for the whole of its clip, and a new clip has the mean over its time, as far as there are values.

    Args:
        values: One per clip of ``clip_len`` seconds.
        clip_len: Their length.
        count: Number of new clips; those after the last value repeat it.
        new_len: Their length in seconds.

    Returns:
        The values (count,) in float64; where clips are the same ones, they are exactly those given.

    Examples:
        >>> means_over_clips([1.0, 4.0], 3.0, 3, 2.0).tolist()
        [1.0, 2.5, 4.0]
    """
    old = np.asarray(values, dtype=np.float64)
    if same_clips(clip_len, new_len):
        return np.concatenate((old[:count], np.repeat(old[-1:], max(0, count - len(old)))))
    edges = np.minimum(np.arange(count + 1) * new_len / clip_len, len(old))  # in old clips
    integral = np.interp(edges, np.arange(len(old) + 1), np.concatenate(([0.0], np.cumsum(old))))
    width = np.diff(edges)
    covered = width > _EPS
    return np.where(covered, np.diff(integral) / np.where(covered, width, 1.0), old[-1])


def move_ratings(
    clips: Sequence[int], ratings: Sequence[Sequence[float]] | None, clip_len: float, new_len: float
) -> tuple[list[int], list[list[float]] | None]:
    """Rated clips as clips of another length.

    A rated clip becomes the new clips whose middle is in it or, where there is none, the new clip that has its middle.
    A new clip of several rated ones has the mean of every annotator.

    Args:
        clips: Numbers of the rated clips, counted from 0.
        ratings: For each of them one rating per annotator; None where there are none.
        clip_len: Length of these clips in seconds.
        new_len: Length of the new clips.

    Returns:
        The new clips in order, and their ratings.

    Examples:
        >>> move_ratings([3, 4, 5], [[1], [2], [4]], 2.0, 3.0)  # 6 to 12 s
        ([2, 3], [[1], [3.0]])
    """
    sources: dict[int, list[int]] = {}
    for position, clip in enumerate(clips):
        ratio = clip_len / new_len
        first, stop = (math.ceil(edge * ratio - 0.5 - _EPS) for edge in (clip, clip + 1))
        if first >= stop:
            first = int((clip + 0.5) * ratio + _EPS)
            stop = first + 1
        for new in range(first, stop):
            sources.setdefault(new, []).append(position)
    order = sorted(sources)
    if ratings is None:
        return order, None
    return order, [_mean([ratings[position] for position in sources[new]]) for new in order]


def _mean(ratings: list[Sequence[float]]) -> list[float]:
    return list(ratings[0]) if len(ratings) == 1 else np.mean(ratings, axis=0).tolist()
