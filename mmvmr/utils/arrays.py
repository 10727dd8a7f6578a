"""Reading numpy files without running code and without trusting the sizes that they claim."""

from __future__ import annotations

import io
import math
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from mmvmr.utils.content import check_claimed_size, foreign_content, reason, regular_file

__all__ = ['NpzArrays', 'read_hdf5_array', 'read_npy', 'read_npz']

_MEMBER = '.npy'


def read_npy(path: str | os.PathLike[str], mmap: bool = False) -> np.ndarray:
    """Read an ``.npy`` file.

    Args:
        path: The file.
        mmap: Map the file into memory instead of reading it.

    Returns:
        The array.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a complete ``.npy`` file of plain values; the message names the file.
    """
    source = regular_file(path)
    try:
        with open(source, 'rb') as file:
            if zipfile.is_zipfile(file):
                raise ValueError('it is an npz archive; give it the suffix .npz')
            file.seek(0)
            _check_header(file, source.stat().st_size)
        return np.load(source, mmap_mode='r' if mmap else None, allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # a damaged header raises whatever its bytes happen to say
        raise ValueError(f'{source}: not an npy file: {foreign_content(source) or reason(error)}') from None


def read_npz(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Read all arrays of an ``.npz`` file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a complete ``.npz`` file of plain values; the message names the file.
    """
    return dict(NpzArrays(path))


class NpzArrays(Mapping[str, np.ndarray]):
    """Arrays of an ``.npz`` file, each of which is read when it is asked for.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a ``.npz`` file. Reading an array raises it where that array is damaged, holds Python
            objects or claims more memory than the file can fill.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = regular_file(path)
        try:
            with zipfile.ZipFile(self.path) as archive:
                names = archive.namelist()
        except OSError:
            raise
        except Exception as error:
            content = foreign_content(self.path) or _npy_content(self.path) or reason(error)
            raise ValueError(f'{self.path}: not an npz file: {content}') from None
        self._names = {name.removesuffix(_MEMBER): name for name in names if name.endswith(_MEMBER)}

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, name: str) -> np.ndarray:
        member = self._names[name]
        try:
            with zipfile.ZipFile(self.path) as archive:
                info = archive.getinfo(member)
                check_claimed_size(info.file_size, min(info.compress_size, self.path.stat().st_size), 'it')
                content = io.BytesIO(archive.read(info))  # compares the checksum
            _check_header(content, info.file_size)
            content.seek(0)
            return np.lib.format.read_array(content, allow_pickle=False)
        except Exception as error:  # zipfile, zlib, lzma and bz2 raise what their bytes happen to say
            raise ValueError(f'{self.path}: array {name!r} cannot be read: {reason(error)}') from None


def _npy_content(path: Path) -> str | None:
    with open(path, 'rb') as file:
        magic = file.read(len(np.lib.format.MAGIC_PREFIX))
    return 'it is a single npy array; give it the suffix .npy' if magic == np.lib.format.MAGIC_PREFIX else None


def _check_header(file: IO[bytes], size: int) -> None:
    """Compare what a header says with the bytes after it, and refuse objects."""
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f'its header has the version {version}, expected (1, 0) or (2, 0)')
    shape, _, dtype = readers[version](file)
    if dtype.hasobject:
        raise ValueError('it holds Python objects, expected numbers')
    needed, present = math.prod(shape) * dtype.itemsize, size - file.tell()
    if any(length < 0 for length in shape) or needed != present:
        raise ValueError(f'its header claims {needed:,} bytes for the shape {shape} of {dtype}, it has {present:,}')


def require_numbers(array: np.ndarray) -> np.ndarray:
    """Return an array of whole or real numbers; ValueError for others, of which numpy would make some of text, too."""
    if array.dtype.kind not in 'fiu':
        raise ValueError(f'it holds {array.dtype}, expected real numbers')
    return array


def read_hdf5_array(handle: Any, name: str) -> np.ndarray:
    """Read an array of an open HDF5 file, from nowhere but that file.

    Args:
        handle: The ``h5py.File``.
        name: Name of the array in the file.

    Raises:
        ValueError: If the entry is a group, refers to other files, holds no plain values, is damaged or claims more
            memory than the file can fill.
    """
    try:
        entry = handle[name]
        if hasattr(entry, 'keys'):
            raise ValueError(f'it is a group that holds {sorted(entry)[:4]}; set key to the name of the array')
        if entry.file.filename != handle.filename or entry.external or entry.is_virtual:
            raise ValueError('it refers to another file, which is not followed')
        if entry.dtype.hasobject or entry.dtype.itemsize == 0:
            raise ValueError(f'it holds {entry.dtype}, expected numbers')
        check_claimed_size(entry.size * entry.dtype.itemsize, entry.id.get_storage_size(), 'it')
        return entry[()]
    except Exception as error:  # h5py raises KeyError, OSError, RuntimeError or ValueError for damaged files
        raise ValueError(f'entry {name!r} cannot be read: {reason(error)}') from None


def flat_rows(array: np.ndarray, dim: int) -> np.ndarray:
    """Flatten an array such as [clips, layers, tokens, channels] into a vector per clip.

    Args:
        array: Any array.
        dim: Numbers of a vector.

    Returns:
        (L, dim) for an array (L, ...) whose other axes hold ``dim`` numbers together; any other array as it is.
    """
    return array.reshape(len(array), dim) if array.ndim > 2 and math.prod(array.shape[1:]) == dim else array


def endpoints(length: int) -> np.ndarray:
    """Normalised start and end of each of L clips: (L, 2), float32."""
    start = np.arange(length, dtype=np.float32) / np.float32(length)
    # start + 1/L in float32, not (i + 1) / L: the last bit decides about equality with published inputs.
    return np.stack((start, start + np.float32(1.0 / length)), axis=1)
