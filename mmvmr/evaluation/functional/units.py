"""Signs that times of a file are not in seconds: figures would be zeros, without an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmvmr.evaluation.functional.validation import WINDOWS_KEY
from mmvmr.evaluation.functional.values import Row

#: Moments of longer videos do not all end within their first second.
_SHORT = 2.0


def unit_notes(predictions: Sequence[Row], annotations: Sequence[Row], source: str, reference: str) -> list[str]:
    """Notes about times that look like fractions of the video, or like milliseconds or frames.

    Args:
        predictions: Checked rows of a prediction file.
        annotations: Checked rows of its ground truth.
        source: Name of the prediction file, for messages.
        reference: Name of the annotation file, for messages.

    Returns:
        A line per file that has such times; none where durations are not known.
    """
    lengths = {row['qid']: row['duration'] for row in annotations if isinstance(row.get('duration'), (int, float))}
    notes = []
    for name, rows, key in ((source, predictions, WINDOWS_KEY), (reference, annotations, 'relevant_windows')):
        timed = [(row[key], lengths[row['qid']]) for row in rows if row.get(key) and row['qid'] in lengths]
        if note := _note(timed, name):
            notes.append(note)
    return notes


def _note(timed: Sequence[tuple[Any, float]], name: str) -> str:
    """The note about one file, of which windows and durations are given; empty where the times look right."""
    late = sum(windows[0][0] >= duration for windows, duration in timed)
    if 2 * late > len(timed):
        return (
            f'{name}: in {late} of {len(timed)} queries the first moment begins after the end of the video: '
            'are the times milliseconds or frames? write seconds'
        )
    last = max((window[1] for windows, _ in timed for window in windows), default=0.0)
    if timed and last <= 1 and min(duration for _, duration in timed) > _SHORT:
        return f'{name}: all moments end within 1 s: are the times fractions of the video? write seconds'
    return ''
