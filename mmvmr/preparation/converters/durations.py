"""Durations of videos, where annotations do not state them."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from mmvmr.datasets.schema import Issue
from mmvmr.features.decoding import VideoReader
from mmvmr.features.videos import find_videos
from mmvmr.utils.io import read_json, read_jsonl, read_text

#: Name of a video to its length in seconds, None if it is not known.
Lookup = Callable[[str], float | None]
#: What columns and keys are called in Charades' own tables, in ours and in common ones.
NAMES = ('vid', 'video', 'id', 'video_id')
LENGTHS = ('duration', 'length', 'seconds')


def read_durations(path: str | os.PathLike[str]) -> dict[str, float]:
    """Read lengths of videos from a table.

    Args:
        path: ``.csv`` with columns ``vid`` (or ``video``, ``id``) and ``duration`` (or ``length``), as Charades' own
            ``Charades_v1_train.csv``; ``.jsonl`` with such keys, as any annotation file; or ``.json`` of names to
            seconds or to objects with such a key.

    Returns:
        Name of the video to seconds.

    Raises:
        ValueError: If the file does not say it, or says two things; the message names file, line and field.
    """
    source = Path(path)
    if source.suffix == '.json':
        content = read_json(source)
        if not isinstance(content, dict):
            raise ValueError(f'{path}: expected a JSON object, name of the video to seconds')
        entries = [
            (f'{path}: video {name!r}', {'vid': name, **(value if isinstance(value, dict) else {'duration': value})})
            for name, value in content.items()
        ]
    elif source.suffix == '.jsonl':
        entries = [(f'{path}, row {number}', row) for number, row in enumerate(read_jsonl(source), start=1)]
    else:
        reader = csv.DictReader(io.StringIO(read_text(source), newline=''))
        entries = [(f'{path}:{reader.line_num}', row) for row in reader]
    return _durations(entries, path)


def _durations(entries: Iterable[tuple[str, Mapping[str, Any]]], path: str | os.PathLike[str]) -> dict[str, float]:
    durations: dict[str, float] = {}
    for where, row in entries:
        name, length = (next((row[key] for key in keys if row.get(key)), None) for keys in (NAMES, LENGTHS))
        try:
            seconds = float(length)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            seconds = 0.0
        if name is None or not 0 < seconds < float('inf'):
            raise ValueError(
                f'{where}: no length of a video: {NAMES[0]} (or {", ".join(NAMES[1:])}) is {name!r}, {LENGTHS[0]} (or '
                f'{", ".join(LENGTHS[1:])}) is {length!r}, expected a name and a positive number of seconds'
            )
        if durations.setdefault(str(name), seconds) != seconds:
            raise ValueError(f'{where}: video {name!r} lasts {seconds} s here and {durations[str(name)]} s before')
    if not durations:
        raise ValueError(f'{path}: no length of a video in this file')
    return durations


def video_lengths(source: str | os.PathLike[str]) -> Lookup:
    """Look up the lengths of video files. Needs PyAV.

    Args:
        source: A folder with them, searched as ``mmvmr extract`` does.

    Returns:
        A function of the name of a video: seconds, or None where there is no such file. It raises ValueError where the
        file cannot be used.

    Raises:
        FileNotFoundError: If the folder is absent or has no video.
    """
    files = find_videos([os.fspath(source)])

    @cache
    def seconds(name: str) -> float | None:
        return round(VideoReader(files[name]).duration, 3) if name in files else None

    return seconds


def looked_up(vid: str, lookup: Lookup | None) -> float | Issue:
    """The length in seconds of a video that the annotations do not say, or what is to be done; None looks nowhere."""
    problem = f'of video {vid!r} is not known'
    try:
        seconds = None if lookup is None else lookup(vid)
    except ValueError as error:
        return Issue('duration', f'{problem}: {error}', 'fetch the video again, or write its length')
    if seconds is not None:
        return seconds
    if lookup is not None:
        name = PurePosixPath(vid.replace('\\', '/')).stem
        if name != vid and lookup(name) is not None:
            fix = f'write {name!r}: videos are named without folder and suffix, as their features are'
            return Issue('duration', f'{problem}, but that of {name!r} is', fix)
    problem += '' if lookup is None else ' to --durations or --videos either'
    fix = (
        'write it, or give --durations TABLE or --videos FOLDER' if lookup is None else 'correct the name, or write it'
    )
    return Issue('duration', problem, fix)
