"""Videos with all their sentences: sampler, collate function, preprocessor."""

import pytest
import torch
from torch.utils.data import DataLoader

from mmvmr.datasets import VideoSampler, moment_collate, video_collate
from mmvmr.models import MomentDataPreprocessor

from .conftest import make_rows


def rows_of(counts):
    """``counts[v]`` sentences of video v, interleaved."""
    vids = [vid for turn in range(max(counts)) for vid, count in enumerate(counts) if turn < count]
    return [dict(row, vid=f'v{vid}') for row, vid in zip(make_rows(len(vids), duration=20.0), vids)]


@pytest.fixture
def dataset(make_dataset):
    rows = rows_of([3, 1, 5, 2])
    return make_dataset([dict(row, relevant_windows=[[0.0, 6.0]]) for row in rows])


def vids(dataset, group):
    return {dataset.rows[i]['vid'] for i in group}


def test_one_group_per_video(dataset):
    sampler = VideoSampler(dataset, shuffle=False)
    groups = list(sampler)
    assert len(groups) == len(sampler) == 4
    assert [len(group) for group in groups] == [3, 1, 5, 2]
    assert all(len(vids(dataset, group)) == 1 for group in groups)
    assert sorted(i for group in groups for i in group) == list(range(11))


def test_order_depends_on_seed_and_epoch(dataset):
    first, second, other = (VideoSampler(dataset, seed=seed) for seed in (1, 1, 2))
    assert list(first) == list(second) == list(first)
    assert any(list(other) != list(first) for other.epoch in range(5))
    first.set_epoch(1)
    orders = {tuple(first) for first.epoch in range(8)}
    assert len(orders) > 1
    assert {frozenset(order) for order in orders} == {frozenset(VideoSampler(dataset, shuffle=False))}


@pytest.mark.parametrize('shuffle', [False, True])
def test_large_groups_are_split(dataset, shuffle):
    sampler = VideoSampler(dataset, shuffle=shuffle, seed=0, max_queries=2)
    groups = list(sampler)
    assert len(groups) == len(sampler) == 2 + 1 + 3 + 1
    assert all(len(group) <= 2 and len(vids(dataset, group)) == 1 for group in groups)
    assert sorted(i for group in groups for i in group) == list(range(11))


def test_sentences_are_drawn(dataset):
    sampler = VideoSampler(dataset, seed=0, max_queries=2, overflow='draw')
    assert len(list(sampler)) == len(sampler) == 4
    seen = {i for sampler.epoch in range(20) for group in sampler for i in group}
    assert seen == set(range(11))


@pytest.mark.parametrize('round_up', [True, False])
@pytest.mark.parametrize('world', [2, 3, 5])
def test_processes_share_the_videos(dataset, monkeypatch, world, round_up):
    parts = []
    for rank in range(world):
        monkeypatch.setattr('mmvmr.datasets.samplers.video_sampler.get_dist_info', lambda rank=rank: (rank, world))
        sampler = VideoSampler(dataset, seed=3, round_up=round_up)
        parts.append(list(sampler))
        assert len(parts[-1]) == len(sampler)
    assert sorted({i for part in parts for group in part for i in group}) == list(range(11))
    if round_up:
        assert len({len(part) for part in parts}) == 1
    else:
        assert sum(map(len, parts)) == 4


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [(dict(overflow='drop'), 'overflow'), (dict(max_queries=0), 'max_queries=0')],
)
def test_impossible_options(dataset, kwargs, message):
    with pytest.raises(ValueError, match=message):
        VideoSampler(dataset, **kwargs)


def test_needs_annotation_rows():
    with pytest.raises(TypeError, match='annotation rows, found list'):
        VideoSampler([1, 2])


def test_a_video_occurs_once_in_a_batch(dataset):
    loader = DataLoader(dataset, batch_size=3, sampler=VideoSampler(dataset, shuffle=False), collate_fn=video_collate)
    batches = list(loader)
    assert [len(b['inputs']['video']) for b in batches] == [3, 1]
    assert [len(b['data_samples']) for b in batches] == [9, 2]
    assert batches[0]['inputs']['video_index'].tolist() == [0] * 3 + [1] + [2] * 5
    for batch in batches:
        inputs, samples = batch['inputs'], batch['data_samples']
        assert len(inputs['text']) == len(samples)
        for sample, video, text in zip(samples, inputs['video_index'], inputs['text']):
            alone = dataset[sample.qid]
            assert torch.equal(inputs['video'][video], alone['inputs']['video'])
            assert torch.equal(text, alone['inputs']['text'])


def test_pairs_without_the_sampler_share_videos_too(dataset):
    together = video_collate([dataset[i] for i in range(len(dataset))])
    assert len(together['inputs']['video']) == 4
    assert [f'v{v}' for v in together['inputs']['video_index'].tolist()] == [s.vid for s in together['data_samples']]


def test_a_changed_video_is_another_one(dataset):
    items = [dataset[i] for i in dataset_indices(dataset, 'v0')]
    items[1]['inputs']['video'] = items[1]['inputs']['video'] + 1
    batch = video_collate(items)
    assert batch['inputs']['video_index'].tolist() == [0, 1, 0]
    assert torch.equal(batch['inputs']['video'][1], items[1]['inputs']['video'])


def dataset_indices(dataset, vid):
    return [i for i, row in enumerate(dataset.rows) if row['vid'] == vid]


def test_groups_are_flattened_by_the_ordinary_collate_function(dataset):
    batch = moment_collate([dataset[(0, 4)], dataset[1]])
    assert [s.qid for s in batch['data_samples']] == [0, 4, 1]
    assert len(batch['inputs']['video']) == 3


def test_preprocessor_passes_the_index_on(dataset):
    batch = MomentDataPreprocessor()(video_collate([dataset[i] for i in (0, 1, 4)]))
    assert batch['inputs']['video'].shape[0] == 2
    assert batch['inputs']['text'].shape[0] == 3
    assert batch['inputs']['video_index'].tolist() == [0, 1, 0]
    assert 'video_index_mask' not in batch['inputs']


def test_the_video_is_read_once_for_its_sentences(dataset, monkeypatch):
    reads = []
    store = dataset.stores['a']
    read = store.read
    monkeypatch.setattr(store, 'read', lambda row: reads.append(row['vid']) or read(row))
    for group in VideoSampler(dataset, shuffle=False):
        dataset[group]
    assert reads == ['v0', 'v1', 'v2', 'v3']


def test_clips_that_last_as_long_as_the_video(make_dataset):
    rows = [dict(row, duration=33.0, relevant_windows=[[0.0, 16.5]]) for row in make_rows(1)]
    with pytest.raises(ValueError, match='correct feature_spec'):
        make_dataset(rows)[0]
    sample = make_dataset(rows, dict(load=dict(type='LoadMomentFeatures', clip_time='duration')))[0]['data_samples']
    assert sample.clip_len == pytest.approx(3.3)
    torch.testing.assert_close(sample.gt_instances.spans, torch.tensor([[0.25, 0.5]]))
    with pytest.raises(ValueError, match="clip_time='video'"):
        make_dataset(rows, dict(load=dict(type='LoadMomentFeatures', clip_time='video')))
