"""Reading and writing of prediction and annotation files."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class InputError(ValueError):
    """A prediction or annotation file that cannot be scored; the message says where and how to fix it."""


def read_jsonl(path: str | os.PathLike[str]) -> list[Row]:
    """Read a file with one JSON object per line.

    Blank lines are refused except at the end, so that row ``i`` is always line ``i + 1`` in later messages.

    Args:
        path: File in UTF-8.

    Returns:
        One dict per line.

    Raises:
        InputError: If the file is absent or a line is not a JSON object (names file and line).
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f'{path}: no such file')
    rows: list[Row] = []
    try:
        lines = path.read_text(encoding='utf-8').rstrip().split('\n')
    except UnicodeDecodeError as error:
        raise InputError(f'{path}: not a text file in UTF-8 ({error})') from error
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            end = line.rstrip()[-40:]
            raise InputError(
                f'{path} line {number}: not valid JSON ({error.msg} at column {error.colno}); the line ends with '
                f'{end!r}. Expected one complete JSON object per line: was the file cut off while being written?'
            ) from error
        if not isinstance(row, dict):
            raise InputError(f'{path} line {number}: expected a JSON object, found {type(row).__name__}')
        rows.append(row)
    return rows


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file so that a reader sees either the old content or all of the new one.

    Args:
        path: Target; its folder is made.
        text: Whole content.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.', suffix='.tmp')
    try:
        os.fchmod(handle, 0o644)  # mkstemp makes files that only the owner can read
        with os.fdopen(handle, 'w', encoding='utf-8') as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_jsonl(path: str | os.PathLike[str], rows: Iterable[Row]) -> None:
    """Write one JSON object per line, atomically.

    Args:
        path: Target; its folder is made.
        rows: JSON-serialisable dicts. NaN and infinity are refused, as they are not JSON.
    """
    write_text(path, ''.join(json.dumps(row, allow_nan=False) + '\n' for row in rows))
