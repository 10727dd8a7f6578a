"""Annotations in one JSON object per file: name of the video to its sentences and times.

ActivityNet-Captions, Charades-CD and Charades-CG give ``duration`` and times in seconds, TACoS (as the authors of
2D-TAN share it) ``num_frames``, ``fps`` and times in frames.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

from mmvmr.datasets.schema import Issue, shown
from mmvmr.preparation.converters.lines import jsonl_rows
from mmvmr.preparation.converters.located import LocatedRow
from mmvmr.utils.io import read_json

#: (name of the video, number of the sentence in it, number of the sentence in the file) to qid.
QidRule = Callable[[str, int, int], Any]


def numbered(first: int = 0) -> QidRule:
    """The rule that counts sentences through the file, from ``first`` on."""
    return lambda vid, inside, overall: first + overall


def by_name(vid: str, inside: int, overall: int) -> str:
    """The qid of a sentence that is counted ``inside`` its video: ``s17-d69_0``."""
    return f'{vid}_{inside}'


def prefixed(prefix: str) -> QidRule:
    """The rule that counts sentences through the file, with a name before the number: ``novel_word_0``."""
    return lambda vid, inside, overall: f'{prefix}_{overall}'


def read_object(path: str | os.PathLike[str], what: str) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Args:
        path: The file.
        what: What its values are, for the message.

    Raises:
        ValueError: If it is something else.
    """
    content = read_json(path)
    if not isinstance(content, dict) or not all(isinstance(value, dict) for value in content.values()):
        raise ValueError(f'{path}: expected one JSON object, name of the video to {what}')
    return content


def json_or_jsonl(
    path: str | os.PathLike[str], qid: QidRule, keep: Sequence[str] = (), suffix: str = ''
) -> list[LocatedRow]:
    """Read such a file, or by its suffix one that is jsonl already; arguments and rows as in :func:`video_rows`."""
    return jsonl_rows(path) if Path(path).suffix == '.jsonl' else video_rows(path, qid, keep, suffix)


def video_rows(
    path: str | os.PathLike[str],
    qid: QidRule,
    keep: Sequence[str] = (),
    suffix: str = '',
    keys: tuple[str, str] = ('sentences', 'timestamps'),
) -> list[LocatedRow]:
    """Read such a file.

    Args:
        path: The JSON file.
        qid: How sentences are named.
        keep: Lists parallel to ``sentences`` of which each row takes its element along.
        suffix: What names of videos end with in this file and not in feature files.
        keys: Names of the lists of sentences and of their times (TimeLens has ``queries`` and ``spans``).

    Returns:
        One row per sentence, in order.

    Raises:
        ValueError: If the file has another form.
    """
    rows: list[LocatedRow] = []
    listed, times = keys
    for name, video in read_object(path, f'{{duration, {times}, {listed}}}').items():
        vid = name.removesuffix(suffix)
        sentences = video.get(listed)
        if not isinstance(sentences, list):
            issue = Issue(listed, f'are {shown(sentences)}, expected a list', 'write one sentence per moment')
            rows.append(LocatedRow(f'{path}: video {name!r}', {'vid': vid}, [issue]))
            continue
        duration, fps, issues = _length(video)
        issues += _uneven(video, len(sentences), (times, *keep))
        odd = {issue.field for issue in issues}
        for number, sentence in enumerate(sentences):
            row = {'qid': qid(vid, number, len(rows)), 'query': sentence, 'duration': duration, 'vid': vid}
            located = LocatedRow(f'{path}: video {name!r}, sentence {number + 1}', row, list(issues))
            if times in video and times not in odd:
                _add_window(located, video[times][number], fps, times)
            row.update({key: video[key][number] for key in keep if key in video and key not in odd})
            rows.append(located)
    return rows


def _length(video: Mapping[str, Any]) -> tuple[Any, float | None, list[Issue]]:
    """Duration in seconds, frames per second of the times (None: they are seconds), and issues."""
    if 'duration' in video:
        return video['duration'], None, []
    if 'fps' not in video and 'num_frames' not in video:
        fix = 'write seconds, or num_frames and fps for times in frames'
        return None, None, [Issue('duration', 'is missing', fix)]
    issues = []
    for key in ('num_frames', 'fps'):
        if not _positive(video.get(key)):
            problem = f'of the video is not known: {key} is {shown(video.get(key))}, expected a positive number'
            issues.append(Issue('duration', problem, 'write it'))
    return (None, None, issues) if issues else (video['num_frames'] / video['fps'], video['fps'], [])


def _positive(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and 0 < value < float('inf')


def _uneven(video: Mapping[str, Any], count: int, keys: Sequence[str]) -> Iterator[Issue]:
    for key in keys:
        if key not in video:
            continue
        if not isinstance(video[key], list):
            yield Issue(key, f'is {shown(video[key])}, expected a list', 'write one element per sentence')
        elif len(video[key]) != count:
            yield Issue(key, f'has {len(video[key])} elements for {count} sentences', 'write one per sentence')


def _add_window(located: LocatedRow, times: Any, fps: float | None, name: str) -> None:
    located.row['relevant_windows'] = [times]
    located.names = {'relevant_windows': name}
    located.windows_at = [located.where]
    if fps is not None and isinstance(times, list) and all(isinstance(value, Real) for value in times):
        located.row['relevant_windows'] = [[value / fps for value in times]]
