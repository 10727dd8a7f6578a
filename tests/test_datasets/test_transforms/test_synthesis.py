"""Synthesized videos and the choice of partners."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from mmvmr.datasets import SeededRng, SimilarVideos, moment_collate
from mmvmr.datasets.transforms.synthesis import moment_clips
from mmvmr.registry import TASK_UTILS

LENGTH, CLIP_LEN = 10, 2.0


def _rows(count=6, windows=None):
    """Every video has two queries; v0 to v2, moments of 3 clips."""
    return [
        dict(
            qid=i,
            vid=f'v{i // 2}',
            query=f'query {i}',
            duration=20.0,
            relevant_windows=windows or [[2.0 * i, 2.0 * i + 6]],
            relevant_clip_ids=[i, i + 1, i + 2],
            saliency_scores=[[1, 1, 1], [2, 2, 2], [3, 3, 3]],
        )
        for i in range(count)
    ]


def _features(rows):
    """Clip c of video v holds (v, c) in its first two channels; normalisation keeps their ratio apart."""
    arrays = {}
    for row in rows:
        number = int(row['vid'][1:])
        clips = np.zeros((LENGTH, 5), dtype=np.float32)
        clips[:, 0], clips[:, 1] = number + 1, np.arange(LENGTH)
        arrays[f'a/{row["vid"]}'] = clips
        arrays[f'b/{row["vid"]}'] = np.ones((LENGTH, 3), dtype=np.float32)
    return arrays


@pytest.fixture
def build(make_dataset):
    def make(rows=None, labels='HighlightLabels', **synthesis):
        rows = _rows() if rows is None else rows
        synthesis.setdefault('partner', dict(type='RandomVideoSampler'))
        pipeline = dict(
            augment=dict(synthesis=dict(type='SynthesizeVideo', **synthesis)),
            targets=dict(type='BuildMomentTargets', labels=dict(type=labels)),
        )
        return make_dataset(rows, pipeline, arrays=_features(rows))

    return make


def _view(dataset, index, epoch=0):
    results = dataset.results(index, SeededRng(0, epoch, index))
    loaded = dataset.pipeline.load(results)
    return loaded, dataset.pipeline.augment['synthesis'](loaded)['views']['synthesis']


def test_moment_clips():
    assert moment_clips([[2.4, 8.9]], 1.0, 20) == [range(2, 9)]
    assert moment_clips([[4.0, 8.0], [30.0, 40.0]], 2.0, 10) == [range(2, 4), range(15, 15)]
    assert moment_clips([[2.0, 3.0]], 1 / 6, 60) == [range(12, 18)]


@pytest.mark.parametrize('epoch', range(6))
def test_moments_stay_whole_and_windows_follow_them(build, epoch):
    dataset = build()
    for index in range(len(dataset)):
        loaded, view = _view(dataset, index, epoch)
        source, feat = view['source_clips'], view['video_feat']
        assert len(source) == len(feat) == view['num_clips']
        assert view['duration'] == len(source) * CLIP_LEN
        (start, end), clip_len = view['relevant_windows'][0], CLIP_LEN
        first, last = int(start / clip_len), int(end / clip_len)
        assert source[first:last].tolist() == [[0, index], [0, index + 1], [0, index + 2]]
        assert view['relevant_clip_ids'] == list(range(first, last))
        own = feat[source[:, 0] == 0]
        np.testing.assert_array_equal(own, loaded['video_feat'][source[source[:, 0] == 0, 1]])
        # The share 0.7 of 7 context clips and 0.3 of 10 clips of the partner.
        assert len(own) == 3 + 4
        assert (source[:, 0] == 1).sum() == 3
        for video in (0, 1):
            clips = source[source[:, 0] == video, 1]
            assert (np.diff(clips) > 0).all()
        assert np.flatnonzero(np.diff(source[:, 0])).size == 1  # two blocks


def test_both_orders_occur_and_can_be_chosen(build):
    first = {_view(build(), 2, epoch)[1]['source_clips'][0, 0] for epoch in range(12)}
    assert first == {0, 1}
    for order, expected in (('own_first', 0), ('partner_first', 1)):
        assert {_view(build(order=order), 2, e)[1]['source_clips'][0, 0] for e in range(6)} == {expected}


def test_alpha_one_is_the_sample_itself_and_zero_leaves_the_moment_alone(build):
    item = build(alpha=1.0)[2]
    view = item['views']['synthesis']
    assert torch.equal(view['inputs']['video'], item['inputs']['video'])
    assert torch.equal(view['inputs']['text'], item['inputs']['text'])
    for name in ('gt_clips', 'gt_saliency'):
        assert torch.equal(getattr(view['data_samples'], name), getattr(item['data_samples'], name))
    assert torch.equal(view['data_samples'].gt_instances.spans, item['data_samples'].gt_instances.spans)
    source = _view(build(alpha=0.0), 2)[1]['source_clips']
    assert source[source[:, 0] == 0, 1].tolist() == [2, 3, 4]
    assert (source[:, 0] == 1).sum() == LENGTH


def test_two_moments_remain_two(build):
    rows = _rows(windows=[[2.0, 4.0], [8.0, 12.0]])
    for row in rows:
        row['relevant_clip_ids'], row['saliency_scores'] = [1, 4, 5], [[1, 1, 1]] * 3
    dataset = build(rows, alpha=0.0)
    for epoch in range(8):
        _, view = _view(dataset, 3, epoch)
        (a, b), (c, d) = view['relevant_windows']
        assert (b - a, d - c) == (2.0, 4.0)
        assert c - b == 2.0  # one clip of the gap, whatever alpha says
        clips = view['source_clips'][[int(a / 2), int(c / 2), int(c / 2) + 1]]
        assert clips.tolist() == [[0, 1], [0, 4], [0, 5]]
        assert view['relevant_clip_ids'] == [int(a / 2), int(c / 2), int(c / 2) + 1]


def test_windows_beyond_the_clips(build):
    rows = _rows(windows=[[16.0, 24.0], [30.0, 40.0]])
    dataset = build(rows, labels='MomentLabels')
    _, view = _view(dataset, 0)
    (window,) = view['relevant_windows']
    assert window[1] - window[0] == 4.0
    assert view['source_clips'][int(window[0] / 2)].tolist() == [0, 8]
    item = build(_rows(windows=[[30.0, 40.0]]), labels='MomentLabels')[0]
    assert 'views' not in item


def test_rated_clips_that_are_left_out_lose_their_rating(build):
    rows = _rows()
    rows[0]['relevant_clip_ids'], rows[0]['saliency_scores'] = [1, 9], [[1, 1, 1], [4, 4, 4]]
    _, view = _view(build(rows, alpha=0.0, order='own_first'), 0)
    assert view['relevant_clip_ids'] == [1]
    assert view['saliency_scores'] == [[1, 1, 1]]


def test_an_unlabelled_sample_gets_no_view(build):
    rows = [{k: v for k, v in row.items() if k != 'relevant_windows'} for row in _rows()]
    assert 'views' not in build(rows)[0]
    assert 'views' not in build([{**row, 'relevant_windows': []} for row in _rows()])[0]


def test_deterministic_in_workers_and_different_between_epochs(build):
    dataset = build(partner=dict(type='SimilarVideoSampler'))

    def epoch(number, workers):
        dataset.set_epoch(number)
        loader = DataLoader(dataset, batch_size=3, num_workers=workers, collate_fn=moment_collate)
        return [video for batch in loader for video in batch['inputs']['video']]

    alone, workers, later = epoch(0, 0), epoch(0, 2), epoch(1, 0)
    assert len(alone) == 2 * len(dataset)
    assert all(torch.equal(a, b) for a, b in zip(alone, workers))
    assert any(not torch.equal(a, b) for a, b in zip(alone, later))


def test_annotations_and_features_are_left_alone(build):
    rows = _rows()
    dataset = build(rows)
    before = [dict(row, relevant_windows=[list(w) for w in row['relevant_windows']]) for row in rows]
    for index in range(len(dataset)):
        dataset[index]
    assert dataset.rows == before


@pytest.mark.parametrize(
    ('options', 'message'),
    [(dict(alpha=1.2), 'alpha=1.2'), (dict(order='behind'), 'order='), (dict(alpha=-0.1), 'expected a share')],
)
def test_impossible_options(build, options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)


# Partners


class _Videos:
    """Six clips of four videos whose features point into different directions."""

    data_root = ''
    feature_spec = None

    def __init__(self, vids=('a_0.0_9.0', 'a_9.0_18.0', 'b', 'c', 'd')):
        self.rows = [dict(vid=vid, qid=i) for i, vid in enumerate(v for vid in vids for v in (vid, vid))]
        angles = dict(zip(vids, (0.0, 0.05, 0.3, 1.0, 2.5)))
        self.vectors = {vid: np.array([[np.cos(a), np.sin(a)]] * 4) for vid, a in angles.items()}
        self.reads = 0

    def loaded(self, index, rng=None):
        self.reads += 1
        return {'video_feat': self.vectors[self.rows[index]['vid']]}


def _partners(kind, vid='a_0.0_9.0', count=40, dataset=None, **options):
    dataset = dataset or _Videos()
    sampler = TASK_UTILS.build(dict(type=kind, **options))
    sampler.bind(dataset)
    found = [sampler({'vid': vid, 'rng': SeededRng(0, 0, i)}) for i in range(count)]
    return {None if index is None else dataset.rows[index]['vid'] for index in found}


def test_strategies_do_what_their_names_say():
    assert _partners('RandomVideoSampler') == {'b', 'c', 'd'}
    assert _partners('SimilarVideoSampler', top=1) == {'b'}
    assert _partners('SimilarVideoSampler', top=2) == {'b', 'c'}
    assert _partners('DissimilarVideoSampler', top=1) == {'d'}
    assert _partners('DissimilarVideoSampler', vid='d', top=1) == {'a_0.0_9.0'}
    assert _partners('SimilarVideoSampler', vid='d', top=1) == {'c'}


def test_near_duplicates_can_be_left_out():
    assert _partners('SimilarVideoSampler', top=1, max_similarity=0.9) == {'c'}
    assert _partners('SimilarVideoSampler', top=1, max_similarity=-1.0) == {None}


def test_the_index_in_memory_is_built_once_and_refused_for_large_sets():
    dataset = _Videos()
    _partners('SimilarVideoSampler', dataset=dataset)
    assert dataset.reads == 5
    with pytest.raises(ValueError, match=r'max_videos=3.*build_similar_videos'):
        _partners('SimilarVideoSampler', max_videos=3)


def test_an_index_file(tmp_path):
    vids = ['a_0.0_9.0', 'a_9.0_18.0', 'b', 'c', 'd', 'elsewhere']
    order = [[5, 1, 3, 2]] * 6
    SimilarVideos(vids, order, [[0.9, 0.8, 0.5, 0.4]] * 6, [[4]] * 6, [[0.1]] * 6).save(tmp_path / 'index.npz')
    dataset = _Videos()
    dataset.data_root = tmp_path
    assert _partners('SimilarVideoSampler', dataset=dataset, index='index.npz', top=1) == {'c'}
    assert _partners('DissimilarVideoSampler', dataset=dataset, index='index.npz', top=1) == {'d'}
    assert dataset.reads == 0
    dataset.rows.append(dict(vid='new', qid=99))
    with pytest.raises(ValueError, match="1 videos of the data set are not among its 6 videos: 'new'"):
        _partners('SimilarVideoSampler', dataset=dataset, index='index.npz')


def test_one_video_has_no_partner():
    dataset = _Videos(('a_0.0_9.0', 'a_9.0_18.0'))
    with pytest.raises(ValueError, match='4 rows of one video'):
        _partners('RandomVideoSampler', dataset=dataset)
    with pytest.raises(ValueError, match='top=0'):
        _partners('SimilarVideoSampler', top=0)
