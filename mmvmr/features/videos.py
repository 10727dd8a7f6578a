"""Video files of a folder and their names."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path

from mmvmr.utils.io import read_text, text_lines

# fmt: off
SUFFIXES = frozenset([
    '.3gp', '.avi', '.flv', '.m2ts', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.mts', '.ogv', '.ts', '.vob',
    '.webm', '.wmv',
])
# fmt: on
LISTS = frozenset(['.txt', '.lst'])


def find_videos(sources: Iterable[str]) -> dict[str, Path]:
    """The videos that the command line means.

    Args:
        sources: Folders (searched with everything below them for files with the suffix of a video), text files with a
            path per line (``.txt`` or ``.lst``; relative to their own folder), patterns, and video files.

    Returns:
        Name of the video (the file name without its suffix, as ``vid`` in annotations) to its file, by name.

    Raises:
        FileNotFoundError: If a source is not there, or has no video.
        ValueError: If two files have the same name.
    """
    videos: dict[str, Path] = {}
    for source in sources:
        for path in _files(source):
            other = videos.setdefault(path.stem, path)
            if other.absolute() != path.absolute():
                raise ValueError(
                    f'two videos are called {path.stem!r}: {other} and {path}; their features would have the same '
                    'file: rename one, or extract them into different folders'
                )
    return dict(sorted(videos.items()))


def _files(source: str) -> list[Path]:
    path = Path(source)
    if path.is_dir():
        files = sorted(f for f in path.rglob('*') if f.suffix.lower() in SUFFIXES and f.is_file())
        return _some(files, f'{source}: no video below this folder (files that end in {" ".join(sorted(SUFFIXES))})')
    if path.suffix.lower() in LISTS and path.is_file():
        lines = text_lines(read_text(path))
        files = [path.parent / line.strip() for line in lines if line.strip()]
        return _some(files, f'{source}: the list is empty, expected the path of a video per line')
    if path.is_file():
        return [path]
    files = sorted(Path(name) for name in glob.glob(source, recursive=True))
    return _some([f for f in files if f.is_file()], f'{source}: no such folder, list or video, and no pattern of one')


def _some(files: list[Path], message: str) -> list[Path]:
    if not files:
        raise FileNotFoundError(message)
    return files
