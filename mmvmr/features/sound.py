"""Windows of a stream of samples."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import numpy as np


def cut_windows(
    pieces: Iterable[tuple[int, np.ndarray]], starts: Sequence[int], length: int, slack: int = 0
) -> Iterator[np.ndarray]:
    """Cut windows out of samples that arrive piece by piece; only what a window still needs is kept.

    Args:
        pieces: Number of the first sample and the samples (n,), in order.
        starts: First samples of the windows, ascending.
        length: Samples of a window.
        slack: A piece that starts at most this many samples away from the end of the one before follows it directly:
            timestamps are rounded.

    Yields:
        Per start: (length,), float32; 0 where no piece has a sample.
    """
    source = iter(pieces)
    held: deque[tuple[int, np.ndarray]] = deque()
    end, more = None, True
    for start in starts:
        while more and (end is None or end < start + length):
            piece = next(source, None)
            more = piece is not None
            if piece is not None:
                first, samples = piece
                if end is not None and (abs(first - end) <= slack or first < end):
                    first = end
                held.append((first, samples))
                end = first + len(samples)
                _drop(held, start)
        _drop(held, start)
        yield _window(held, start, length)


def _drop(held: deque[tuple[int, np.ndarray]], start: int) -> None:
    while held and held[0][0] + len(held[0][1]) <= start:
        held.popleft()


def _window(held: Iterable[tuple[int, np.ndarray]], start: int, length: int) -> np.ndarray:
    window = np.zeros(length, np.float32)
    for first, samples in held:
        low, high = max(first, start), min(first + len(samples), start + length)
        if low < high:
            window[low - start : high - start] = samples[low - first : high - first]
    return window
