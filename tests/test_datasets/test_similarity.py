"""Similarity of videos: the measures, and the search within a memory bound."""

import json
import tracemalloc

import numpy as np
import pytest
import torch
from torch.nn.functional import adaptive_avg_pool1d

from mmvmr.datasets.samplers.similarity import PooledSimilarity, TopClipSimilarity
from mmvmr.datasets.samplers.similarity_search import RANKING_BYTES, Ranking, find_similar
from mmvmr.official_td_detr.pair_sampler import similarity_matrix
from mmvmr.structures import FeatureSpec

MEASURES = [TopClipSimilarity(2), TopClipSimilarity(2, top=3), PooledSimilarity()]
IDS = ['top50', 'top3', 'pooled']


def unit(array):
    return (array / np.linalg.norm(array, axis=1, keepdims=True)).astype(np.float32)


def corpus(count=40, dim=6, seed=0, shortest=1, longest=20):
    """Videos of two unit streams, of different lengths."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(shortest, longest + 1, count)
    return [np.concatenate([unit(rng.normal(size=(n, dim)) + 0.3) for _ in range(2)], axis=1) for n in lengths]


def brute_force(videos, measure):
    """The definitions, pair by pair."""
    matrix = np.zeros((len(videos), len(videos)))
    for i, first in enumerate(videos):
        for j, second in enumerate(videos):
            if isinstance(measure, PooledSimilarity):
                a, b = first.mean(0), second.mean(0)
                matrix[i, j] = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
            else:
                products = np.sort((first.astype(np.float64) @ second.T / 2).ravel())[::-1]
                matrix[i, j] = np.maximum(products[: measure.top], 0).sum() / measure.top
    return matrix


def search(videos, measure, **kwargs):
    return find_similar([f'v{i}' for i in range(len(videos))], lambda i: videos[i], measure, **kwargs)


@pytest.mark.parametrize('measure', MEASURES, ids=IDS)
def test_matrix_equals_the_definition(measure):
    videos = corpus(12)
    np.testing.assert_allclose(similarity_matrix(videos, measure), brute_force(videos, measure), atol=1e-6)
    np.testing.assert_allclose(  # in small pieces
        similarity_matrix(videos, measure, workspace=1), brute_force(videos, measure), atol=1e-6
    )


@pytest.mark.parametrize('name', ['hl', 'charades', 'tacos'])
def test_official_similarities(shared_dir, name):
    """The official code compares annotation rows; where a set has a limit of clips, it compares pooled ones."""
    folder = shared_dir / 'parity' / 'td_detr_synth'
    rows = json.loads((folder / 'annotations.json').read_text())[name]
    with np.load(folder / 'features.npz') as features:
        videos = [features[f'{name}/{row["vid"]}/loaded'] for row in rows['rows']]
    if name != 'hl':
        limit = rows['max_v_l']
        videos = [
            adaptive_avg_pool1d(torch.tensor(video).T, limit).T.numpy() if len(video) > limit else video
            for video in videos
        ]
    with np.load(folder / 'sim.npz') as recorded:
        official = recorded[f'{name}/matrix']
    measure = TopClipSimilarity(num_streams=2)
    np.testing.assert_allclose(similarity_matrix(videos, measure), official, atol=1e-6)
    for memory in (200_000, 1 << 30):
        found = search(videos, measure, memory=memory)
        for i in range(len(videos)):
            expected = {f'v{j}': official[i, j] for j in range(len(videos)) if j != i}
            assert dict(found.partners(f'v{i}')) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize('measure', MEASURES, ids=IDS)
@pytest.mark.parametrize('memory', [60_000, 200_000, 1 << 30])
def test_search_equals_brute_force(measure, memory):
    videos = corpus()
    expected = np.round(brute_force(videos, measure), 6)
    np.fill_diagonal(expected, np.nan)
    found = search(videos, measure, top_k=7, least=5, memory=memory)
    for i in range(len(videos)):
        partners = found.partners(f'v{i}')
        others = np.sort(expected[i][~np.isnan(expected[i])])
        np.testing.assert_allclose([value for _, value in partners], others[::-1][:7], atol=2e-6)
        np.testing.assert_allclose([value for _, value in found.dissimilar(f'v{i}')], others[:5], atol=2e-6)
        for vid, value in partners:  # and they are the similarities of those videos
            assert value == pytest.approx(expected[i, int(vid[1:])], abs=2e-6)
        assert len({vid for vid, _ in partners} - {f'v{i}'}) == 7


@pytest.mark.parametrize('measure', MEASURES, ids=IDS)
def test_the_result_does_not_depend_on_the_bound(measure):
    videos = corpus(30)
    videos[7] = videos[21] = videos[3]  # equally similar to everything
    narrow, wide = (search(videos, measure, top_k=10, memory=memory) for memory in (60_000, 1 << 30))
    np.testing.assert_array_equal(narrow.indices, wide.indices)
    np.testing.assert_allclose(narrow.similarities, wide.similarities, atol=1.5e-6)
    again = search(videos, measure, top_k=10, memory=1 << 30)
    np.testing.assert_array_equal(again.similarities, wide.similarities)


def test_ties_go_by_the_order_of_the_videos():
    video = corpus(1)[0]
    found = search([video] * 9, PooledSimilarity(), top_k=3, least=3, memory=60_000)
    assert found.indices[0].tolist() == [1, 2, 3]
    assert found.indices[5].tolist() == [0, 1, 2]
    assert found.least_indices[1].tolist() == [0, 2, 3]


class Spy:
    """A measure that keeps the most memory that products and their ranking may have needed."""

    def __init__(self, measure):
        self.measure, self.most = measure, 0
        self.compact, self.describe, self.workspace = measure.compact, measure.describe, measure.workspace
        self.options = measure.options

    def compare(self, first, second):
        pairs = len(first) * len(second)
        self.most = max(self.most, pairs * (self.workspace(first.shape[1], second.shape[1]) + RANKING_BYTES))
        return self.measure.compare(first, second)


@pytest.mark.parametrize('measure', MEASURES, ids=IDS)
@pytest.mark.parametrize('memory', [1 << 20, 1 << 21])
def test_the_bound_is_kept(measure, memory):
    """Blocks and rankings are arrays of numpy, which tracemalloc counts; products are tensors, which the spy counts."""
    reads, spy = [], Spy(measure)
    videos = corpus(300, dim=100, longest=30)  # 3.7 MB

    def read(i):
        reads.append(i)
        return videos[i]

    tracemalloc.start()
    find_similar(range(300), read, spy, top_k=5, memory=memory)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak + spy.most <= memory + 50_000  # objects of Python
    if not measure.compact:
        assert len(reads) > 2 * len(videos)  # the bound made them be read again


def test_a_bound_that_is_too_small_says_what_is_needed():
    with pytest.raises(
        ValueError, match=r'the memory bound is 1 KB, but 40 videos .* dimension 12 need at least \d+ KB'
    ):
        search(corpus(), TopClipSimilarity(2), memory=1024)


def test_one_video_and_none():
    found = search(corpus(1), TopClipSimilarity(2), least=5)
    assert found.partners('v0') == []
    assert found.dissimilar('v0') == []
    with pytest.raises(ValueError, match='the data set has no videos'):
        search([], PooledSimilarity())


def test_videos_with_fewer_pairs_of_clips_than_count():
    """Six pairs of clips: zeros take the places of the missing 44, whatever block the video falls into."""
    first, second = corpus(2, seed=3)
    first, second = np.abs(first[:2]), np.abs(second[:3])
    expected = (first @ second.T).sum() / 100
    assert similarity_matrix([first, second], TopClipSimilarity(2))[0, 1] == pytest.approx(expected, abs=1e-6)
    found = search([first, second, *corpus(5, shortest=18)], TopClipSimilarity(2))
    assert dict(found.partners('v0'))['v1'] == pytest.approx(expected, abs=2e-6)


def test_opposite_videos_are_not_below_zero():
    video = unit(np.random.default_rng(0).normal(size=(8, 4)))
    same = np.repeat(video[:1], 8, axis=0)
    assert similarity_matrix([same, -same], TopClipSimilarity(1))[0, 1] == 0
    assert similarity_matrix([same, -same], PooledSimilarity())[0, 1] == pytest.approx(-1, abs=1e-6)


def test_ranking_keeps_the_best_of_many_offers():
    rng = np.random.default_rng(1)
    values = rng.integers(0, 30, (50, 50)) / 10  # many ties
    ranking, least = Ranking(50, 6), Ranking(50, 6, sign=-1)
    columns = rng.permutation(50)
    for rows in np.array_split(rng.permutation(50), 4):
        for part in np.array_split(columns, 7):
            for table in (ranking, least):
                table.add(rows, part, values[np.ix_(rows, part)])
    for i in range(50):
        others = [j for j in range(50) if j != i]
        best = sorted(others, key=lambda j: (-values[i, j], j))[:6]
        worst = sorted(others, key=lambda j: (values[i, j], j))[:6]
        assert ranking.tables()[0][i].tolist() == best
        assert least.tables()[0][i].tolist() == worst
        assert least.tables()[1][i].tolist() == pytest.approx(values[i, worst])


@pytest.mark.parametrize('bad', [np.nan, np.inf, 1e15])
def test_features_that_cannot_be_compared_are_refused(bad):
    videos = corpus(4)
    videos[2][0, 0] = bad
    with pytest.raises(ValueError, match='huge or not finite; check the features'):
        search(videos, TopClipSimilarity(2))


def test_dimensions_and_options_are_checked():
    with pytest.raises(ValueError, match=r'2 videos of dimensions \[4, 5\]'):
        search([np.ones((3, 4), np.float32), np.ones((3, 5), np.float32)], PooledSimilarity())
    with pytest.raises(ValueError, match='expected positive integers'):
        TopClipSimilarity(0)


def test_the_index_says_how_it_was_made():
    spec = FeatureSpec.from_dict(dict(streams=dict(a=dict(dim=6), b=dict(dim=6)), text=dict(dim=4), clip_len=2.0))
    found = search(corpus(3), TopClipSimilarity(2), feature_spec=spec)
    assert found.options == {
        'measure': 'top_clips',
        'num_streams': 2,
        'top': 50,
        'search': 'exact',
        'top_k': 50,
        'least': 0,
    }
    assert found.feature_spec == spec
