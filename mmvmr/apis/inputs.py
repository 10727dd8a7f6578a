"""Checks of what a user asks about which video."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def checked_sentences(sentences: Sequence[str]) -> list[str]:
    """The sentences without surrounding blanks.

    Args:
        sentences: What a user asks.

    Returns:
        At least one sentence.

    Raises:
        ValueError: If there is none, or one is empty.
    """
    if isinstance(sentences, str):
        sentences = [sentences]
    if not sentences:
        raise ValueError('no sentence was given; ask at least one, e.g. "a dog jumps into the water"')
    stripped = [str(s).strip() for s in sentences]
    if empty := [i + 1 for i, s in enumerate(stripped) if not s]:
        raise ValueError(f'sentence {empty[0]} of {len(stripped)} is empty; write what should be found')
    return stripped


def local_file(video: str | os.PathLike[str]) -> Path:
    """A video on this machine.

    Args:
        video: Path of the file.

    Returns:
        The path.

    Raises:
        FileNotFoundError: If it is not a file.
        ValueError: If it is an address.
    """
    text = os.fspath(video)
    if '://' in text:
        raise ValueError(f'{text}: is an address; download the video and give its file')
    path = Path(text).expanduser()
    if path.is_dir():
        raise FileNotFoundError(
            f'{path}: is a folder, expected a video file; for all videos in it use encode_folder, or `mmvmr index`'
        )
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such video file')
    return path
