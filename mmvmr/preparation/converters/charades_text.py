"""Charades-STA in its original form: one line ``VIDEO START END##SENTENCE`` per moment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from mmvmr.datasets.schema import Issue, shown
from mmvmr.preparation.converters.located import UNREADABLE, LocatedRow
from mmvmr.utils.io import read_text, text_lines

_LINE = re.compile(r'\s*(\S+)\s+(\S+)\s+(\S+?)\s*##(.*)')


def sentence_rows(
    path: str | os.PathLike[str], durations: Mapping[str, float], first_qid: int = 0, cut: bool = True
) -> list[LocatedRow]:
    """Read such a file.

    Args:
        path: The text file.
        durations: Name of the video to seconds; the file does not say it.
        first_qid: Number of the first sentence; the published jsonl files count from 0 in training and go on in test.
        cut: Cut windows to the video, as the published jsonl files do; the original ones are in part longer.

    Returns:
        One row per line.
    """
    rows = []
    for number, line in enumerate(text_lines(read_text(path)), start=1):
        if line.strip():
            rows.append(_row(f'{path}:{number}', line, durations, first_qid + len(rows), cut))
    return rows


def _row(where: str, line: str, durations: Mapping[str, float], qid: int, cut: bool) -> LocatedRow:
    match = _LINE.fullmatch(line)
    if match is None:
        issue = Issue(UNREADABLE, f'is {shown(line)}, expected VIDEO START END##SENTENCE', 'write it so, or remove it')
        return LocatedRow(where, {}, [issue])
    vid, *times, query = match.groups()
    issues = []
    window = []
    for name, text in zip(('start', 'end'), times):
        try:
            window.append(float(text))
        except ValueError:
            issues.append(Issue(name, f'is {text!r}, expected a number of seconds', 'write it'))
    duration = durations.get(vid)
    if duration is None:
        issues.append(Issue('duration', f'of video {vid!r} is not in the table of lengths', 'add it to that table'))
    elif cut and not issues:
        window[1] = min(window[1], duration)
    row = {'qid': qid, 'query': query, 'duration': duration, 'vid': vid}
    if len(window) == 2:
        row['relevant_windows'] = [window]
    return LocatedRow(where, row, issues)
