"""Search for the most similar videos of every video: exactly in blocks within a memory bound, or with faiss."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from mmvmr.datasets.samplers.similar_videos import SimilarVideos
from mmvmr.structures import FeatureSpec
from mmvmr.utils.dependencies import require
from mmvmr.utils.memory import memory_text

SCALE = 10**6  # similarities are rounded, as the last bits of a product change with the size of a block
RANKING_BYTES = 64  # of work in Ranking.add for a pair of videos
LARGEST_WORKSPACE = 1 << 27  # larger products are no faster
PADDING = 1.15  # longest video of a block against its shortest: products with padding cost as much as others


class Ranking:
    """The k most (sign 1) or least (-1) similar others of N videos among those added; ties in order of the videos."""

    def __init__(self, count: int, k: int, sign: int = 1) -> None:
        self.sign, self.none = sign, np.iinfo(np.int64).min
        # Integers that sort by rounded similarity, then by index: one partition ranks both.
        self.keys = np.full((count, min(k, count - 1)), self.none)

    def add(self, rows: np.ndarray, columns: np.ndarray, values: np.ndarray) -> None:
        """Offer videos ``columns``, (C,) or (R, C), with similarities (R, C), to the videos ``rows`` (R,)."""
        count, k = self.keys.shape
        if not np.abs(values).max(initial=0) < 2**62 / SCALE / count:
            raise ValueError('similar videos: similarities are huge or not finite; check the features, normalise them')
        keys = np.rint(values * np.float64(self.sign * SCALE)).astype(np.int64) * count + (count - 1 - columns)
        keys[(columns == rows[:, None]) | (columns < 0)] = self.none
        keys = np.concatenate([self.keys[rows], keys], axis=1)
        if k:
            self.keys[rows] = np.partition(keys, -k, axis=1)[:, -k:]

    def tables(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices (-1 for none) and similarities (0 for none), each (N, k), best first."""
        keys, count = np.sort(self.keys)[:, ::-1], len(self.keys)
        none = keys == self.none
        indices = np.where(none, -1, count - 1 - keys % count).astype(np.int32)
        return indices, np.where(none, 0, self.sign * (keys // count) / SCALE).astype(np.float32)


def find_similar(
    vids: Sequence[str],
    read: Callable[[int], np.ndarray],
    measure: Any,
    top_k: int = 50,
    least: int = 0,
    memory: int = 2 << 30,
    device: str = 'cpu',
    feature_spec: FeatureSpec | None = None,
    faiss: Mapping[str, Any] | None = None,
) -> SimilarVideos:
    """Find the most similar videos of every video.

    Args:
        vids: Ids of the videos, each once.
        read: Returns the clip features (L, D) of a video by its position; called again where they do not all fit.
        measure: See :mod:`mmvmr.datasets.samplers.similarity`.
        top_k: Number of most similar videos to keep.
        least: Number of least similar videos to keep; none with faiss.
        memory: Bound in bytes of results, vectors and products, without the interpreter and its libraries.
        device: Where videos are compared; faiss: on the CPU.
        feature_spec: Kept in the index, to refuse other features later.
        faiss: ``factory`` (None: chosen by size) and ``probes`` of a faiss index, which proposes candidates: their
            similarities are exact, but some videos may be missed. None compares every pair.
    """
    corpus = _Corpus(len(vids), read, measure)
    ranks = Ranking(len(vids), top_k), Ranking(len(vids), least, sign=-1)
    tables = 4 * sum(rank.keys.nbytes for rank in ranks)  # .tables() copies the keys
    if faiss is None:
        _compare_all(corpus, measure, ranks, memory, tables, device)
        options = {'search': 'exact', 'top_k': top_k, 'least': least}
    else:
        options = {'search': 'faiss', **_ask_faiss(corpus, ranks[0], memory, tables, **faiss), 'top_k': top_k}
    options = {**measure.options(), **options}
    return SimilarVideos(vids, *ranks[0].tables(), *ranks[1].tables(), options, feature_spec)


class _Corpus:
    """Described videos; the vectors of a measure that is not compact are read again, being as large as the features."""

    def __init__(self, count: int, read: Callable[[int], np.ndarray], measure: Any) -> None:
        if not count:
            raise ValueError('similar videos: the data set has no videos')
        shapes, self.vectors = np.zeros((count, 2), np.int64), []
        for i in range(count):
            video = measure.describe(read(i))
            shapes[i] = video.shape
            self.vectors += [video] if measure.compact else []
        self.lengths, dims = shapes[:, 0], np.unique(shapes[:, 1]).tolist()
        if len(dims) != 1:
            raise ValueError(
                f'similar videos: {count} videos of dimensions {dims}, expected the same dimension for all'
            )
        self.dim, self.size = dims[0], sum(video.nbytes for video in self.vectors)
        self.read = self.vectors.__getitem__ if self.vectors else lambda i: measure.describe(read(i))

    def check_memory(self, memory: float, needed: float) -> None:
        if memory < needed:
            raise ValueError(
                f'the memory bound is {memory_text(memory)}, but {len(self.lengths)} videos of up to '
                f'{self.lengths.max()} vectors of dimension {self.dim} need at least {memory_text(needed)}; '
                'raise --memory or lower --top-k'
            )


def _compare_all(
    corpus: _Corpus, measure: Any, ranks: Sequence[Ranking], memory: int, tables: int, device: str
) -> None:
    """Compare every pair of videos once: blocks of similar length pass by a group of blocks that is held."""
    order = np.argsort(corpus.lengths, kind='stable')
    lengths, fixed = corpus.lengths[order], tables + corpus.size
    size = lengths * corpus.dim * 4
    pair = np.array([measure.workspace(int(length), int(length)) + RANKING_BYTES for length in lengths])
    corpus.check_memory(memory, fixed + math.ceil(max(size[-1] / 0.2, pair[-1] / 0.3)))
    block, group, work = ((np.array([0.2, 0.5, 0.3]) * (memory - fixed)).astype(np.int64)).tolist()
    work = min(work, LARGEST_WORKSPACE)

    def fits(i: int, j: int) -> bool:
        count = j - i + 1
        return count * size[j] <= block and count**2 * pair[j] <= work and size[j] <= PADDING * size[i]

    def load(start: int, stop: int) -> tuple[np.ndarray, Tensor]:
        padded = np.zeros((stop - start, lengths[stop - 1], corpus.dim), np.float32)
        for target, i, length in zip(padded, order[start:stop].tolist(), lengths[start:stop].tolist()):
            target[:length] = corpus.read(i)  # one at a time: a list of them would double the memory
        return order[start:stop], torch.from_numpy(padded).to(device)

    blocks = list(_cut(len(order), fits))
    ends = np.cumsum([0, *((stop - start) * size[stop - 1] for start, stop in blocks)])
    for first, last in _cut(len(blocks), lambda i, j: ends[j + 1] - ends[i] <= group):
        held = [load(*blocks[b]) for b in range(first, last)]
        for b in range(first, len(blocks)):
            columns, right = held[b - first] if b < last else load(*blocks[b])
            for rows, left in held[: b - first + 1]:
                values = measure.compare(left, right).cpu().numpy()
                for rank in ranks:
                    rank.add(rows, columns, values)
                    if left is not right:
                        rank.add(columns, rows, values.T)
        print_log(f'{blocks[last - 1][1]} of {len(order)} videos are compared with all others', logger='current')
        del held, left, right  # before the next ones are loaded


def _cut(count: int, fits: Callable[[int, int], bool]) -> Iterator[tuple[int, int]]:
    """Parts of a sequence as long as ``fits(first, last)`` allows, last included, at least one item each."""
    start = 0
    for i in range(1, count + 1):
        if i == count or not fits(start, i):
            yield start, i
            start = i


def _ask_faiss(
    corpus: _Corpus, rank: Ranking, memory: int, tables: int, factory: str | None = None, probes: int = 32
) -> dict[str, Any]:
    faiss = require('faiss', 'approximate search', 'pip install faiss-cpu; or search exactly, without --search faiss')
    if not corpus.vectors:
        raise ValueError('approximate search compares one vector per video: it needs the measure pooled')
    vectors = np.concatenate(corpus.vectors)
    count, dim = vectors.shape
    corpus.check_memory(memory, tables + 3.5 * vectors.nbytes)  # two copies, a sample that trains, the index
    cells = 2 ** round(math.log2(2 * math.sqrt(count)))
    factory = factory or ('Flat' if count < 2000 else f'{"PCA128," if dim > 128 else ""}IVF{cells},Flat')
    try:
        index = faiss.index_factory(dim, factory, faiss.METRIC_INNER_PRODUCT)
        lists = faiss.try_extract_index_ivf(index)
        wanted = count if lists is None else min(count, 40 * lists.nlist)
        index.train(vectors[np.linspace(0, count - 1, wanted).astype(np.int64)])
        index.add(vectors)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ValueError(f'--faiss-index {factory}: not with {count} videos of dimension {dim}: {reason}') from None
    if lists is not None:
        faiss.extract_index_ivf(index).nprobe = probes
    for rows in np.array_split(np.arange(count), math.ceil(count / 8)):
        _, columns = index.search(vectors[rows], min(4 * rank.keys.shape[1] + 1, count))  # -1: the cells have fewer
        rank.add(rows, columns, np.einsum('rd,rcd->rc', vectors[rows], vectors[columns]))
    return {'faiss_index': factory, 'probes': probes}
