"""Sentences that are to be found in a collection of videos: TVR, and fine-grained sentences for Charades-STA."""

from __future__ import annotations

import os
from collections.abc import Mapping
from numbers import Real
from typing import Any

from mmvmr.datasets.schema import Issue, shown
from mmvmr.preparation.converters.lines import jsonl_rows
from mmvmr.preparation.converters.located import LocatedRow
from mmvmr.utils import check_choice

#: Sentences of Charades-FIG: fine-grained, and as in Charades-STA.
SENTENCES = ('fig_desc', 'cog_desc')


def tvr_rows(path: str | os.PathLike[str]) -> list[LocatedRow]:
    """Read ``tvr_train_release.jsonl`` and its like: ``desc_id``, ``desc``, ``vid_name``, ``duration``, ``ts``.

    Args:
        path: The jsonl file. ``tvr_test_public_release.jsonl`` names no video, which is an issue of every row.

    Returns:
        One row per line; ``type`` (v, t or vt: whether the sentence needs the video or the subtitles) stays.
    """
    names = {'qid': 'desc_id', 'query': 'desc', 'vid': 'vid_name', 'relevant_windows': 'ts'}
    return [_renamed(located, names, extra=('type',)) for located in jsonl_rows(path)]


def charades_fig_rows(
    path: str | os.PathLike[str], sentence: str = 'fig_desc', prefix: str = 'fig_'
) -> list[LocatedRow]:
    """Read Charades-FIG: a line per moment of Charades-STA with a sentence that tells its video from others.

    Args:
        path: The jsonl file.
        sentence: ``fig_desc``, the fine-grained sentence, or ``cog_desc``, that of Charades-STA.
        prefix: Put before every qid: the file numbers its sentences anew, and text features are stored by qid.

    Returns:
        One row per line. Windows end with the video, as in the published jsonl files of Charades-STA.

    Raises:
        ValueError: If there is no such sentence.
    """
    check_choice('charades_fig_rows', 'sentence', sentence, SENTENCES)
    names = {'qid': 'desc_id', 'query': sentence, 'vid': 'video', 'relevant_windows': 'time'}
    rows = [_renamed(located, names) for located in jsonl_rows(path)]
    for located in rows:
        row = located.row
        if row.get('qid') is not None:
            row['qid'] = f'{prefix}{row["qid"]}'
        for window in row.get('relevant_windows') or ():
            if isinstance(row.get('duration'), Real):
                window[1] = min(window[1], row['duration'])
    return rows


def _renamed(located: LocatedRow, names: Mapping[str, str], extra: tuple[str, ...] = ()) -> LocatedRow:
    """A row under the names of the schema, with the one moment as a list of moments."""
    if located.issues:
        return located
    source = located.row
    row: dict[str, Any] = {
        'qid': source.get(names['qid']),
        'query': source.get(names['query']),
        'duration': source.get('duration'),
        'vid': source.get(names['vid']),
        **{key: source[key] for key in extra if key in source},
    }
    issues = [
        Issue(names[key], 'is missing', 'write it, or convert a file that has it')
        for key in ('qid', 'query', 'vid')
        if row[key] is None
    ]
    key = names['relevant_windows']
    window = source.get(key)
    if isinstance(window, list) and len(window) == 2 and all(isinstance(value, Real) for value in window):
        row['relevant_windows'] = [list(window)]
    elif window is not None:
        issues.append(Issue(key, f'is {shown(window)}, expected [start, end] in seconds', 'write it'))
    unknown = frozenset(field for field, name in names.items() if any(issue.field == name for issue in issues))
    return LocatedRow(located.where, row, issues, names=names, unknown=unknown)
