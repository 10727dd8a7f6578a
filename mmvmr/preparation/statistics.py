"""Statistics of a data set: counts and distributions of annotation rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_COMMON = (
    'a about an and are around as at be by for from her him his in into is it its of off on onto or out over s she he '
    'some that the their them then there they this through to up with while who which'
)
#: Words that say little about what a video shows.
FUNCTION_WORDS = frozenset(_COMMON.split())


@dataclass(frozen=True)
class Statistics:
    """Numbers of a split.

    Attributes:
        name: Name of the split.
        queries: Number of rows.
        durations: Length of every video in seconds (V,).
        queries_per_video: Number of rows of every video (V,).
        moments_per_query: Number of moments of every row that has the key ``relevant_windows`` (Q,).
        windows: All moments as start and end in seconds (M, 2).
        relative: The same as parts of the duration, cut to the video (M, 2).
        words_per_query: Number of words of every row (Q,).
        words: Word to how often it occurs.
        rated: Rows with ratings of highlights.
    """

    name: str
    queries: int
    durations: np.ndarray
    queries_per_video: np.ndarray
    moments_per_query: np.ndarray
    windows: np.ndarray
    relative: np.ndarray
    words_per_query: np.ndarray
    words: Mapping[str, int]
    rated: int

    @property
    def lengths(self) -> np.ndarray:
        """Length of every moment in seconds (M,)."""
        return self.windows[:, 1] - self.windows[:, 0]

    @property
    def relative_lengths(self) -> np.ndarray:
        """Length of every moment as a part of its video (M,)."""
        return self.relative[:, 1] - self.relative[:, 0]

    def frequent_words(self, count: int) -> list[tuple[str, int]]:
        """The ``count`` most frequent words that say something, with how often they occur."""
        telling = [(word, n) for word, n in self.words.items() if word not in FUNCTION_WORDS]
        return sorted(telling, key=lambda item: (-item[1], item[0]))[:count]


def statistics(name: str, rows: Sequence[Mapping[str, Any]]) -> Statistics:
    """Count a split; returns the numbers."""
    durations = {row['vid']: float(row['duration']) for row in rows}
    labelled = [row for row in rows if row.get('relevant_windows') is not None]
    pairs = [(window, float(row['duration'])) for row in labelled for window in row['relevant_windows']]
    windows = np.array([window for window, _ in pairs], dtype=np.float64).reshape(-1, 2)
    lengths = np.array([duration for _, duration in pairs], dtype=np.float64).reshape(-1, 1)
    sentences = [_WORD.findall(str(row['query']).casefold()) for row in rows]
    return Statistics(
        name=name,
        queries=len(rows),
        durations=np.array([*durations.values()], dtype=np.float64),
        queries_per_video=np.array([*Counter(row['vid'] for row in rows).values()], dtype=np.int64),
        moments_per_query=np.array([len(row['relevant_windows']) for row in labelled], dtype=np.int64),
        windows=windows,
        relative=np.clip(windows / lengths, 0, 1),
        words_per_query=np.array([len(words) for words in sentences], dtype=np.int64),
        words=Counter(word for words in sentences for word in words),
        rated=sum(row.get('saliency_scores') is not None or row.get('label') is not None for row in rows),
    )


def summary(parts: Sequence[Statistics]) -> list[list[str]]:
    """The numbers as a table, a column per split; the heading is the first row."""
    lines = [['', *(part.name for part in parts)]]
    for label, values in (
        ('queries', lambda part: str(part.queries)),
        ('videos', lambda part: str(len(part.durations))),
        ('moments', lambda part: str(len(part.windows))),
        ('queries with highlight ratings', lambda part: str(part.rated)),
        ('queries per video', lambda part: _spread(part.queries_per_video)),
        ('moments per query', lambda part: _spread(part.moments_per_query)),
        ('duration of a video (s)', lambda part: _spread(part.durations)),
        ('length of a moment (s)', lambda part: _spread(part.lengths)),
        ('length / duration (%)', lambda part: _spread(100 * part.relative_lengths)),
        ('middle of a moment / duration (%)', lambda part: _spread(100 * part.relative.mean(axis=1))),
        ('words per query', lambda part: _spread(part.words_per_query)),
        ('different words', lambda part: str(len(part.words))),
        ('... that occur once', lambda part: str(sum(n == 1 for n in part.words.values()))),
    ):
        lines.append([label, *map(values, parts)])
    return lines


def _spread(values: np.ndarray) -> str:
    if not len(values):
        return '-'
    low, middle, high = np.percentile(values, [0, 50, 100])
    return f'mean {values.mean():.3g}, median {middle:.3g}, {low:.3g} to {high:.3g}'


def clip_ratings(row: Mapping[str, Any], clip_len: float) -> list[float] | None:
    """Mean rating of every clip of ``clip_len`` seconds, 0 where nobody rated; None where the row has no ratings."""
    if not row.get('saliency_scores') or not row.get('relevant_clip_ids'):
        return None
    ratings = [0.0] * max(round(row['duration'] / clip_len), 1 + max(row['relevant_clip_ids']))
    for clip, scores in zip(row['relevant_clip_ids'], row['saliency_scores']):
        ratings[clip] = float(np.mean(scores))
    return ratings
