"""Batches of similar length: composed by hand, the same for a seed, as many in every process."""

from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.dataset import DefaultSampler
from mmengine.runner import Runner

from mmvmr.datasets import BucketBatchSampler, VideoSampler
from mmvmr.registry import DATA_SAMPLERS
from mmvmr.utils.setup import register_all_modules

#: Lengths of the indices 0 to 9.
LENGTHS = [5, 1, 9, 3, 7, 2, 8, 6, 4, 10]


class Listed:
    """A sampler with a fixed order."""

    seed, epoch = 3, 1

    def __init__(self, order):
        self.order = list(order)

    def __iter__(self):
        return iter(self.order)

    def __len__(self):
        return len(self.order)


def batches(order, size, **options):
    sampler = BucketBatchSampler(Listed(order), size, durations=LENGTHS, **options)
    found = list(sampler)
    assert len(found) == len(sampler)
    return found


def test_a_pool_is_sorted_and_cut():
    # All ten indices by length: 1 (1), 5 (2), 3 (3), 8 (4), 0 (5), 7 (6), 4 (7), 6 (8), 2 (9), 9 (10).
    found = batches(range(10), 2, pool=5)
    assert sorted(found) == [[0, 7], [1, 5], [2, 9], [3, 8], [4, 6]]
    assert found != sorted(found, key=lambda batch: LENGTHS[batch[0]])  # batches do not come by length


def test_pools_follow_each_other_in_the_order_of_the_sampler():
    # Pools 9 8 7 6, then 5 4 3 2, then 1 0.
    found = batches(range(9, -1, -1), 2, pool=2)
    assert sorted(found[:2]) == [[6, 9], [8, 7]]
    assert sorted(found[2:4]) == [[4, 2], [5, 3]]
    assert found[4:] == [[1, 0]]


def test_the_order_of_batches_is_that_of_the_seed_and_the_epoch():
    by_length = [[1, 5], [3, 8], [0, 7], [4, 6], [2, 9]]
    order = np.random.default_rng([3, 1]).permutation(5)
    assert batches(range(10), 2, pool=5) == [by_length[place] for place in order]
    sampler = BucketBatchSampler(Listed(range(10)), 2, durations=LENGTHS, pool=5)
    first = list(sampler)
    assert list(sampler) == first
    sampler.sampler.epoch = 2
    assert list(sampler) != first and sorted(sampler) == sorted(first)


def test_last_indices_of_the_sampler_are_left_out():
    # 9, the longest, comes first and stays; the last of the sampler, 8, goes.
    order = [9, 0, 1, 2, 3, 4, 5, 6, 8]
    assert sorted(batches(order, 2, pool=9, drop_last=True)) == [[1, 5], [2, 9], [3, 0], [4, 6]]
    assert sorted(batches(order, 2, pool=9)) == [[0, 4], [1, 5], [3, 8], [6, 2], [9]]


def test_groups_have_the_length_of_their_video():
    assert sorted(batches([(2, 3), (1,), (9, 0), (5, 6)], 2, pool=2)) == [[(1,), (5, 6)], [(2, 3), (9, 0)]]


def test_lengths_of_the_data_set_behind_a_video_sampler():
    dataset = SimpleNamespace(rows=[{'vid': str(index // 2), 'duration': LENGTHS[index // 2]} for index in range(8)])
    sampler = BucketBatchSampler(VideoSampler(dataset, shuffle=False), 2)
    assert sorted(sampler) == sorted(
        BucketBatchSampler(
            Listed([(0, 1), (2, 3), (4, 5), (6, 7)]), 2, durations=[LENGTHS[index // 2] for index in range(8)]
        )
    )


def test_a_sampler_without_end():
    class Endless(Listed):
        def __iter__(self):
            while True:
                yield from self.order

    found = list(BucketBatchSampler(Endless(range(4)), 2, durations=LENGTHS))
    assert sorted(found) == [[0, 2], [1, 3]]


@pytest.mark.parametrize('count', [40, 41, 47])
def test_processes_have_as_many_batches_of_similar_length(count):
    lengths = np.random.default_rng(0).permutation(count).tolist()
    per_rank = []
    for rank in (0, 1):
        sampler = DefaultSampler(range(count), shuffle=True, seed=5)
        sampler.rank, sampler.world_size = rank, 2
        sampler.num_samples = -(-count // 2)
        sampler.total_size = 2 * sampler.num_samples
        batch_sampler = BucketBatchSampler(sampler, 4, pool=100, durations=lengths)
        per_rank.append(list(batch_sampler))
        assert len(per_rank[-1]) == len(batch_sampler)
    assert len(per_rank[0]) == len(per_rank[1])
    both = [index for batches in per_rank for batch in batches for index in batch]
    assert set(both) == set(range(count)) and len(both) == count + count % 2
    # Medians of the two batches of a step differ less than those of any two batches.
    medians = np.array([[np.median([lengths[i] for i in batch]) for batch in batches] for batches in per_rank])
    assert np.abs(medians[0] - medians[1]).max() < 0.35 * count


def test_in_a_data_loader(make_dataset, make_rows):
    register_all_modules()
    rows = make_rows(10)
    config = dict(
        dataset=make_dataset(rows),
        batch_size=4,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=True),
        batch_sampler=dict(type='BucketBatchSampler', pool=2),
        collate_fn=dict(type='moment_collate'),
    )
    loader = Runner.build_dataloader(config, seed=0)
    orders = []
    for epoch in range(2):
        loader.batch_sampler.sampler.set_epoch(epoch)
        seen = [[sample.qid for sample in batch['data_samples']] for batch in loader]
        assert len(seen) == len(loader) == 3
        assert sorted(qid for batch in seen for qid in batch) == list(range(10))
        orders.append(seen)
    assert orders[0] != orders[1]


def test_errors():
    assert DATA_SAMPLERS.get('BucketBatchSampler') is BucketBatchSampler
    with pytest.raises(ValueError, match='pool=0, expected a positive number'):
        batches(range(4), 2, pool=0)
    with pytest.raises(TypeError, match='found list: give it durations='):
        BucketBatchSampler(DefaultSampler([1, 2, 3]), 2)
