"""Checks of ratings and labels of clips in annotation rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mmvmr.evaluation.functional.values import InputError, Row, check_number, shape_is, shown_value


def has_ratings(row: Row) -> bool:
    """True if an annotation row has highlight ratings."""
    return row.get('relevant_clip_ids') is not None and row.get('saliency_scores') is not None


def has_labels(row: Row) -> bool:
    """True if an annotation row labels every clip (TVSum, YouTube Highlights)."""
    return row.get('label') is not None


def check_labels(labels: Any, where: str) -> None:
    """Refuse labels that are not a table of numbers.

    Args:
        labels: The value of ``label``.
        where: Its row, for messages.

    Raises:
        InputError: If it is something else.
    """
    width = len(labels[0]) if isinstance(labels, (list, tuple)) and labels and isinstance(labels[0], list) else 0
    if not width or not shape_is(labels, width):
        raise InputError(
            f'{where}: label is {shown_value(labels)}, expected a table of numbers: per clip a list with one label per '
            'annotator'
        )


def check_same_annotators(rows: Sequence[Row], source: str, key: str, having: Callable[[Row], bool]) -> None:
    """Refuse a file whose clips are rated by different numbers of annotators.

    Args:
        rows: Rows whose tables are well-formed.
        source: Name of the file, for messages.
        key: The table: one list per clip, one number per annotator.
        having: True for the rows that have it.

    Raises:
        InputError: If two rows differ.
    """
    first: tuple[int, Any, int] | None = None
    for i, row in enumerate(rows, 1):
        if not having(row) or not row[key]:
            continue
        width = len(row[key][0])
        first = first or (i, row['qid'], width)
        if width != first[2]:
            raise InputError(
                f'{source} entry {i} (qid {row["qid"]!r}): {key} has {width} annotators, entry {first[0]} (qid '
                f'{first[1]!r}) has {first[2]}; give all clips the ratings of the same annotators'
            )


def check_ratings(row: Row, where: str, clip_len: float) -> None:
    """Refuse ratings that are not a table of numbers with one list for each of several clips of the video.

    Args:
        row: An annotation with ratings.
        where: Its place, for messages.
        clip_len: Seconds per clip.

    Raises:
        InputError: If they cannot be used.
    """
    clips, ratings = row['relevant_clip_ids'], row['saliency_scores']
    if not isinstance(clips, list) or not isinstance(ratings, list):
        raise InputError(f'{where}: relevant_clip_ids and saliency_scores must be lists, one entry per relevant clip')
    if len(clips) != len(ratings):
        raise InputError(f'{where}: {len(clips)} relevant_clip_ids but {len(ratings)} saliency_scores, expected equal')
    if not clips:
        return
    if not shape_is(ratings, len(ratings[0]) if isinstance(ratings[0], (list, tuple)) else -1):
        raise InputError(f'{where}: saliency_scores is not a table of numbers, one row of ratings per relevant clip')
    check_number(row.get('duration'), where, 'duration')
    num_clips = int(row['duration'] / clip_len)
    if not all(isinstance(clip, (int, np.integer)) and 0 <= clip < num_clips for clip in clips):
        raise InputError(
            f'{where}: relevant_clip_ids must be clip numbers from 0 to {num_clips - 1} (duration {row["duration"]} s, '
            f'clips of {clip_len} s), found {shown_value(sorted(clips, key=str)[-1] if clips else clips)}'
        )
    if len(set(clips)) < len(clips):
        repeated = next(clip for i, clip in enumerate(clips) if clip in clips[:i])
        raise InputError(
            f'{where}: relevant_clip_ids has clip {repeated} twice, of which only the last ratings would count; '
            'remove one of the two'
        )
