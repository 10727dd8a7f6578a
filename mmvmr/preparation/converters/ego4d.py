"""Ego4D natural language queries: ``nlq_train.json``, ``nlq_val.json``, ``nlq_test_unannotated.json``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

from mmvmr.datasets.schema import Issue, shown
from mmvmr.preparation.converters.located import LocatedRow
from mmvmr.utils.io import read_json

#: Further keys that a row keeps in addition to the schema's; slots and verbs are those of the templates.
KEPT = ('template', 'slot_x', 'verb_x', 'slot_y', 'verb_y', 'raw_tags', 'video_start_sec', 'video_end_sec')


def nlq_rows(path: str | os.PathLike[str], widen: float = 0.0) -> tuple[list[LocatedRow], dict[str, int]]:
    """Read such a file. A row's video is the clip, which is what features are made of and times refer to.

    Args:
        path: The JSON file.
        widen: Seconds that a moment without length is made to last, around its point; 0 leaves the sentence out, since
            no prediction can meet it (one in seven of the first release).

    Returns:
        One row per sentence, and how many were left out: ``empty`` (no sentence), ``pointlike`` (no length).

    Raises:
        ValueError: If the file has another form.
    """
    rows: list[LocatedRow] = []
    left_out = {'empty': 0, 'pointlike': 0}
    for where, clip, annotation, number, query in _queries(path):
        text = query.get('query')
        if text is None or (isinstance(text, str) and not text.strip()):
            left_out['empty'] += 1
            continue
        located = _row(f'{where}, sentence {number + 1}', clip, annotation, number, query)
        for window in located.row.get('relevant_windows', ()):
            if window[0] == window[1] and widen:
                window[:] = _widened(window[0], widen, located.row['duration'])
        if any(start == end for start, end in located.row.get('relevant_windows', ())):
            left_out['pointlike'] += 1
            continue
        rows.append(located)
    return rows, left_out


def _queries(path: str | os.PathLike[str]) -> Iterator[tuple[str, dict, dict, int, dict]]:
    """Every sentence with its place, clip and annotation."""
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get('videos'), list):
        raise ValueError(f'{path}: expected an object with `videos`, as nlq_train.json of Ego4D has it')
    for video in content['videos']:
        for clip in _list(video, 'clips', f'{path}: video {video.get("video_uid")!r}'):
            clip = {'video_uid': video.get('video_uid'), **clip}
            where = f'{path}: clip {clip.get("clip_uid")!r}'
            for annotation in _list(clip, 'annotations', where):
                inside = f'{where}, annotation {annotation.get("annotation_uid")!r}'
                for number, query in enumerate(_list(annotation, 'language_queries', inside)):
                    yield inside, clip, annotation, number, query


def _list(parent: Mapping[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    value = parent.get(key)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ValueError(f'{where}: {key} is {shown(value)}, expected a list of objects')
    return value


def _row(
    where: str, clip: Mapping[str, Any], annotation: Mapping[str, Any], number: int, query: Mapping[str, Any]
) -> LocatedRow:
    issues = []
    row: dict[str, Any] = {
        'qid': f'{annotation.get("annotation_uid")}_{number}',
        'query': query['query'],
        'duration': None,
        'vid': clip.get('clip_uid'),
    }
    if annotation.get('annotation_uid') is None:
        issues.append(Issue('annotation_uid', 'is missing, and names the sentence', 'write it'))
    ends = clip.get('clip_start_sec'), clip.get('clip_end_sec')
    if all(isinstance(value, Real) for value in ends):
        row['duration'] = ends[1] - ends[0]
    else:
        problem = f'of the clip is not known: clip_start_sec, clip_end_sec are {shown(ends)}'
        issues.append(Issue('duration', problem, 'write seconds'))
    times = query.get('clip_start_sec'), query.get('clip_end_sec')
    if all(isinstance(value, Real) for value in times):
        row['relevant_windows'] = [list(times)]
    elif times != (None, None):
        problem = f'are {shown(times)}, expected two numbers of seconds'
        issues.append(Issue('clip_start_sec, clip_end_sec', problem, 'write them, or leave both out'))
    row['video_uid'] = clip['video_uid']
    row.update({key: query[key] for key in KEPT if key in query})
    return LocatedRow(where, row, issues)


def _widened(point: float, seconds: float, duration: float | None) -> tuple[float, float]:
    start = max(point - seconds / 2, 0.0)
    end = start + seconds
    return (max(duration - seconds, 0.0), duration) if duration is not None and end > duration else (start, end)
