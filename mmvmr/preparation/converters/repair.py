"""Repairs of annotations that need no guessing, each change reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mmvmr.datasets.schema import DEFAULT_RULES, Rules
from mmvmr.preparation.converters.located import LocatedRow, find_repeats, issues_of


def repair(
    rows: Sequence[LocatedRow], rules: Rules = DEFAULT_RULES, repeats: bool = True
) -> tuple[list[LocatedRow], list[str]]:
    """Cut windows to the video, drop windows and rows that are there twice.

    A window that is wholly outside goes, and with the last one the row: without it, the row would say that nothing is
    labelled. Everything else is left for a person.

    Args:
        rows: The rows of one file; they stay as they are.
        rules: Windows that they allow are not touched.
        repeats: Whether rows that are there twice are one too many (some official files have them).

    Returns:
        The rows that are left, and one line per change.
    """
    notes: list[str] = []
    doubled = {repeat.index: repeat.earlier for repeat in find_repeats(rows) if repeats and repeat.same}
    repaired = []
    for index, located in enumerate(rows):
        if index in doubled:
            notes.append(f'{located.where}: left out, the same as {rows[doubled[index]].where}')
            continue
        mended, changes = _mend_windows(located, rules)
        notes += changes
        if mended is not None:
            repaired.append(mended)
    return repaired, notes


def without_issues(rows: Sequence[LocatedRow], rules: Rules = DEFAULT_RULES) -> tuple[list[LocatedRow], list[str]]:
    """The good rows, and one line per issue of those that are left out."""
    valid, notes = [], []
    for located in rows:
        if issues := issues_of(located, rules):
            notes += [f'{located.told(issue)} (left out)' for issue in issues]
        else:
            valid.append(located)
    return valid, notes


def _mend_windows(located: LocatedRow, rules: Rules) -> tuple[LocatedRow | None, list[str]]:
    windows = located.row.get('relevant_windows')
    broken = {issue.field for issue in issues_of(located, rules)}
    if not isinstance(windows, list) or not windows or 'duration' in broken or 'relevant_windows' in broken:
        return located, []
    duration, notes, repaired, places = located.row['duration'], [], [], []
    for number, window in enumerate(windows):
        where = located.windows_at[number] if located.windows_at else located.where
        new, note = _mended(window, duration, f'relevant_windows[{number}]' in broken, repaired)
        if note:
            notes.append(f'{where}: {note}')
        if new is not None:
            repaired.append(new)
            places.append(where)
    if not repaired:
        return None, [*notes, f'{located.where}: left out, no window of it is left']
    if not notes:
        return located, []
    row = {**located.row, 'relevant_windows': repaired}
    return replace(located, row=row, windows_at=places if located.windows_at else []), notes


def _mended(window: Any, duration: float, wrong: bool, before: list[Any]) -> tuple[Any, str]:
    """A window after repair (None: none is left), and what was done."""
    if window in before:
        return None, f'window {window} dropped, it is there twice'
    if not wrong or not _in_order(window):
        return window, ''
    start, end = max(window[0], 0), min(window[1], duration)
    if start >= end:
        return None, f'window {window} dropped, it is outside the video, which lasts {duration} s'
    if [start, end] in before:
        return None, f'window {window} dropped, cut to the video it is there twice'
    return [start, end], f'window {window} cut to {[start, end]}, the video lasts {duration} s'


def _in_order(window: Any) -> bool:
    """True if a window is well-formed and at worst outside: two numbers, one before the other."""
    numbers = isinstance(window, list) and len(window) == 2 and all(isinstance(v, (int, float)) for v in window)
    return numbers and window[0] < window[1]
