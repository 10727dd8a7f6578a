"""Packed features: a few large files that are mapped into memory, instead of a file per video and sentence.

A pack is a folder with an ``index.json`` and one file per block: the rows of all videos (or sentences) one after
another, little-endian float32 or float16, without any header. There are two layouts:

- ``ready``: what the model sees. All video streams are normalised and concatenated in the block ``video``, cut to
  the shortest and to ``max_clips``; in float32 the TEF columns follow. Reading a sample is no work at all.
- ``stored``: one block per stream with the vectors as they were extracted, for transforms that change them before
  they are normalised.

:mod:`mmvmr.datasets.stores.pack_writer` writes packs. The index is written last: a folder without one is no pack yet.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mmvmr.datasets.stores.feature_stores import Row
from mmvmr.datasets.stores.packed_block import Block, Entry
from mmvmr.registry import TASK_UTILS
from mmvmr.structures import FeatureSpec
from mmvmr.utils import read_json

INDEX_FILE = 'index.json'
FORMAT = 1
DTYPES = {'float32': '<f4', 'float16': '<f2'}
_KEYS = {'format', 'dtype', 'layout', 'feature_spec', 'blocks'}


class Pack:
    """The index of a pack.

    Args:
        folder: The folder of the pack.

    Raises:
        FileNotFoundError: If there is no pack, or a file of it is gone.
        ValueError: If the index is no index, or a file is truncated.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        index = self._index()
        try:
            self.spec = FeatureSpec.from_dict(index['feature_spec'])
            self.ready = {'ready': True, 'stored': False}[index['layout']]
            self.blocks = {name: self._block(block, DTYPES[index['dtype']]) for name, block in index['blocks'].items()}
        except (AttributeError, KeyError, OverflowError, TypeError) as error:
            raise self._damaged_index(' '.join(str(error).split())) from error
        except ValueError as error:
            raise error if str(self.folder) in str(error) else self._damaged_index(error) from error

    def _damaged_index(self, problem: object) -> ValueError:
        return ValueError(f'{self.folder / INDEX_FILE}: the index is damaged ({problem}); copy it again or pack again')

    def _index(self) -> dict[str, Any]:
        path = self.folder / INDEX_FILE
        if not path.is_file():
            state = 'packing was interrupted, run pack_features.py again' if self.folder.is_dir() else 'no such folder'
            raise FileNotFoundError(f'{path}: no packed features here: {state}')
        index = read_json(path)
        if not isinstance(index, dict) or set(index) != _KEYS or index['format'] != FORMAT:
            raise ValueError(f'{path}: not an index of packed features in format {FORMAT}; pack them again')
        return index

    def _block(self, block: dict[str, Any], dtype: str) -> Block:
        entries = {name: Entry(*entry) for name, entry in block['entries'].items()}
        columns = {name: (start, stop) for name, (start, stop) in block['columns'].items()}
        numbers = [block['width'], *itertools.chain(*entries.values(), *columns.values())]
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError('positions are no whole numbers')
        if any(not start < stop <= block['width'] for start, stop in columns.values()):
            raise ValueError('columns outside of the rows')
        if block['key'] not in ('vid', 'qid') or Path(block['file']).name != block['file']:
            raise ValueError(f'key {block["key"]!r}, file {block["file"]!r}')
        path = self.folder / block['file']
        found = Block(path, np.dtype(dtype), columns, block['width'], block['key'], entries)
        size = path.stat().st_size if path.is_file() else None
        if size is None:
            raise FileNotFoundError(f'{path}: this file of the packed features is gone; pack them again')
        if size != found.size:
            raise ValueError(
                f'{path}: {size} bytes, expected {found.size} by {INDEX_FILE}: the file is truncated or from another '
                'pack; copy it again or pack again'
            )
        return found

    def block_of(self, stream: str) -> Block:
        """The block that holds a stream.

        Raises:
            ValueError: If there is none.
        """
        for block in self.blocks.values():
            if stream in block.columns:
                return block
        known = [name for block in self.blocks.values() for name in block.columns]
        raise ValueError(f'{self.folder / INDEX_FILE}: no stream {stream!r}, the packed ones are {known}')

    def damaged(self) -> Iterator[str]:
        """Compare everything with its checksum.

        Yields:
            One line per entry whose bytes are not those that were packed.
        """
        for block in self.blocks.values():
            for name, entry in block.entries.items():
                if not block.unchanged(entry):
                    yield f'{block.path}: entry {name!r} (row {entry.first}) has changed since it was packed'


_packs: dict[Path, tuple[int, Pack]] = {}


def open_pack(folder: Path) -> Pack:
    """The pack of a folder; streams and data sets of a process share one.

    Args:
        folder: The folder.

    Returns:
        The pack, read again where its index is a new one.

    Raises:
        FileNotFoundError: See :class:`Pack`.
        ValueError: See :class:`Pack`.
    """
    path = folder.absolute()
    index = path / INDEX_FILE
    written = index.stat().st_mtime_ns if index.is_file() else 0
    known = _packs.get(path)
    if known is None or known[0] != written:
        known = _packs[path] = (written, Pack(path))
    return known[1]


@TASK_UTILS.register_module()
class PackedStore:
    """One stream of a pack.

    Args:
        folder: Folder of the pack, relative to ``data_root``.
        stream: Name of the stream, as in the feature specification; ``text`` for the text stream.
        data_root: Root of the data set.
    """

    finite = True  # packing refuses NaN, and checksums tell whether the file is the same

    def __init__(self, folder: str, stream: str, data_root: str = '') -> None:
        self.folder = Path(data_root, folder)
        self.stream = stream
        self._opened: tuple[Pack, Block] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, '_opened': None}  # a spawned process opens it by its path

    @property
    def where(self) -> str:
        """Name of this store in messages."""
        return str(self.folder.absolute())

    def _open(self) -> tuple[Pack, Block]:
        if self._opened is None:
            pack = open_pack(self.folder)
            self._opened = pack, pack.block_of(self.stream)
        return self._opened

    @property
    def pack(self) -> Pack:
        """The pack."""
        return self._open()[0]

    @property
    def block(self) -> Block:
        """The block that holds the stream."""
        return self._open()[1]

    @property
    def normalised(self) -> bool:
        """True if the vectors are normalised already."""
        return self.pack.ready

    def read(self, row: Row) -> np.ndarray:
        """The array of an annotation row, as packed.

        Args:
            row: Annotation row.

        Returns:
            Shape (L, D), read-only: a part of the mapped file.

        Raises:
            FileNotFoundError: If the pack or the entry is absent.
            ValueError: If the pack is damaged or has no such stream.
        """
        _, block = self._open()
        start, stop = block.columns[self.stream]
        return block.rows(block.entry(row))[:, start:stop]

    def missing(self, rows: Iterable[Row]) -> list[str]:
        """Names of the entries that are absent, each once."""
        _, block = self._open()
        names = dict.fromkeys(block.name(row) for row in rows)
        return [name for name in names if name not in block.entries]

    def faults(self, declared: FeatureSpec) -> list[str]:
        """Why vectors that were packed ready for the model are not those of a specification.

        Args:
            declared: The specification of the data set.

        Returns:
            One line per difference; empty for the layout ``stored``, whose vectors fit any.
        """
        if not self.pack.ready:
            return []
        free = {'surrogate': declared.surrogate, 'tef': declared.tef}
        lines = declared.differences(dataclasses.replace(self.pack.spec, **free), 'declared', 'packed')
        return [*lines, 'pack again with this feature_spec, or with --as-stored, which fits any'] if lines else []
