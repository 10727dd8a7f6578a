"""Files that every process of a training maps into its memory: one copy in the page cache for all of them.

Mappings survive a fork, and a spawned process makes its own, so nothing has to be closed or sent.
"""

from __future__ import annotations

import bisect
import math
import mmap
import os
import sys
import threading
from pathlib import Path
from typing import NamedTuple

import numpy as np

# A mapping keeps the pages that were read through it in the memory that is counted for the process.
_PARTS_PER_MAPPING = 128
# MAP_NORESERVE, which Python has no name for: the kernel would refuse to map a file larger than the memory, although
# the pages that somebody writes into are few.
_NO_RESERVE = 0x4000

Signature = tuple[int, int, int]
_mappings: dict[str, tuple[Signature, np.ndarray]] = {}


class _Fresh(threading.local):
    """Of every file the present mapping for :func:`own_part`, and which parts of it were given away."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[Signature, np.ndarray, list[tuple[int, int]]]] = {}


_fresh = _Fresh()


class Place(NamedTuple):
    """Place of an array: its file and the position in it.

    Attributes:
        path: The file, absolute.
        signature: Inode, size and time of change, by which a file that has been replaced is noticed.
        offset: First byte.
    """

    path: str
    signature: Signature
    offset: int


def mapped_file(path: str | os.PathLike[str]) -> np.ndarray:
    """Map a file, once per process.

    Args:
        path: The file, absolute; one that has been replaced since is mapped anew.

    Returns:
        Its bytes, uint8, read-only. Nothing is read before it is used.
    """
    name = os.fspath(path)
    known = _mappings.get(name)
    if known is None or known[0] != _signature(os.stat(name)):
        known = _mappings[name] = _map(name, writable=False)
    return known[1]


def place_of(array: np.ndarray) -> Place | None:
    """Find out which part of which mapped file an array is.

    Args:
        array: Any array.

    Returns:
        The place; None for an array that is not a contiguous part of what :func:`mapped_file` has mapped.
    """
    if not array.flags.c_contiguous or not array.size:
        return None
    first = _address(array)
    for name, (signature, data) in list(_mappings.items()):
        offset = first - _address(data)
        if 0 <= offset <= data.size - array.nbytes:
            return Place(name, signature, offset)
    return None


def own_part(place: Place, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """A part of a file for the caller alone, without a copy.

    The mapping is private (copy-on-write), and no byte of it is given away twice: who writes into what he got changes
    neither the file nor what anybody else gets. The memory goes back when no part of the mapping is used any more.

    Args:
        place: Place of the part.
        dtype: Type of the numbers.
        shape: Shape of the array.

    Returns:
        The array, writable.

    Raises:
        ValueError: If the file is not the one of the place any more.
    """
    start, stop = place.offset, place.offset + math.prod(shape) * np.dtype(dtype).itemsize
    signature, data, given = _fresh.files.get(place.path, (None, None, []))
    at = bisect.bisect(given, (start,))
    taken = (at > 0 and given[at - 1][1] > start) or (at < len(given) and given[at][0] < stop)
    if taken or signature != place.signature or len(given) >= _PARTS_PER_MAPPING:
        try:
            signature, data = _map(place.path, writable=True)
        except FileNotFoundError:
            signature = None
        if signature != place.signature:
            raise ValueError(f'{place.path}: the file was replaced or removed while it is in use; start again')
        at, given = 0, []
        _fresh.files[place.path] = (signature, data, given)
    given.insert(at, (start, stop))
    return np.ndarray(shape, dtype, data, start)


def _address(array: np.ndarray) -> int:
    return int(array.__array_interface__['data'][0])  # many times faster than array.ctypes.data


def _signature(status: os.stat_result) -> Signature:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _map(name: str, writable: bool) -> tuple[Signature, np.ndarray]:
    with Path(name).open('rb') as file:
        status = os.fstat(file.fileno())
        if not status.st_size:  # cannot be mapped
            return _signature(status), np.empty(0, np.uint8)
        if not writable:
            mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        elif sys.platform == 'linux':
            protection = mmap.PROT_READ | mmap.PROT_WRITE
            mapping = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE | _NO_RESERVE, prot=protection)
        else:
            mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    return _signature(status), np.frombuffer(mapping, np.uint8)
