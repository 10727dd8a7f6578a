"""The most similar videos of every video, by blocked matrix products within a memory bound."""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmvmr.datasets.samplers.similar_videos import SimilarVideos
from mmvmr.structures import FeatureSpec
from mmvmr.utils.arrays import read_npz
from mmvmr.utils.io import atomic_write
from mmvmr.utils.memory import memory_text

Read = Callable[[int], np.ndarray]
#: Bytes that :meth:`Ranking.add` may need for a pair of videos, in the worst case.
RANKING_BYTES = 64
#: Similarities are rounded, so that the order of videos that are equally similar does not depend on the last bits of
#: a product, which change with the size of a block.
DECIMALS = 6
#: Larger products do not run faster, and smaller blocks keep the state of a long search more often.
LARGEST_WORKSPACE = 1 << 28
LARGEST_BLOCK = 1 << 27
#: Longest video of a block against its shortest: products over padding cost as much as any.
PADDING = 1.15
#: Seconds between two states of an unfinished search on the disk.
SAVE_EVERY = 30
#: Seconds between two messages.
TELL_EVERY = 10


class Ranking:
    """The k best others of every video, of all that were added so far; equal ones in the order of the videos.

    Args:
        count: Number of videos.
        k: Number of others to keep.
        sign: 1 keeps the largest values, -1 the smallest.
    """

    def __init__(self, count: int, k: int, sign: int = 1) -> None:
        self.sign = sign
        self.values = np.full((count, k), -np.inf, np.float32)  # times sign
        self.indices = np.full((count, k), count, np.int32)  # count: none yet

    def add(self, rows: np.ndarray, columns: np.ndarray, values: np.ndarray) -> None:
        """Offer candidates.

        Args:
            rows: Shape (R,): videos whose others are ranked.
            columns: Shape (C,): their candidates. A video is no candidate of itself.
            values: Shape (R, C): similarities.
        """
        k = self.values.shape[1]
        if not k:
            return
        values = np.where(rows[:, None] == columns, -np.inf, self.sign * values).astype(np.float32, copy=False)
        last, last_index = self.values[rows, -1:], self.indices[rows, -1:]
        better = values > last
        better |= (values == last) & (columns < last_index) & (values > -np.inf)
        if values.shape[1] > k and np.count_nonzero(better) > 4 * k * len(rows):
            better &= values >= np.partition(values, -k, axis=1)[:, -k, None]
        row, column = np.nonzero(better)
        if row.size:
            self._merge(rows[row], columns[column], values[row, column])

    def _merge(self, rows: np.ndarray, indices: np.ndarray, values: np.ndarray) -> None:
        k = self.values.shape[1]
        touched, inverse = np.unique(rows, return_inverse=True)
        owner = np.concatenate([np.repeat(np.arange(len(touched)), k), inverse])
        indices = np.concatenate([self.indices[touched].ravel(), indices]).astype(np.int32, copy=False)
        values = np.concatenate([self.values[touched].ravel(), values])
        order = np.lexsort((indices, -values, owner))
        start = np.concatenate([[0], np.cumsum(np.bincount(owner))[:-1]])
        kept = order[start[:, None] + np.arange(k)]
        self.values[touched], self.indices[touched] = values[kept], indices[kept]

    def tables(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices (-1 for none) and similarities (0 for none), each (N, k)."""
        none = self.indices == len(self.indices)
        return np.where(none, -1, self.indices), np.where(none, 0.0, self.sign * self.values)


class BlockedSearch:
    """Compare all videos with each other, a group of blocks at a time.

    Videos are sorted by length, so that little is padded, and cut into blocks; consecutive blocks form a group. For
    every group its blocks are held in memory, and the later blocks pass by one at a time: every pair of videos is
    compared once. The bound covers the group (half), the passing block (a fifth) and the products with the ranking
    (the rest), after the tables of results; the interpreter and its libraries come on top.

    Args:
        read: Returns the vectors of a video (L, D) by its position, possibly several times.
        lengths: Shape (N,): number of vectors of every video.
        dim: Dimension of a vector.
        measure: Compares blocks; see :mod:`mmvmr.datasets.samplers.similarity`.
        top_k: Number of most similar videos to keep.
        least: Number of least similar videos to keep.
        memory: The bound in bytes.
        device: Where blocks are compared.

    Raises:
        ValueError: If the bound is too small for a single pair; the message says what is needed.
    """

    def __init__(
        self,
        read: Read,
        lengths: np.ndarray,
        dim: int,
        measure: Any,
        top_k: int = 50,
        least: int = 0,
        memory: int = 2 << 30,
        device: str = 'cpu',
    ) -> None:
        self.read, self.measure, self.device = read, measure, device
        self.lengths, self.dim = lengths, dim
        count = len(lengths)
        self.most = Ranking(count, min(top_k, count - 1))
        self.least = Ranking(count, min(least, count - 1), sign=-1)
        self.order = np.argsort(lengths, kind='stable')
        tables = 2 * 8 * count * (self.most.values.shape[1] + self.least.values.shape[1])
        longest = int(lengths.max())
        pair = measure.workspace(longest, longest) + RANKING_BYTES
        needed = tables + math.ceil(max(longest * dim * 4 / 0.2, pair / 0.3))
        if memory < needed:
            raise ValueError(
                f'the memory bound is {memory_text(memory)}, but {count} videos of up to {longest} clips of dimension '
                f'{dim} need at least {memory_text(needed)}; raise --memory or lower --top-k'
            )
        self.workspace = min(int(0.3 * (memory - tables)), LARGEST_WORKSPACE)
        sizes = lengths[self.order].astype(np.int64) * dim * 4
        self.blocks = list(_cut(sizes.tolist(), max(int(sizes[-1]), min(int(0.2 * (memory - tables)), LARGEST_BLOCK))))
        heights = [(stop - start) * int(sizes[stop - 1]) for start, stop in self.blocks]
        self.groups = list(_grouped(heights, int(0.5 * (memory - tables))))

    @property
    def steps(self) -> int:
        """Number of times that a block passes by a group."""
        return sum(len(self.blocks) - first for first, _ in self.groups)

    def run(self, start: int = 0, after_step: Callable[[int], None] | None = None) -> None:
        """Fill ``most`` and ``least``.

        Args:
            start: Number of steps that are done already.
            after_step: Called with the number of steps that are done.
        """
        done = 0
        for first, last in self.groups:
            passing = range(first, len(self.blocks))
            if done + len(passing) > start:
                group = [self._load(b) for b in range(first, last)]
                for b in passing[max(0, start - done) :]:
                    self._pass(b, first, group)
                    if after_step is not None:
                        after_step(done + b - first + 1)
                del group  # before the next one is read
            done += len(passing)

    def _pass(self, b: int, first: int, group: Sequence[Tensor]) -> None:
        """Compare block ``b`` with the blocks of the group up to itself; the group starts at block ``first``."""
        inside = b < first + len(group)
        block = group[b - first] if inside else self._load(b)
        for a in range(first, b + 1 if inside else first + len(group)):
            self._compare(a, group[a - first], b, block)

    def _videos(self, block: int) -> np.ndarray:
        return self.order[slice(*self.blocks[block])]

    def _load(self, block: int) -> Tensor:
        videos = self._videos(block)
        padded = np.zeros((len(videos), int(self.lengths[videos[-1]]), self.dim), np.float32)
        for target, i in zip(padded, videos):  # one at a time: a list of them would double the memory
            vectors = self.read(int(i))
            target[: len(vectors)] = vectors
        return torch.from_numpy(padded).to(self.device)

    def _compare(self, a: int, first: Tensor, b: int, second: Tensor) -> None:
        rows, columns = self._videos(a), self._videos(b)
        pairs = self.workspace // (self.measure.workspace(first.shape[1], second.shape[1]) + RANKING_BYTES)
        height = min(len(rows), max(1, math.isqrt(pairs)))
        width = min(len(columns), max(1, pairs // height))
        for i in range(0, len(rows), height):
            for j in range(0, len(columns), width):
                values = self.measure.compare(first[i : i + height], second[j : j + width]).cpu().numpy()
                values = np.round(values, DECIMALS)
                for ranking in (self.most, self.least):
                    ranking.add(rows[i : i + height], columns[j : j + width], values)
                    if a != b:
                        ranking.add(columns[j : j + width], rows[i : i + height], values.T)


def find_similar(
    vids: Sequence[str],
    read: Read,
    measure: Any,
    top_k: int = 50,
    least: int = 0,
    memory: int = 2 << 30,
    device: str = 'cpu',
    feature_spec: FeatureSpec | None = None,
    state: Path | None = None,
    report: Callable[[str], None] | None = None,
) -> SimilarVideos:
    """Find the most similar videos of every video, exactly.

    Args:
        vids: Ids of the videos, each once.
        read: Returns the clip features of a video (L, D) by its position. It is called several times for a video
            where not all of them fit into the bound.
        measure: See :mod:`mmvmr.datasets.samplers.similarity`.
        top_k: Number of most similar videos to keep.
        least: Number of least similar videos to keep.
        memory: Bound of what the search holds, in bytes; see :class:`BlockedSearch`.
        device: Where blocks are compared.
        feature_spec: Kept in the index, to refuse other features later.
        state: File that keeps an unfinished search, which goes on from there; removed at the end.
        report: Told how far the search is.

    Returns:
        The index.

    Raises:
        ValueError: If there are no videos, or the bound is too small.
    """
    report = report or (lambda text: None)
    if not len(vids):
        raise ValueError('similar videos: the data set has no videos')
    folder = None if state is None else state.parent
    with Described(len(vids), read, measure, folder) as videos:
        search = BlockedSearch(
            videos.read, videos.lengths, videos.dim, measure, top_k, least, memory=memory, device=device
        )
        key = _fingerprint(vids, videos.lengths, search, measure)
        done = 0 if state is None else _resume(state, key, search)
        search.run(done, _Progress(search, done, state, key, report))
    options = {**measure.options(), 'search': 'exact', 'top_k': top_k, 'least': least}
    found = SimilarVideos(vids, *search.most.tables(), *search.least.tables(), options, feature_spec)
    if state is not None:
        state.unlink(missing_ok=True)
    return found


class Described:
    """The vectors of the videos by a measure, with their lengths.

    Vectors of a compact measure go to a file without a name, so that the videos are read once; others are read and
    described again each time, as their copy would be as large as the features.

    Args:
        count: Number of videos.
        read: Returns the clip features of a video by its position.
        measure: See :mod:`mmvmr.datasets.samplers.similarity`.
        folder: Where the file lies; None for the folder of temporary files.
    """

    def __init__(self, count: int, read: Read, measure: Any, folder: Path | None = None) -> None:
        self._read, self._measure = read, measure
        self._file = tempfile.TemporaryFile(dir=folder) if measure.compact else None  # noqa: SIM115
        lengths, dims = np.zeros(count, np.int64), set()
        for i in range(count):
            vectors = measure.describe(read(i))
            lengths[i] = len(vectors)
            dims.add(vectors.shape[1])
            if self._file is not None:
                self._file.write(np.ascontiguousarray(vectors, np.float32).data)
        if len(dims) > 1:
            raise ValueError(f'similar videos: the dimensions of the videos differ: {sorted(dims)}')
        self.lengths, self.dim = lengths, dims.pop()
        self._offset = np.concatenate([[0], np.cumsum(lengths)]) * self.dim * 4

    def read(self, index: int) -> np.ndarray:
        """The vectors of a video, (L, D) float32."""
        if self._file is None:
            return self._measure.describe(self._read(index))
        self._file.seek(self._offset[index])
        raw = self._file.read(int(self._offset[index + 1] - self._offset[index]))
        return np.frombuffer(bytearray(raw), np.float32).reshape(-1, self.dim)

    def __enter__(self) -> Described:
        return self

    def __exit__(self, *_: Any) -> None:
        if self._file is not None:
            self._file.close()


class _Progress:
    """After a step: say how far the search is, and keep its state, both at most once in a while."""

    def __init__(
        self, search: BlockedSearch, done: int, state: Path | None, key: str, report: Callable[[str], None]
    ) -> None:
        self.search, self.state, self.key, self.report = search, state, key, report
        self.start = self.told = self.saved = time.monotonic()
        went_on = f', {done} of them done already ({state})' if done else ''
        report(
            f'{len(search.lengths)} videos in {len(search.blocks)} blocks and {len(search.groups)} groups: '
            f'{search.steps} steps{went_on}'
        )

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now - self.told >= TELL_EVERY or done == self.search.steps:
            self.report(f'step {done} of {self.search.steps}, {now - self.start:.0f} s')
            self.told = now
        if self.state is not None and done < self.search.steps and now - self.saved >= SAVE_EVERY:
            _save_state(self.state, self.key, done, self.search)
            self.saved = now


def _save_state(path: Path, key: str, done: int, search: BlockedSearch) -> None:
    tables = {f'{name}_{part}': getattr(getattr(search, name), part) for name, part in _TABLES}
    with atomic_write(path) as tmp, open(tmp, 'wb') as out:
        np.savez(out, key=np.array(key), done=np.array(done), **tables)


_TABLES = [(name, part) for name in ('most', 'least') for part in ('indices', 'values')]


def _resume(path: Path, key: str, search: BlockedSearch) -> int:
    """Take over the tables of an unfinished search of the same videos with the same options."""
    try:
        holder = read_npz(path)
        if str(holder['key']) != key:
            return 0
        for name, part in _TABLES:
            getattr(getattr(search, name), part)[...] = holder[f'{name}_{part}']
        return int(holder['done'])
    except (OSError, ValueError, KeyError):  # none, or not ours: start afresh
        return 0


def _fingerprint(vids: Sequence[str], lengths: np.ndarray, search: BlockedSearch, measure: Any) -> str:
    content = [list(map(str, vids)), lengths.tolist(), search.blocks, search.groups, measure.options()]
    content += [search.most.values.shape, search.least.values.shape]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _cut(sizes: Sequence[int], limit: int) -> Iterator[tuple[int, int]]:
    """Cut videos, smallest first, into blocks that fit when all are padded to the last one, and pad little."""
    start = 0
    for i, size in enumerate(sizes):
        if i > start and ((i + 1 - start) * size > limit or size > PADDING * sizes[start]):
            yield start, i
            start = i
    yield start, len(sizes)


def _grouped(sizes: Sequence[int], limit: int) -> Iterator[tuple[int, int]]:
    """Cut blocks into groups that fit."""
    start, total = 0, 0
    for i, size in enumerate(sizes):
        if i > start and total + size > limit:
            yield start, i
            start, total = i, 0
        total += size
    yield start, len(sizes)
