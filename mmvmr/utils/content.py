"""Looking at a file before it is read: whether it can be read, what it is instead, what sizes it claims."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

__all__ = ['check_claimed_size', 'encoding_advice', 'foreign_content', 'parse_yaml', 'reason', 'regular_file', 'utf8']

_HEAD = 512
#: Contents up to this size are read whatever they claim.
_ALWAYS_READ = 64 * 2**20
#: Features and weights are noise to a compressor, which makes them smaller by a few times at most.
_MAX_COMPRESSION = 200
#: Values of a YAML file, with those that its aliases repeat.
_MAX_VALUES = 1_000_000
_UNSAFE_ADVICE = re.compile(r'weights_only|allow_pickle|unsafe|trust|arbitrary code', re.IGNORECASE)


def regular_file(path: str | os.PathLike[str]) -> Path:
    """Check that there is a file that can be read to its end; a named pipe would block for ever.

    Raises:
        FileNotFoundError: If there is none; the message names the absolute path.
    """
    source = Path(path)
    if source.is_file():
        return source
    if source.is_dir():
        problem = 'is a folder, expected a file'
    elif source.exists():
        problem = 'is a pipe or a device, expected a regular file'
    elif source.is_symlink():
        problem = f'no such file (a link to {os.readlink(source)}, which is absent)'
    else:
        problem = 'no such file'
    raise FileNotFoundError(f'{source.absolute()}: {problem}')


def foreign_content(path: Path) -> str | None:
    """A sentence that says by its first bytes what is in place of a binary file; None if it is nothing common."""
    with open(path, 'rb') as file:
        head = file.read(_HEAD)
    start = head.decode('utf-8-sig', errors='ignore').lstrip()
    first_line = repr(start.splitlines()[0][:40]) if start else ''
    if not head:
        return 'the file is empty'
    if re.match(r'<(!doctype html|html|head|\?xml|!--)', start, re.IGNORECASE):
        return f'it is a web page (it begins with {first_line}); the download has failed, fetch the file again'
    if start.startswith('version https://git-lfs'):
        return 'it is a pointer of Git LFS, not the file itself; fetch the file with `git lfs pull`'
    if _is_text(head):
        return f'it is a text file (it begins with {first_line})'
    return None


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # a character that is cut in two is no sign of binary content
            return False
        text = head[: error.start].decode('utf-8-sig')
    return all(character.isprintable() or character.isspace() for character in text)


def check_claimed_size(claimed: int, stored: int, what: str) -> None:
    """Refuse content that would grow beyond measure when it is unpacked.

    Args:
        claimed: Bytes in memory.
        stored: Bytes in the file.
        what: The content, for the message.

    Raises:
        ValueError: If the content claims much more than its file can hold.
    """
    if claimed > _ALWAYS_READ and claimed > _MAX_COMPRESSION * stored:
        raise ValueError(
            f'{what} claims {claimed / 2**20:,.0f} MiB in memory, but has {stored:,} bytes in the file; refused, '
            'because features and weights are never compressed so much'
        )


def parse_yaml(text: Any) -> Any:
    """Parse YAML without running its tags.

    Args:
        text: The text, or an open file.

    Returns:
        The content.

    Raises:
        ValueError: If it is no YAML, nested too deeply, or its aliases make it contain itself or grow beyond measure.
    """
    try:
        content = yaml.safe_load(text)
        values = _values(content, {})
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f'not valid YAML: {" ".join(str(error).split())}') from None
    if values > _MAX_VALUES:
        raise ValueError(f'the aliases of this YAML repeat its values {values:,} times, expected a plain config')
    return content


def _values(node: Any, counted: dict[int, int]) -> int:
    """Number of values in a tree whose branches may be shared; too large a one where it contains itself."""
    if not isinstance(node, (Mapping, list)):
        return 1
    if id(node) not in counted:
        counted[id(node)] = _MAX_VALUES + 1  # met again further in: it contains itself
        children = node.values() if isinstance(node, Mapping) else node
        counted[id(node)] = 1 + sum(_values(child, counted) for child in children)
    return counted[id(node)]


def utf8(raw: bytes) -> str:
    """Decode text in UTF-8, without its byte order mark.

    Raises:
        UnicodeDecodeError: If it is not UTF-8, or has a zero byte.
    """
    if (zero := raw.find(b'\0')) >= 0:  # valid UTF-8, but never in text; half of the bytes of English UTF-16
        raise UnicodeDecodeError('utf-8', raw, zero, zero + 1, 'a zero byte')
    return raw.decode('utf-8-sig')


def encoding_advice(raw: bytes) -> str:
    """Say what bytes that are not UTF-8 look like, and how to convert them."""
    if raw[:2] in (b'\xff\xfe', b'\xfe\xff') or raw.count(b'\0') > len(raw) // 8:
        encoding = 'it looks like UTF-16, "Unicode Text" of Excel'
    elif b'\0' in raw:
        return 'it has a zero byte: the file is damaged, or no text'
    else:
        encoding = 'it looks like Windows-1252, the plain "CSV" of Excel'
    return f'{encoding}; save the file as UTF-8 (Excel: "CSV UTF-8"), or convert it with iconv'


def reason(error: BaseException) -> str:
    """First line of a message of another library, without its advice to read a file unsafely."""
    lines = [line.strip() for line in str(error).strip().splitlines()]
    internal = isinstance(error, LookupError)  # "pop from empty list" and numbers of entries say nothing
    if not lines or internal or _UNSAFE_ADVICE.search(lines[0]):
        return f'its content is damaged or of another kind ({type(error).__name__})'
    return lines[0]
