"""How long videos are, where annotations do not say it."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cv2

from mmvmr.utils.io import read_json, read_jsonl

#: Name of a video to its length in seconds, None if it is not known.
Lookup = Callable[[str], float | None]
#: What columns and keys are called in Charades' own tables, in ours and in common ones.
NAMES = ('vid', 'video', 'id', 'video_id')
LENGTHS = ('duration', 'length', 'seconds')
VIDEO_SUFFIXES = ('.mp4', '.mkv', '.webm', '.avi', '.mov', '.m4v', '.mpg', '.flv')


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
        with open(source, encoding='utf-8-sig', newline='') as lines:
            reader = csv.DictReader(lines)
            entries = [(f'{path}:{reader.line_num}', row) for row in reader]
    return _durations(entries, path)


def _durations(entries: Iterable[tuple[str, Mapping[str, Any]]], path: str | os.PathLike[str]) -> dict[str, float]:
    found: dict[str, float] = {}
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
        if found.setdefault(str(name), seconds) != seconds:
            raise ValueError(f'{where}: video {name!r} lasts {seconds} s here and {found[str(name)]} s before')
    if not found:
        raise ValueError(f'{path}: no length of a video in this file')
    return found


def video_lengths(folder: str | os.PathLike[str]) -> Lookup:
    """Look up the lengths of video files.

    Args:
        folder: Where they are, as ``{name}.mp4`` or with another suffix of videos.

    Returns:
        A function of the name of a video: seconds, or None where the file is absent or cannot be read.

    Raises:
        NotADirectoryError: If the folder is absent.
    """
    root = Path(folder)
    if not root.is_dir():
        raise NotADirectoryError(f'{root.absolute()}: no such folder')

    @cache
    def seconds(name: str) -> float | None:
        files = (root / f'{name}{suffix}' for suffix in ('', *VIDEO_SUFFIXES))
        file = next((file for file in files if file.suffix.lower() in VIDEO_SUFFIXES and file.is_file()), None)
        return None if file is None else _probe(file)

    return seconds


def _probe(file: Path) -> float | None:
    capture = cv2.VideoCapture(str(file))
    try:
        frames, fps = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
    finally:
        capture.release()
    return round(frames / fps, 3) if frames > 0 and fps > 0 else None
