"""Checks of the windows of rows: their unit, their bounds, and whether a row has one twice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mmvmr.preparation.checks.finding import ERROR, NOTE, WARNING, Issue, found
from mmvmr.preparation.checks.split import Row, Split

Windows = Sequence[Sequence[float]]
#: Fewer rows may all have their moments in the first second.
_MANY = 10
#: Seconds; all moments of longer videos do not end within the first one.
_SHORT = 2.0


def fractions(split: Split) -> list[Issue]:
    """Windows that all end within the first second of videos that are longer: an error in ten rows or more."""
    rows = [row for row in split.rows if row.get('relevant_windows')]
    if not rows or any(row['duration'] <= _SHORT for row in rows):
        return []
    if any(end > 1 for row in rows for _, end in row['relevant_windows']):
        return []
    return found(
        'units',
        ERROR if len(rows) >= _MANY else WARNING,
        split.name,
        [f'{split.place(row)}: {row["relevant_windows"][0]} of {row["duration"]:g} s' for row in rows],
        'rows have all their relevant_windows between 0 and 1',
        'Are they fractions of the video? Write seconds: multiply them by the duration',
        len(split.rows),
    )


def doubled_windows(split: Split) -> list[Issue]:
    """Rows that have a window twice, and rows whose windows overlap."""
    twice, overlapping = [], []
    for row in split.rows:
        ordered = sorted(row.get('relevant_windows') or ())
        pairs = list(pairwise(ordered))
        if same := [window for window, other in pairs if window == other]:
            twice.append(f'{split.place(row)}: {same[0]}')
        elif apart := [(window, other) for window, other in pairs if other[0] < window[1]]:
            overlapping.append(f'{split.place(row)}: {apart[0][0]} and {apart[0][1]}')
    return [
        *found(
            'windows',
            WARNING,
            split.name,
            twice,
            'rows have a window twice',
            'It counts as two moments, of which a prediction can meet one: the best average precision is a half. '
            'Remove one (validate.py --fix does)',
            len(split.rows),
        ),
        *found(
            'windows',
            NOTE,
            split.name,
            overlapping,
            'rows have windows that overlap',
            'Each counts as a separate moment: join them if they are one',
            len(split.rows),
        ),
    ]


def past_end(split: Split) -> list[Issue]:
    """Windows that reach past the end of the video or begin before 0.

    Args:
        split: The split; whether reading cuts them decides about the severity.

    Returns:
        What was found.
    """
    rows = [row for row in split.rows if row.get('relevant_windows')]
    past = [
        shown_windows(row, [(start, end)])
        for row in rows
        for start, end in row['relevant_windows']
        if start < 0 or start >= row['duration'] or end > row['duration'] + split.window_tolerance
    ]
    cut = split.outside == 'clip'
    return found(
        'past_end',
        WARNING if cut else ERROR,
        split.name,
        past,
        'windows are outside of the video' + (', cut for training and not for scoring' if cut else ''),
        'Are the times those of another cut of the video, or not in seconds? Correct windows or duration'
        + ('' if cut else ", or set annotations=dict(outside='clip')"),
    )


def past_clips(split: Split) -> list[Issue]:
    """Windows that begin after the last clip that ``max_clips`` leaves."""
    if split.spec is None or split.spec.max_clips is None:
        return []
    end = split.spec.max_clips * split.clip_len
    late = [
        shown_windows(row, [window])
        for row in split.rows
        for window in row.get('relevant_windows') or ()
        if end <= window[0] < row['duration']
    ]
    return found(
        'past_clips',
        WARNING,
        split.name,
        late,
        f'windows begin after the {split.spec.max_clips} clips ({end:g} s) that are used',
        'No prediction can reach them: raise feature_spec.max_clips',
    )


def shown_windows(row: Row, windows: Windows) -> str:
    """The first windows (seconds) of a row, for messages."""
    shown = ', '.join(f'{start:g} to {end:g}' for start, end in windows[:3])
    return f'qid {row["qid"]}: {shown} of {row["duration"]:g} s'
