"""Packed features: a few memory-mapped ``.npy`` files instead of a file per video and sentence.

A pack is a folder with one ``.npy`` file per block, (rows, width) in float32 or float16, the vectors of all videos (or
sentences) one after another, and ``index.json``. In the layout ``ready`` they are as the model sees them: normalised,
all video streams concatenated in one block, cut to the shortest and to ``max_clips``; in float32, TEF follows. The
layout ``stored`` has one block per stream as extracted, for transforms that work before the normalisation.
"""

from __future__ import annotations

import dataclasses
import functools
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, ValidationError

from mmvmr.datasets.stores.naming import Row
from mmvmr.registry import TASK_UTILS
from mmvmr.structures import FeatureSpec
from mmvmr.utils import read_json
from mmvmr.utils.arrays import endpoints, read_npy

INDEX_FILE = 'index.json'
FORMAT = 2  # of the index
FIX = 'copy the pack again, or pack again with --overwrite'
Signature = tuple[int, int, int]


def _signature(path: Path) -> Signature:
    return (status := path.stat()).st_ino, status.st_size, status.st_mtime_ns


@functools.lru_cache(maxsize=64)
def _mapped(path: Path, signature: Signature) -> np.ndarray:
    """Map a block, once per process; the system keeps one copy of it for all processes."""
    try:
        memory = read_npy(path, mmap=True)
    except ValueError as error:
        raise ValueError(f'{error}; {FIX}') from None
    except OSError:
        memory = None
    if memory is None or signature != _signature(path):
        raise ValueError(f'{path}: the file was replaced or removed while it is in use; start again')
    if memory.ndim != 2 or memory.dtype not in (np.float16, np.float32) or not memory.flags.c_contiguous:
        raise ValueError(f'{path}: {memory.dtype} of shape {memory.shape}, expected rows of float16 or float32; {FIX}')
    return np.asarray(memory)


def checksum(name: str, clips: int, vectors: np.ndarray) -> int:
    """CRC-32 of an entry."""
    return zlib.crc32(vectors.data, zlib.crc32(f'{name} {clips}'.encode()))


class Entry(NamedTuple):
    """Rows of a video or sentence: the first, their number, checksum, and the number of clips before ``max_clips``."""

    first: NonNegativeInt
    length: PositiveInt
    checksum: NonNegativeInt
    clips: PositiveInt


class BlockIndex(BaseModel):
    """Description of a block: its file, the columns of every stream, and the entries named by ``vid`` or ``qid``."""

    model_config = ConfigDict(extra='forbid')
    file: Annotated[str, Field(pattern=r'^[^/\\]+\.npy$')]
    key: Literal['vid', 'qid']
    columns: Annotated[dict[str, tuple[NonNegativeInt, PositiveInt]], Field(min_length=1)]
    entries: dict[str, Entry]


class PackIndex(BaseModel):
    """Contents of ``index.json``."""

    model_config = ConfigDict(extra='forbid')
    format: Literal[2]
    layout: Literal['ready', 'stored']
    feature_spec: dict[str, Any]
    blocks: dict[str, BlockIndex]


class Rows(NamedTuple):
    """Reference to vectors of a pack; a process that gets it reads them itself, and they need not be sent."""

    path: Path
    signature: Signature
    first: int
    length: int
    has_tef: bool

    def stored(self) -> np.ndarray:
        """The vectors as packed, shape (L, width), a read-only part of the mapped file."""
        return _mapped(self.path, self.signature)[self.first : self.first + self.length]

    def with_tef(self) -> np.ndarray:
        """The vectors in float32, followed by TEF: (L, D + 2)."""
        stored = self.stored()
        if self.has_tef:
            return stored
        length, dim = stored.shape
        full = np.empty((length, dim + 2), dtype=np.float32)
        # torch converts float16 about twenty times faster than numpy.
        torch.from_numpy(full)[:, :dim] = torch.from_numpy(stored.copy())
        full[:, dim:] = endpoints(length)
        return full


class Block:
    """One file of a pack.

    Args:
        folder: Folder of the pack.
        index: Description of the block; it is compared with the file.
    """

    def __init__(self, folder: Path, index: BlockIndex) -> None:
        self.path, self.key, self.columns, self.entries = folder / index.file, index.key, index.columns, index.entries
        self._intact: set[str] = set()
        if not self.path.is_file():
            raise FileNotFoundError(f'{self.path}: this file of the packed features is absent; {FIX}')
        self.signature = _signature(self.path)
        rows = max((entry.first + entry.length for entry in self.entries.values()), default=0)
        starts, self.width = [0, *(stop for _, stop in self.columns.values())], self.array.shape[-1]
        joined = starts[:-1] == [start for start, _ in self.columns.values()] and starts == sorted(set(starts))
        self.has_tef = self.width == starts[-1] + 2
        if not joined or len(self.array) != rows or not (self.has_tef or self.width == starts[-1]):
            raise ValueError(
                f'{self.path}: shape {self.array.shape}, expected {rows} rows with the columns '
                f'{dict(self.columns)} of {INDEX_FILE}; {FIX}'
            )

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != 'array'}

    @functools.cached_property
    def array(self) -> np.ndarray:
        """The whole block, read-only; a spawned process maps it anew."""
        return _mapped(self.path, self.signature)

    def entry(self, row: Row) -> Entry:
        """The entry of an annotation row; FileNotFoundError if there is none."""
        try:
            return self.entries[str(row[self.key])]
        except KeyError:
            raise FileNotFoundError(
                f'{self.path}: no entry {str(row[self.key])!r}, the features of vid {row["vid"]!r}, qid '
                f'{row["qid"]!r}; pack the features again with all annotation files'
            ) from None

    def rows(self, row: Row) -> Rows:
        """The vectors of an annotation row; ValueError if they have changed, compared when they are first read."""
        entry, name = self.entry(row), str(row[self.key])
        rows = Rows(self.path, self.signature, entry.first, entry.length, self.has_tef)
        if name not in self._intact:
            if checksum(name, entry.clips, rows.stored()) != entry.checksum:
                raise ValueError(f'{self.path}: entry {name!r} does not have its checksum of {INDEX_FILE}; {FIX}')
            self._intact.add(name)
        return rows


class Pack:
    """Folder of packed features; opening it raises FileNotFoundError or ValueError if a part is absent or damaged."""

    def __init__(self, folder: Path) -> None:
        path = folder.absolute() / INDEX_FILE
        if not path.is_file():
            reason = 'packing was interrupted, run pack_features.py again' if folder.is_dir() else 'no such folder'
            raise FileNotFoundError(f'{path}: no packed features here: {reason}')
        try:
            index = PackIndex.model_validate(read_json(path))
            self.spec = FeatureSpec.from_dict(index.feature_spec)
        except ValidationError as error:
            first = error.errors()[0]
            raise self._damaged(path, f'{".".join(map(str, first["loc"]))}: {first["msg"]}') from None
        except (TypeError, ValueError) as error:
            raise self._damaged(path, error) from None
        self.index, self.ready = path, index.layout == 'ready'
        self.blocks = {name: Block(path.parent, block) for name, block in index.blocks.items()}

    @staticmethod
    def _damaged(path: Path, problem: object) -> ValueError:
        return ValueError(f'{path}: not an index of packed features in format {FORMAT} ({problem}); {FIX}')

    def damaged(self) -> Iterator[str]:
        """Compare every entry with its checksum, and yield one line per damaged one."""
        for block in self.blocks.values():
            for name in block.entries:
                try:
                    block.rows({block.key: name})
                except ValueError as error:
                    yield str(error)


_open_pack = functools.lru_cache(maxsize=16)(lambda folder, signatures: Pack(folder))


@TASK_UTILS.register_module()
class PackedStore:
    """One stream of a pack.

    Args:
        folder: Folder of the pack, relative to ``data_root``.
        stream: Name of the stream in the feature specification; ``text`` for the text stream.
        data_root: Root of the data set.
    """

    finite = True  # packing refuses NaN, and checksums notice changes

    def __init__(self, folder: str, stream: str, data_root: str = '') -> None:
        path, self.stream = Path(data_root, folder).absolute(), stream
        self.where = str(path)
        # The streams and data sets of a process share what is mapped; a pack that has changed is opened again.
        files = sorted(path.iterdir()) if path.is_dir() else []
        self.pack: Pack = _open_pack(path, tuple(_signature(file) for file in files))
        holders = [block for block in self.pack.blocks.values() if stream in block.columns]
        if not holders:
            names = [name for block in self.pack.blocks.values() for name in block.columns]
            raise ValueError(f'{self.pack.index}: no stream {stream!r}, the packed ones are {names}')
        self.block, self.normalised = holders[0], self.pack.ready

    def read(self, row: Row) -> np.ndarray:
        """Read the vectors of an annotation row as packed; shape (L, D), read-only. See :meth:`Block.rows`."""
        return self.block.rows(row).stored()[:, slice(*self.block.columns[self.stream])]

    def missing(self, rows: Iterable[Row]) -> list[str]:
        """Names of the entries that are absent, each once."""
        names = dict.fromkeys(str(row[self.block.key]) for row in rows)
        return [name for name in names if name not in self.block.entries]

    def mismatches(self, declared: FeatureSpec) -> list[str]:
        """One line per way in which vectors packed ready for the model differ from a specification."""
        if not self.pack.ready:  # stored vectors fit any
            return []
        packed = dataclasses.replace(self.pack.spec, surrogate=declared.surrogate, tef=declared.tef)
        lines = declared.differences(packed, 'declared', 'packed')
        return [*lines, 'pack again with this feature_spec, or with --as-stored, which fits any'] if lines else []


def joined_block(stores: Sequence[Any]) -> Block | None:
    """The block of a ready pack that holds exactly these streams in their order; None if there is none."""
    if not all(isinstance(store, PackedStore) and store.pack.ready for store in stores):
        return None
    block = stores[0].block
    return block if [*block.columns] == [s.stream for s in stores] and all(s.block is block for s in stores) else None
