"""One file of a pack: the rows of many videos or sentences, one after the other."""

from __future__ import annotations

import dataclasses
import functools
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmvmr.datasets.stores.feature_stores import Row
from mmvmr.datasets.stores.mapped_files import mapped_file


class Entry(NamedTuple):
    """Position of the rows of one video or sentence.

    Attributes:
        first: First row.
        length: Number of rows.
        checksum: CRC-32 of their bytes.
        clips: Number of clips before the cut to ``max_clips``, which is compared with the duration.
    """

    first: int
    length: int
    checksum: int
    clips: int


@dataclasses.dataclass(frozen=True)
class Block:
    """One file of a pack.

    Attributes:
        path: The file.
        dtype: numpy dtype of a number.
        columns: Name of a stream to its first and one past its last column.
        width: Numbers per row.
        key: Key of an annotation row by which its entry is called: ``vid`` or ``qid``.
        entries: Name to place.
    """

    path: Path
    dtype: np.dtype
    columns: Mapping[str, tuple[int, int]]
    width: int
    key: str
    entries: Mapping[str, Entry]

    @property
    def size(self) -> int:
        """Bytes that the file must have."""
        rows = max((entry.first + entry.length for entry in self.entries.values()), default=0)
        return rows * self.width * self.dtype.itemsize

    def name(self, row: Row) -> str:
        """Name of the entry of an annotation row."""
        return str(row[self.key])

    def entry(self, row: Row) -> Entry:
        """The entry of an annotation row.

        Raises:
            FileNotFoundError: If there is none.
        """
        try:
            return self.entries[self.name(row)]
        except KeyError:
            raise FileNotFoundError(
                f'{self.path}: no entry {self.name(row)!r}, the features of vid {row["vid"]!r}, qid {row["qid"]!r}; '
                'pack the features again with all annotation files'
            ) from None

    def rows(self, entry: Entry) -> np.ndarray:
        """The rows of an entry, read-only: a part of the mapped file.

        Raises:
            FileNotFoundError: If the file is gone.
            ValueError: If the rows are not those that were packed; they are compared when they are first read.
        """
        rows = self._stored(entry)
        if entry not in self._compared:
            if zlib.crc32(rows) != entry.checksum:
                raise ValueError(
                    f'{self.path}: row {entry.first} and the {entry.length - 1} after it have changed since they were '
                    'packed; copy the file again or pack again'
                )
            self._compared.add(entry)
        return rows

    def unchanged(self, entry: Entry) -> bool:
        """Check whether the rows of an entry are those that were packed."""
        return zlib.crc32(self._stored(entry)) == entry.checksum

    def _stored(self, entry: Entry) -> np.ndarray:
        offset = entry.first * self.width * self.dtype.itemsize
        return np.ndarray((entry.length, self.width), self.dtype, self._data, offset)

    @functools.cached_property
    def _compared(self) -> set[Entry]:
        return set()

    @functools.cached_property
    def _data(self) -> np.ndarray:
        return mapped_file(self.path)
