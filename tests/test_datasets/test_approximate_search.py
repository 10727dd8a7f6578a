"""Approximate search with faiss."""

import sys

import numpy as np
import pytest

from mmvmr.datasets.samplers.approximate_search import default_factory, find_similar_approximately
from mmvmr.datasets.samplers.similarity import PooledSimilarity, TopClipSimilarity
from mmvmr.datasets.samplers.similarity_search import find_similar


def corpus(count, dim=16):
    rng = np.random.default_rng(0)
    topics = rng.normal(size=(20, dim))
    return [(topics[i % 20] + 0.5 * rng.normal(size=(6, dim))).astype(np.float32) for i in range(count)]


def test_without_faiss(monkeypatch):
    monkeypatch.setitem(sys.modules, 'faiss', None)
    with pytest.raises(ImportError, match='pip install faiss-cpu'):
        find_similar_approximately(['a'], lambda i: np.ones((2, 3)), PooledSimilarity())


@pytest.mark.parametrize(('factory', 'recall'), [(None, 1.0), ('IVF8,Flat', 0.9)])
def test_close_to_exact_search(factory, recall):
    pytest.importorskip('faiss')
    videos = corpus(400)
    vids = [f'v{i}' for i in range(len(videos))]
    exact = find_similar(vids, videos.__getitem__, PooledSimilarity(), top_k=10)
    found = find_similar_approximately(
        vids, videos.__getitem__, PooledSimilarity(), top_k=10, factory=factory, probes=4
    )
    hits = [len({*found.indices[i]} & {*exact.indices[i]}) for i in range(len(videos))]
    assert np.mean(hits) >= 10 * recall
    assert found.options['search'] == 'faiss'
    for i in (0, 17):
        values = dict(exact.partners(vids[i]))
        for vid, value in found.partners(vids[i]):
            assert vid != vids[i]
            assert vid not in values or value == pytest.approx(values[vid], abs=2e-6)


def test_one_video():
    pytest.importorskip('faiss')
    found = find_similar_approximately(['a'], lambda i: np.ones((2, 3)), PooledSimilarity())
    assert found.partners('a') == []


def test_impossible_options():
    pytest.importorskip('faiss')
    videos = corpus(30)
    vids = [f'v{i}' for i in range(30)]
    with pytest.raises(ValueError, match='needs the measure pooled'):
        find_similar_approximately(vids, videos.__getitem__, TopClipSimilarity())
    with pytest.raises(ValueError, match='the memory bound is 1 KB, but approximate search in 30 vectors'):
        find_similar_approximately(vids, videos.__getitem__, PooledSimilarity(), memory=1024)
    with pytest.raises(ValueError, match='--faiss-index Nothing9: faiss does not understand it'):
        find_similar_approximately(vids, videos.__getitem__, PooledSimilarity(), factory='Nothing9')
    with pytest.raises(ValueError, match='--faiss-index IVF64,Flat: not with 30 videos'):
        find_similar_approximately(vids, videos.__getitem__, PooledSimilarity(), factory='IVF64,Flat')


def test_the_default_index_grows_with_the_corpus():
    assert default_factory(100, 512) == 'Flat'
    assert default_factory(10_000, 64) == 'IVF256,Flat'
    assert default_factory(100_000, 2816) == 'PCA128,IVF512,Flat'
