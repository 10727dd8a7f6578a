"""Writing files that are never seen half-written, and reading jsonl with errors that name the line."""

from __future__ import annotations

import json
import math
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mmvmr.utils.content import encoding_advice, regular_file, utf8

__all__ = [
    'atomic_write',
    'iterate_jsonl',
    'nan_to_none',
    'read_json',
    'read_jsonl',
    'read_text',
    'write_json',
    'write_jsonl',
]

_MAX_DEPTH = 100
_MAX_DIGITS = 300  # more than a float can hold
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')
_LONG_NUMBER = re.compile(rf'\d{{{_MAX_DIGITS + 1},}}')


def _default_mode() -> int:
    """Permissions that ``open`` would give a new file (``tempfile`` gives 0600)."""
    os.umask(mask := os.umask(0))
    return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` survive a power cut, where the file system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    with suppress(OSError):
        os.fsync(handle)
    os.close(handle)


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file that either exists completely or not at all, even under SIGKILL.

    The body writes to a temporary file in the same folder, which takes the place of ``path`` only when the body ends
    without an exception. An older version of ``path`` stays readable until then. Missing folders are made.

    Yields:
        The temporary path. It keeps the suffix of ``path``, because some writers choose the format by it.

    Raises:
        ValueError: If ``path`` is a folder.

    Examples:
        >>> with atomic_write('example.txt') as tmp:
        ...     _ = tmp.write_text('complete or absent')
    """
    if (target := Path(path)).is_dir():
        raise ValueError(f'{target}: is a folder, expected the name of a file to write')
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f'.{target.stem}.', suffix=f'.tmp{target.suffix}', dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, 'rb') as written:
            os.fsync(written.fileno())
        os.chmod(temporary, _default_mode())
        os.replace(temporary, target)
        _sync_folder(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def nan_to_none(value: Any) -> Any:
    """Replace NaN and infinities by None, recursively: JSON knows neither.

    Args:
        value: Anything made of dicts, lists, tuples and scalars; numpy scalars become Python ones.

    Returns:
        The same structure for ``json.dump(..., allow_nan=False)``.
    """
    if isinstance(value, dict):
        return {str(k): nan_to_none(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [nan_to_none(v) for v in value]
    if hasattr(value, 'tolist'):  # numpy scalars and arrays, tensors
        return nan_to_none(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write ``value`` as strict JSON (NaN becomes null), atomically; see :func:`nan_to_none`."""
    with atomic_write(path) as tmp:
        tmp.write_text(json.dumps(nan_to_none(value), indent=2, allow_nan=False) + '\n', encoding='utf-8')


def write_jsonl(path: str | os.PathLike[str], rows: Iterable[Any]) -> None:
    """Write one strict JSON value per line, atomically."""
    with atomic_write(path) as tmp, open(tmp, 'w', encoding='utf-8') as out:
        out.writelines(_line(row) + '\n' for row in rows)


def _line(row: Any) -> str:
    try:
        return json.dumps(row, allow_nan=False)
    except (TypeError, ValueError):  # numpy, NaN: rare, and going through every value takes most of the time
        return json.dumps(nan_to_none(row), allow_nan=False)


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read a JSON file.

    Raises:
        FileNotFoundError: If the file is absent; the message names the absolute path.
        ValueError: If it is not JSON; the message names file, line and column.
    """
    source = regular_file(path)
    text = _decoded(source.read_bytes(), str(source))
    try:
        return _loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f'{source}:{error.lineno}: not valid JSON at column {error.colno}: {error.msg}') from None


def read_jsonl(path: str | os.PathLike[str], limit: int | None = None) -> list[dict[str, Any]]:
    """Read a file with one JSON object per line. Empty lines are skipped.

    Args:
        path: The file to read.
        limit: Read only this many objects, the first ones.

    Returns:
        The objects in order.

    Raises:
        FileNotFoundError: If the file is absent.
        ValueError: If a line is truncated, not JSON, not UTF-8 or not an object; the message names file and line.
    """
    rows: list[dict[str, Any]] = []
    if limit is not None and limit <= 0:
        regular_file(path)
        return rows
    for _, row in iterate_jsonl(path):
        if isinstance(row, ValueError):
            raise row
        rows.append(row)
        if len(rows) == limit:
            break
    return rows


def iterate_jsonl(path: str | os.PathLike[str]) -> Iterator[tuple[int, dict[str, Any] | ValueError]]:
    """Read a file with one JSON object per line, past lines that are broken. Empty lines are skipped.

    Yields:
        Number of the line, and its object or what is wrong with it (the message names file and line).

    Raises:
        FileNotFoundError: If the file is absent.
    """
    source = regular_file(path)
    with open(source, 'rb') as lines:
        for number, raw in enumerate(lines, start=1):
            try:
                row = _parsed(raw, f'{source}:{number}')
            except ValueError as error:
                yield number, error
            else:
                if row is not None:
                    yield number, row


def _parsed(raw: bytes, where: str) -> dict[str, Any] | None:
    text = _decoded(raw, where)
    if not text.strip():
        return None
    try:
        row = _loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(
            f'{where}: not valid JSON (column {error.colno}: {error.msg}): {_shortened(text)}; '
            'expected one complete JSON object per line. Is the file truncated?'
        ) from None
    if not isinstance(row, dict):
        raise ValueError(f'{where}: expected a JSON object, found {type(row).__name__}: {_shortened(text)}')
    return row


def _loads(text: str) -> Any:
    """Parse JSON of limited depth and numbers of limited length, which nothing after this could handle.

    Raises:
        json.JSONDecodeError: If it is not such JSON.
    """
    if text.count('[') + text.count('{') > _MAX_DEPTH:
        _check_depth(text)
    if long := _LONG_NUMBER.search(_STRING.sub(_blank, text) if _LONG_NUMBER.search(text) else ''):
        raise json.JSONDecodeError(
            f'a number of {len(long[0])} digits, expected at most {_MAX_DIGITS}', text, long.start()
        )
    try:
        return _DECODER.decode(text)
    except KeyError as error:
        place = max(0, text.rfind(json.dumps(error.args[0])))
        raise json.JSONDecodeError(f'the key {error.args[0]} occurs twice in one object', text, place) from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise KeyError(next(key for i, (key, _) in enumerate(pairs) if key in dict(pairs[:i])))
    return content


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_keys)


def _check_depth(text: str) -> None:
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        bracket = match[0]
        depth += (bracket in '[{') - (bracket in ']}')
        if depth > _MAX_DEPTH:
            raise json.JSONDecodeError(f'nested more than {_MAX_DEPTH} deep', text, match.start())


def _blank(match: re.Match[str]) -> str:
    return ' ' * len(match[0])


def read_text(path: str | os.PathLike[str]) -> str:
    """Read a text file in UTF-8, without a byte order mark.

    Raises:
        FileNotFoundError: If the file is absent.
        ValueError: If it is not UTF-8; the message names the line.
    """
    source = regular_file(path)
    raw = source.read_bytes()
    try:
        return utf8(raw)
    except UnicodeDecodeError as error:
        line = raw.count(b'\n', 0, error.start) + 1
        raise ValueError(f'{source}:{line}: not UTF-8 text; {encoding_advice(raw)}') from None


def text_lines(text: str) -> list[str]:
    """The lines of a text; unlike for ``str.splitlines``, a vertical tab or U+2028 inside of a sentence ends none."""
    return re.split(r'\r\n|\r|\n', text)


def _decoded(raw: bytes, where: str) -> str:
    try:
        return utf8(raw)
    except UnicodeDecodeError as error:
        advice = encoding_advice(raw)
        raise ValueError(f'{where}: not UTF-8 text (byte {error.start} of the line); {advice}') from None


def _shortened(text: str, length: int = 60) -> str:
    text = text.strip()
    return repr(text if len(text) <= length else text[:length] + '...')
