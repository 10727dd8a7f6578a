"""No video twice in a batch, and no index lost."""

from collections import Counter

import pytest
import torch
from mmengine.dataset import DefaultSampler
from mmengine.runner import Runner

from mmvmr.datasets import VideoBatchSampler
from mmvmr.registry import DATA_SAMPLERS
from mmvmr.utils.setup import register_all_modules


class Listed:
    """A sampler with a fixed order."""

    def __init__(self, order):
        self.order = list(order)

    def __iter__(self):
        return iter(self.order)

    def __len__(self):
        return len(self.order)


def batches(videos, size, order=None, **options):
    order = range(len(videos)) if order is None else order
    sampler = VideoBatchSampler(Listed(order), size, videos=videos, **options)
    return list(sampler), len(sampler)


def repeats(batch, videos):
    return len(batch) - len({videos[index] for index in batch})


def test_deferred_by_hand():
    # The second index of a waits, and comes first in the next batch.
    assert batches('aabcbd', 2) == ([[0, 2], [1, 3], [4, 5]], 3)


def test_dropped_by_hand():
    assert batches('aabcbd', 2, repeats='drop') == ([[0, 2], [3, 4], [5]], 3)
    assert batches('aabcbd', 2, repeats='drop', drop_last=True) == ([[0, 2], [3, 4]], 3)


def test_drop_last():
    assert batches('abcde', 2, drop_last=True) == ([[0, 1], [2, 3]], 2)


@pytest.mark.parametrize('seed', range(20))
def test_every_index_once_and_no_video_twice(seed):
    generator = torch.Generator().manual_seed(seed)
    videos = torch.randint(0, 40, (301,), generator=generator).tolist()
    order = torch.randperm(301, generator=generator).tolist()
    size = 8
    found, length = batches(videos, size, order)
    assert max(Counter(videos).values()) <= length  # so that it can be done
    assert len(found) == length == 38
    assert sorted(index for batch in found for index in batch) == list(range(301))
    assert [len(batch) for batch in found] == [size] * 37 + [5]
    # The last batch has 5 places: more videos than that may have an index per batch.
    assert [repeats(batch, videos) for batch in found[:-1]] == [0] * 37


def test_more_queries_than_batches_share_a_batch():
    videos = 'a' * 9 + 'bcd'
    found, length = batches(videos, 3)
    assert len(found) == length == 4
    assert sorted(index for batch in found for index in batch) == list(range(12))
    assert all('a' in {videos[i] for i in batch} for batch in found)


def test_indices_that_a_sampler_repeats():
    found, length = batches('abc', 2, order=[0, 1, 2, 0])
    assert sorted(index for batch in found for index in batch) == [0, 0, 1, 2]
    assert len(found) == length == 2


def test_a_sampler_without_end():
    class Endless(Listed):
        def __iter__(self):
            while True:
                yield from self.order

    sampler = VideoBatchSampler(Endless(range(4)), 2, videos='aabb')
    assert list(sampler) == [[0, 2], [1, 3]]


def test_official_recording():
    """From the published VideoBatchSampler."""
    videos = [11, 4, 6, 4, 12, 0, 2, 16, 14, 6, 6, 13, 11, 6, 10, 7, 15]
    order = [10, 11, 13, 16, 2, 0, 15, 3, 12, 7, 6, 9, 14, 4, 5, 8, 1]
    expected = [[10, 11, 16, 0, 15], [3, 12, 7, 6, 9], [14, 4, 5, 8, 1]]
    assert batches(videos, 5, order, repeats='drop') == (expected, 4)


def test_in_a_data_loader(make_dataset, make_rows):
    register_all_modules()
    rows = make_rows(10)
    config = dict(
        dataset=make_dataset(rows),
        batch_size=4,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=True),
        batch_sampler=dict(type='VideoBatchSampler'),
        collate_fn=dict(type='moment_collate'),
    )
    loader = Runner.build_dataloader(config, seed=0)
    orders = []
    for epoch in range(2):
        loader.batch_sampler.sampler.set_epoch(epoch)
        seen = [[sample.qid for sample in batch['data_samples']] for batch in loader]
        assert len(seen) == len(loader) == 3
        assert sorted(qid for batch in seen for qid in batch) == list(range(10))
        assert all(len({qid // 2 for qid in batch}) == len(batch) for batch in seen)
        orders.append(seen)
    assert orders[0] != orders[1]


def test_errors(make_dataset):
    assert DATA_SAMPLERS.get('VideoBatchSampler') is VideoBatchSampler
    with pytest.raises(ValueError, match="repeats='keep'"):
        batches('ab', 2, repeats='keep')
    with pytest.raises(TypeError, match='found list: give it videos='):
        VideoBatchSampler(DefaultSampler([1, 2, 3]), 2)
