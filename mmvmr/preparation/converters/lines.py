"""Annotations that are jsonl already."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from typing import Any

from mmvmr.datasets.schema import Issue, shown
from mmvmr.preparation.converters.located import UNREADABLE, LocatedRow, issues_of
from mmvmr.utils.io import iterate_jsonl

_RATINGS = ('relevant_clip_ids', 'saliency_scores')


def jsonl_rows(path: str | os.PathLike[str]) -> list[LocatedRow]:
    """Read the rows of a jsonl file, past broken lines: a line that cannot be read is a row with an issue."""
    rows = []
    for number, row in iterate_jsonl(path):
        where = f'{path}:{number}'
        if isinstance(row, ValueError):
            problem = str(row).partition(f'{where}: ')[2] or str(row)
            rows.append(
                LocatedRow(where, {}, [Issue(UNREADABLE, f'is {problem}', 'write the row again, or remove it')])
            )
        else:
            rows.append(LocatedRow(where, row))
    return rows


def qvhighlights_rows(path: str | os.PathLike[str], clip_len: float = 2.0) -> list[LocatedRow]:
    """Read QVHighlights, where windows and rated clips say the same.

    Args:
        path: The jsonl file.
        clip_len: Seconds per clip.

    Returns:
        Its rows; one whose windows and clips disagree has an issue.
    """
    rows = jsonl_rows(path)
    for located in rows:
        if located.row.get('relevant_clip_ids') is not None and not issues_of(located):
            located.issues += _disagreement(located.row, clip_len)
    return rows


def _disagreement(row: Mapping[str, Any], clip_len: float) -> Iterator[Issue]:
    windows = row.get('relevant_windows') or ()
    inside = {
        clip for start, end in windows for clip in range(int(start // clip_len), math.ceil(end / clip_len))
    }  # a clip that a window only touches counts
    if odd := sorted(inside ^ set(row['relevant_clip_ids'])):
        problem = f'and relevant_windows disagree in {len(odd)} clips of {clip_len} s, first clip {odd[0]}'
        yield Issue('relevant_clip_ids', problem, 'correct one of the two')


def na_vmr_rows(path: str | os.PathLike[str], prefix: str = 'na_') -> tuple[list[LocatedRow], int]:
    """Read NA-VMR: sentences about nothing in their video, for which it writes the window ``[0, 0]``.

    Args:
        path: The jsonl file.
        prefix: Put before every qid. NA-VMR numbers its sentences anew, and text features are stored by qid.

    Returns:
        Its rows with ``relevant_windows`` ``[]`` and without the empty ratings; one with a real window has an issue.
        And how many were left out because they repeat an earlier one in everything, as invented sentences do.
    """
    rows, seen = [], set()
    read = jsonl_rows(path)
    for located in read:
        windows = located.row.get('relevant_windows')
        if not located.issues and windows not in ([[0, 0]], []):
            fix = 'NA-VMR has sentences without a moment only; convert the others with charades_sta.py'
            located.issues.append(Issue('relevant_windows', f'is {shown(windows)}, expected [[0, 0]]', fix))
        if not located.issues:
            content = json.dumps(located.row, sort_keys=True)
            if content in seen:
                continue
            seen.add(content)
            unrated = {key: value for key, value in located.row.items() if key not in _RATINGS}
            located.row = {**unrated, 'qid': f'{prefix}{located.row.get("qid")}', 'relevant_windows': []}
        rows.append(located)
    return rows, len(read) - len(rows)
