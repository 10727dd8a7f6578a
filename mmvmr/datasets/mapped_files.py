"""Files that every process of a training maps into its memory: one copy in the page cache for all of them.

The mappings are private (copy-on-write): a process that writes into its memory by mistake changes neither the file nor
what others see. They survive a fork, and a spawned process makes its own, so nothing has to be closed or sent.
"""

from __future__ import annotations

import mmap
import os

import numpy as np

# A mapping keeps the pages that were read through it in the memory that is counted for the process.
_PARTS_PER_MAPPING = 128

_Signature = tuple[int, int, int]
_mappings: dict[str, tuple[_Signature, np.ndarray]] = {}
_ranges: dict[str, tuple[int, int]] = {}
_fresh: dict[str, tuple[np.ndarray, set[int]]] = {}


def mapped_file(path: str | os.PathLike[str]) -> np.ndarray:
    """Map a file, once per process.

    Args:
        path: The file, absolute; one that has been replaced since is mapped anew.

    Returns:
        Its bytes, uint8. Nothing is read before it is used.
    """
    name = os.fspath(path)
    status = os.stat(name)
    signature = (status.st_ino, status.st_size, status.st_mtime_ns)
    known = _mappings.get(name)
    if known is None or known[0] != signature:
        known = _mappings[name] = (signature, _map(name))
        address = known[1].ctypes.data
        _ranges[name] = (address, address + known[1].size)
    return known[1]


def _map(name: str) -> np.ndarray:
    with open(name, 'rb') as file:
        size = os.fstat(file.fileno()).st_size
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) if size else bytearray()
    return np.frombuffer(data, np.uint8)


def locate(address: int, size: int) -> tuple[str, int] | None:
    """Find out which part of which mapped file lies at an address.

    Args:
        address: First byte in the memory of this process.
        size: Number of bytes.

    Returns:
        File and offset in bytes; None for memory that is not mapped by :func:`mapped_file`.
    """
    for name, (start, stop) in _ranges.items():
        if start <= address and address + size <= stop:
            return name, address - start
    return None


def mapped_part(array: np.ndarray) -> np.ndarray | None:
    """The same part of a mapped file as a writable array: torch has no read-only tensors and warns of such arrays.

    Args:
        array: A contiguous array.

    Returns:
        The array; None where it does not lie in a mapped file.
    """
    place = locate(array.ctypes.data, array.nbytes)
    return None if place is None else np.ndarray(array.shape, array.dtype, _mappings[place[0]][1], place[1])


def own_part(name: str, offset: int, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """A part of a file for the caller alone, without a copy.

    No part of a mapping is given away twice. Who writes into what he got therefore changes nothing for who gets the
    same part later, and the memory goes back when nobody uses any part of the mapping any more.

    Args:
        name: The file, absolute.
        offset: First byte.
        dtype: Type of the numbers.
        shape: Shape of the array.

    Returns:
        The array, writable.
    """
    data, given = _fresh.get(name, (None, set()))
    if data is None or offset in given or len(given) >= _PARTS_PER_MAPPING:
        data, given = _fresh[name] = (_map(name), set())
    given.add(offset)
    return np.ndarray(shape, dtype, data, offset)
