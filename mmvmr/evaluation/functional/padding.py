"""From lists of different lengths to rectangular arrays."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def stack_rows(rows: Sequence[Sequence[Any]], width: int) -> Floats:
    """Rows of equally many numbers as an array: about three times as fast as ``np.array`` of nested lists.

    Args:
        rows: N rows of ``width`` numbers.
        width: Length of a row.

    Returns:
        Shape (N, width).

    Raises:
        ValueError: If a row has another length.
    """
    if other := set(map(len, rows)) - {width}:
        raise ValueError(f'rows of {sorted(other)} numbers, expected {width}')
    return np.array(list(chain.from_iterable(rows)), dtype=np.float64).reshape(-1, width)


def pad_rows(rows: Sequence[Sequence[Any]], width: int = 0, fill: float = 0.0) -> tuple[Floats, Bools]:
    """Pad rows of numbers, or of short vectors, to one array.

    Args:
        rows: Q rows; every entry is a number, or a sequence of ``width`` numbers.
        width: Length of every entry, 0 for plain numbers.
        fill: Value of the padding.

    Returns:
        Values of shape (Q, N) or (Q, N, width) with N the longest row (at least 1), and the mask (Q, N), True = real.
    """
    lengths = np.fromiter((len(row) for row in rows), dtype=np.int64, count=len(rows))
    longest = max(int(lengths.max(initial=0)), 1)
    mask = np.arange(longest) < lengths[:, None]
    tail = (width,) if width else ()
    padded = np.full((len(rows), longest, *tail), fill, dtype=np.float64)
    entries = list(chain.from_iterable(rows))
    padded[mask] = stack_rows(entries, width) if width else np.array(entries, dtype=np.float64)
    return padded, mask
