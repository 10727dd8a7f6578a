"""The most similar videos of large corpora, approximately, with faiss (an optional package)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmvmr.datasets.samplers.similar_videos import SimilarVideos
from mmvmr.datasets.samplers.similarity_search import DECIMALS, Described, Ranking, Read
from mmvmr.structures import FeatureSpec
from mmvmr.utils.memory import memory_text

#: faiss finds so many times as many candidates as are kept; the exact similarity orders them.
CANDIDATES = 4
#: Bytes of work per byte of vectors: the vectors, the sample that trains the index, and the index itself.
NEEDED = 2.5
#: Videos that are looked up at a time.
BLOCK = 32


def import_faiss() -> Any:
    """Import faiss.

    Returns:
        The module.

    Raises:
        ImportError: If it is not installed; the message says how to install it.
    """
    try:
        import faiss
    except ImportError:
        raise ImportError(
            'approximate search needs faiss: pip install faiss-cpu; or search exactly, without --search faiss'
        ) from None
    return faiss


def default_factory(count: int, dim: int) -> str:
    """A faiss index that suits a corpus.

    Args:
        count: Number of videos.
        dim: Dimension of a vector.

    Returns:
        The description that ``faiss.index_factory`` takes.
    """
    if count < 2000:
        return 'Flat'
    reduced = 'PCA128,' if dim > 128 else ''
    return f'{reduced}IVF{2 ** round(math.log2(2 * math.sqrt(count)))},Flat'


def find_similar_approximately(
    vids: Sequence[str],
    read: Read,
    measure: Any,
    top_k: int = 50,
    factory: str | None = None,
    probes: int = 32,
    memory: int = 2 << 30,
    feature_spec: FeatureSpec | None = None,
) -> SimilarVideos:
    """Find most of the most similar videos of every video, in much less time than exactly.

    The index chooses candidates by reduced vectors and among neighbouring cells only; their similarities are then
    computed exactly and order them. So a similarity in the result is exact, but a video may be missed.

    Args:
        vids: Ids of the videos, each once.
        read: Returns the clip features of a video (L, D) by its position.
        measure: A measure with one vector per video: :class:`mmvmr.datasets.samplers.similarity.PooledSimilarity`.
        top_k: Number of most similar videos to keep.
        factory: Description of the index for ``faiss.index_factory``; None for :func:`default_factory`.
        probes: Cells of an inverted file that are searched: more find more.
        memory: Bound in bytes. All vectors are held at once.
        feature_spec: Kept in the index, to refuse other features later.

    Returns:
        The index.

    Raises:
        ImportError: If faiss is not installed.
        ValueError: If the measure has more than one vector per video, the bound is too small or faiss does not
            understand ``factory``.
    """
    faiss = import_faiss()
    if not measure.compact:
        raise ValueError('approximate search compares one vector per video: it needs the measure pooled')
    if not len(vids):
        raise ValueError('similar videos: the data set has no videos')
    with Described(len(vids), read, measure) as described:
        vectors = _held(described, len(vids), memory)
    factory = factory or default_factory(*vectors.shape)
    index = _trained(faiss, vectors, factory, probes)
    ranking = Ranking(len(vids), min(top_k, len(vids) - 1))
    candidates = min(CANDIDATES * top_k + 1, len(vids))
    for start in range(0, len(vids), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(vids)))
        _, found = index.search(vectors[rows], candidates)
        for row, columns in zip(rows, found):
            columns = columns[columns >= 0]  # -1: the cells have fewer
            values = np.round(vectors[columns] @ vectors[row], DECIMALS)
            ranking.add(np.array([row]), columns, values[None])
    options = {**measure.options(), 'search': 'faiss', 'faiss_index': factory, 'probes': probes, 'top_k': top_k}
    return SimilarVideos(vids, *ranking.tables(), options=options, feature_spec=feature_spec)


def _held(described: Described, count: int, memory: int) -> np.ndarray:
    needed = NEEDED * count * described.dim * 4
    if memory < needed:
        raise ValueError(
            f'the memory bound is {memory_text(memory)}, but approximate search in {count} vectors of dimension '
            f'{described.dim} needs {memory_text(needed)}; raise --memory'
        )
    vectors = np.empty((count, described.dim), np.float32)
    for i in range(count):
        vectors[i] = described.read(i)[0]
    return vectors


def _trained(faiss: Any, vectors: np.ndarray, factory: str, probes: int) -> Any:
    try:
        index = faiss.index_factory(vectors.shape[1], factory, faiss.METRIC_INNER_PRODUCT)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ValueError(f'--faiss-index {factory}: faiss does not understand it: {reason}') from None
    lists = faiss.try_extract_index_ivf(index)
    wanted = len(vectors) if lists is None else 40 * lists.nlist
    sample = np.linspace(0, len(vectors) - 1, min(len(vectors), wanted)).astype(np.int64)
    try:
        index.train(vectors[sample])
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ValueError(f'--faiss-index {factory}: not with {len(vectors)} videos: {reason}') from None
    index.add(vectors)
    if lists is not None:
        faiss.extract_index_ivf(index).nprobe = probes
    return index
