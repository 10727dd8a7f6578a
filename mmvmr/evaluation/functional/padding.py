"""From lists of different lengths to rectangular arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def stack_rows(rows: Sequence[Sequence[Any]], width: int) -> Floats:
    """N rows of ``width`` numbers as an array (N, width): about three times as fast as ``np.array`` of nested lists.

    Raises:
        ValueError: If a row has another length.
    """
    if other := set(map(len, rows)) - {width}:
        raise ValueError(f'rows of {sorted(other)} numbers, expected {width}')
    return np.array(list(chain.from_iterable(rows)), dtype=np.float64).reshape(-1, width)


@dataclass(frozen=True)
class Ragged:
    """Rows of different lengths as one array.

    Attributes:
        entries: The entries of all rows one after another: (N,), or (N, width) where they are short vectors.
        lengths: Entries per row (Q,).
    """

    entries: Floats
    lengths: NDArray[np.int64]

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[Any]], width: int = 0) -> Ragged:
        """Convert lists.

        Args:
            rows: Q rows; every entry is a number, or a sequence of ``width`` numbers.
            width: Length of every entry, 0 for plain numbers.
        """
        flat = list(chain.from_iterable(rows))
        entries = stack_rows(flat, width) if width else np.array(flat, dtype=np.float64)
        return cls(entries, np.fromiter(map(len, rows), dtype=np.int64, count=len(rows)))

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, rows: Sequence[int]) -> Ragged:
        """Some of the rows, in the given order."""
        chosen = np.asarray(rows, dtype=np.int64)
        lengths = self.lengths[chosen]
        first = (np.cumsum(self.lengths) - self.lengths)[chosen]
        within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return Ragged(self.entries[np.repeat(first, lengths) + within], lengths)


#: Rows as lists or as converted before.
Rows = Sequence[Sequence[Any]] | Ragged


def as_ragged(rows: Rows, width: int) -> Ragged:
    """Rows, lists or converted before, as one array; for ``width`` see :meth:`Ragged.from_rows`."""
    return rows if isinstance(rows, Ragged) else Ragged.from_rows(rows, width)


def as_lists(rows: Rows) -> Sequence[Sequence[Any]]:
    """Rows, lists or converted before, as lists."""
    if not isinstance(rows, Ragged):
        return rows
    ends = np.cumsum(rows.lengths)
    return [rows.entries[end - length : end].tolist() for end, length in zip(ends, rows.lengths)]


def pad_rows(rows: Rows, width: int = 0) -> tuple[Floats, Bools]:
    """Pad rows of numbers, or of short vectors, with zeros to one array.

    Args:
        rows: Q rows; every entry is a number, or a sequence of ``width`` numbers.
        width: Length of every entry, 0 for plain numbers.

    Returns:
        Values of shape (Q, N) or (Q, N, width) with N the longest row (at least 1), and the mask (Q, N), True = real.
    """
    ragged = as_ragged(rows, width)
    longest = int(ragged.lengths.max(initial=1))
    mask = np.arange(longest) < ragged.lengths[:, None]
    tail = (width,) if width else ()
    padded = np.zeros((len(ragged), longest, *tail))
    padded[mask] = ragged.entries
    return padded, mask
