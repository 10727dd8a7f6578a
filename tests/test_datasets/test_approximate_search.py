"""Approximate search with faiss."""

import sys

import numpy as np
import pytest

from mmvmr.datasets.samplers.similarity import PooledSimilarity, TopClipSimilarity
from mmvmr.datasets.samplers.similarity_search import find_similar


def corpus(count, dim=16):
    rng = np.random.default_rng(0)
    topics = rng.normal(size=(20, dim))
    return [(topics[i % 20] + 0.5 * rng.normal(size=(6, dim))).astype(np.float32) for i in range(count)]


def test_without_faiss(monkeypatch):
    monkeypatch.setitem(sys.modules, 'faiss', None)
    with pytest.raises(ImportError, match='pip install faiss-cpu'):
        find_similar(['a'], lambda i: np.ones((2, 3)), PooledSimilarity(), faiss={})


@pytest.mark.parametrize(('factory', 'recall'), [(None, 1.0), ('IVF8,Flat', 0.9)])
def test_close_to_exact_search(factory, recall):
    pytest.importorskip('faiss')
    videos = corpus(400)
    vids = [f'v{i}' for i in range(len(videos))]
    exact = find_similar(vids, videos.__getitem__, PooledSimilarity(), top_k=10)
    options = {'factory': factory, 'probes': 4}
    found = find_similar(vids, videos.__getitem__, PooledSimilarity(), top_k=10, faiss=options)
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
    found = find_similar(['a'], lambda i: np.ones((2, 3)), PooledSimilarity(), faiss={})
    assert found.partners('a') == []


def test_impossible_options():
    pytest.importorskip('faiss')
    videos = corpus(30)
    vids = [f'v{i}' for i in range(30)]
    with pytest.raises(ValueError, match='needs the measure pooled'):
        find_similar(vids, videos.__getitem__, TopClipSimilarity(), faiss={})
    with pytest.raises(ValueError, match='the memory bound is 1 KB, but 30 videos'):
        find_similar(vids, videos.__getitem__, PooledSimilarity(), memory=1024, faiss={})
    for factory in ('Nothing9', 'IVF64,Flat'):
        with pytest.raises(ValueError, match=f'--faiss-index {factory}: not with 30 videos of dimension 16: '):
            find_similar(vids, videos.__getitem__, PooledSimilarity(), faiss={'factory': factory})


@pytest.mark.parametrize(('count', 'dim', 'factory'), [(100, 512, 'Flat'), (2500, 129, 'PCA128,IVF128,Flat')])
def test_the_default_index_grows_with_the_corpus(count, dim, factory):
    pytest.importorskip('faiss')
    videos = np.random.default_rng(0).standard_normal((count, 1, dim), np.float32)
    found = find_similar(range(count), videos.__getitem__, PooledSimilarity(), top_k=2, faiss={})
    assert found.options['faiss_index'] == factory
