"""Checks of what rows are labelled with: whether training can use it, and whether its parts agree."""

from __future__ import annotations

import math
from typing import Any

from mmvmr.preparation.checks.finding import ERROR, WARNING, Issue, found
from mmvmr.preparation.checks.split import Row, Split


def unusable_labels(split: Split, targets: Any) -> list[Issue]:
    """Rows that the targets of training cannot be built from.

    Args:
        split: The split. Rows without a label are an error in a training split only.
        targets: Transform with a method ``row_issues``; any other says nothing about the rows that it needs.

    Returns:
        One finding per remedy.
    """
    if not hasattr(targets, 'row_issues'):
        return []
    training = split.kind == 'train'
    described = any(row.get('relevant_windows') or row.get('label') for row in split.rows)
    bare = [split.place(row) for row in split.rows] if training and not described else []
    lines: dict[str, list[str]] = {}
    for row in split.rows:
        for issue in targets.row_issues(row, missing=training):
            lines.setdefault(issue.fix, []).append(f'{split.place(row)}: {issue.field} {issue.problem}')
    text = 'rows cannot be trained on' if training else 'rows have labels that do not fit'
    advice = 'A model would learn that there is never anything to find; are the moments under another key?'
    return [
        *found('labels', WARNING, split.name, bare, 'rows describe nothing in their video', advice, len(bare)),
        *(
            finding
            for fix, offenders in lines.items()
            for finding in found(
                'labels', ERROR, split.name, offenders, text, f'{fix[0].upper()}{fix[1:]}', len(split.rows)
            )
        ),
    ]


def rated_clips(split: Split) -> list[Issue]:
    """Rated clips outside of the video (error) and of the moments (warning)."""
    if not split.clip_len:
        return []
    beyond, apart = [], []
    for row in split.rows:
        clips = row.get('relevant_clip_ids') or ()
        if not clips:
            continue
        last = math.ceil(row['duration'] / split.clip_len) - 1
        if max(clips) > last:
            beyond.append(f'{split.place(row)}: clip {max(clips)}, the last one is {last}')
        elif (odd := _outside_moments(row, split.clip_len)) is not None:
            apart.append(f'{split.place(row)}: clip {odd}')
    rated = sum(bool(row.get('relevant_clip_ids')) for row in split.rows)
    common = f'relevant_clip_ids, at {split.clip_len:g} s per clip,'
    advice = 'Do they count clips of another length (feature_spec.clip_len), or from 1? Correct them'
    return [
        *found(
            'rated_clips', ERROR, split.name, beyond, f'rows have {common} after the end of the video', advice, rated
        ),
        *found(
            'rated_clips', WARNING, split.name, apart, f'rows have {common} outside of their moments', advice, rated
        ),
    ]


def _outside_moments(row: Row, clip_len: float) -> int | None:
    """The first rated clip that no moment touches; None where there is none, or no moment is labelled."""
    windows = row.get('relevant_windows')
    if windows is None:
        return None
    for clip in sorted(row['relevant_clip_ids']):
        if not any(start < (clip + 1) * clip_len and end > clip * clip_len for start, end in windows):
            return clip
    return None
