"""Reading annotation files: one JSON object per line and per query, checked before training starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from mmvmr.utils import read_jsonl

REQUIRED = ('qid', 'query', 'duration', 'vid')


class AnnotationReader:
    """Reads and checks annotations of moments and of highlights.

    Known to be read without a fault: QVHighlights, Charades-STA, Charades-CD, TACoS, ActivityNet-Captions, TVSum and
    YouTube Highlights.

    A row holds ``qid``, ``query``, ``duration`` (seconds), ``vid`` and, where it is labelled, ``relevant_windows``
    ([[start, end], ...] in seconds), ``relevant_clip_ids`` and ``saliency_scores`` (one list of annotator ratings per
    relevant clip), or ``label`` (one list of labels per clip of the video). Rows are returned as read, because
    evaluation compares with the annotation and not with what training makes of it.

    Args:
        window_tolerance: How far a window may reach past the end of the video, in seconds; annotations and video
            files are often rounded differently.
        outside: What to do with windows beyond that: ``error``, or ``clip`` for data sets that are known to have
            them (Charades-CD): targets are then cut to the video, and a window wholly outside gives no target.
        whole: Rows with a moment as long as the video: ``keep``, or ``drop`` (official BM-DETR).
    """

    def __init__(self, window_tolerance: float = 0.1, outside: str = 'error', whole: str = 'keep') -> None:
        if outside not in ('error', 'clip'):
            raise ValueError(f"annotations: outside={outside!r}, expected 'error' or 'clip'")
        if whole not in ('keep', 'drop'):
            raise ValueError(f"annotations: whole={whole!r}, expected 'keep' or 'drop'")
        self.whole = whole
        self.window_tolerance = window_tolerance
        self.outside = outside

    def read(self, path: str | os.PathLike[str], limit: int | None = None) -> list[dict[str, Any]]:
        """Read and check a file.

        Args:
            path: The jsonl file.
            limit: Read only the first so many rows.

        Returns:
            The rows in order.

        Raises:
            FileNotFoundError: If the file is absent.
            ValueError: If a line is not JSON or a row is impossible; the message names file, line and qid.
        """
        rows = read_jsonl(path, limit)
        if not rows:
            raise ValueError(f'{path}: no annotation in this file, expected one JSON object per line')
        seen: dict[Any, int] = {}
        for number, row in enumerate(rows):
            problem = self.problem(row)
            if problem is None and row['qid'] in seen:
                problem = f'the qid occurs in line {_line(path, seen[row["qid"]])} already; make every qid unique'
            if problem is not None:
                raise ValueError(f'{path}:{_line(path, number)}: qid {row.get("qid", "(none)")!r}: {problem}')
            seen[row['qid']] = number
        return [row for row in rows if self.whole == 'keep' or not _covers_video(row)]

    def problem(self, row: Mapping[str, Any]) -> str | None:
        """What is wrong with a row.

        Args:
            row: The annotation of one query.

        Returns:
            One sentence, or None for a row without fault.
        """
        if missing := [key for key in REQUIRED if row.get(key) is None]:
            return f'the keys {missing} are missing'
        if not isinstance(row['query'], str) or not row['query'].strip():
            return f'the query is empty ({row["query"]!r}); remove the line or write the sentence'
        if not isinstance(row['duration'], Real) or not 0 < row['duration'] < float('inf'):
            return f'duration is {row["duration"]!r}, expected a positive number of seconds'
        windows = row.get('relevant_windows')
        if windows is not None and not isinstance(windows, list):
            return f'relevant_windows is {windows!r}, expected a list of [start, end]'
        for window in windows or ():
            if fault := self._window_problem(window, float(row['duration'])):
                return fault
        return _saliency_problem(row) or _label_problem(row)

    def _window_problem(self, window: Any, duration: float) -> str | None:
        if not isinstance(window, list) or len(window) != 2 or not all(isinstance(v, Real) for v in window):
            return f'window {window} is not [start, end] in seconds'
        start, end = window
        if not start < end:
            return f'window {window}: start is not before end'
        if self.outside == 'clip':
            return None
        if start < 0 or start >= duration or end > duration + self.window_tolerance:
            return (
                f'window {window} is outside the video, which lasts {duration} s (tolerance '
                f"{self.window_tolerance} s); correct it, or set annotations.outside='clip'"
            )
        return None


def _covers_video(row: Mapping[str, Any]) -> bool:
    return any(end - start >= row['duration'] for start, end in row.get('relevant_windows') or ())


def _saliency_problem(row: Mapping[str, Any]) -> str | None:
    scores, clips = row.get('saliency_scores'), row.get('relevant_clip_ids')
    if scores is None:
        return None
    if clips is None:
        return 'saliency_scores are given without relevant_clip_ids'
    if len(scores) != len(clips):
        return f'{len(scores)} saliency_scores for {len(clips)} relevant_clip_ids'
    if any(not isinstance(clip, int) or clip < 0 for clip in clips):
        return 'relevant_clip_ids are not all integers from 0'
    annotators = {len(rating) if isinstance(rating, list) else 0 for rating in scores}
    if len(annotators) > 1 or 0 in annotators:
        return 'saliency_scores are not one list of ratings per clip, with as many annotators for every clip'
    return None


def _label_problem(row: Mapping[str, Any]) -> str | None:
    if row.get('label') is None:
        return None
    try:
        table = np.asarray(row['label'], dtype=np.float64)
    except (TypeError, ValueError):
        table = np.zeros(0)
    if table.ndim != 2 or not table.size or not np.isfinite(table).all():
        return 'label is not a table of numbers, one list per clip and as many annotators for every clip'
    return None


def of_domain(rows: list[dict[str, Any]], domain: str, path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The rows of one domain (TVSum and YouTube Highlights train one model per domain).

    Args:
        rows: Annotation rows.
        domain: Value of their key ``domain``.
        path: The file they come from, for the message.

    Returns:
        The rows of that domain, in order.

    Raises:
        ValueError: If there is none.
    """
    chosen = [row for row in rows if row.get('domain') == domain]
    if not chosen:
        known = sorted({str(row['domain']) for row in rows if 'domain' in row})
        raise ValueError(f'{path}: no row has domain={domain!r}, expected one of {known}')
    return chosen


def _line(path: str | os.PathLike[str], row: int) -> int:
    """Line of the ``row``-th object of a file; only computed for a message, as empty lines are rare."""
    with Path(path).open('rb') as lines:
        filled = [number for number, line in enumerate(lines, start=1) if line.strip()]
    return filled[row]
