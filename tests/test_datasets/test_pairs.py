"""Pairs, their batches and pooled clips: the data of the official TD-DETR code."""

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from testing import ReplayRng

from mmvmr.datasets import PoolClips, moment_collate
from mmvmr.engine.hooks.inference_spec_hook import longest_video
from mmvmr.official_td_detr import PairBatchSampler, PairedDataset, SynthesizePair
from mmvmr.official_td_detr.pair_sampler import official_partners
from mmvmr.official_td_detr.pair_synthesis import moment_hull

from .conftest import make_rows


def _paired(make_dataset, pair=None, pool=None, rows=None):
    def build(pipeline):
        return make_dataset(rows, pipeline)

    return PairedDataset({'type': build, 'pipeline': {}}, {'type': 'SynthesizePair', **(pair or {})}, pool)


def test_moment_hull():
    assert moment_hull([[4.0, 8.0], [12.0, 14.0]], 2.0, 10) == range(2, 7)  # the gap too
    assert moment_hull([[2.4, 8.9]], 1.0, 20) == range(2, 9)
    assert moment_hull([[30.0, 40.0], [50.0, 60.0]], 2.0, 10) == range(9, 10)  # beyond the clips: the last one
    assert moment_hull([[16.0, 40.0]], 2.0, 10) == range(8, 10)


def _replay(*calls):
    return ReplayRng(
        [
            dict(fn='uniform', result=call) if isinstance(call, float) else dict(fn='sample', pop=a, k=k, result=call)
            for call, a, k in calls
        ]
    )


def test_jitter_repeats_and_drops():
    pair = SynthesizePair(alpha=0.5)
    context = [0, 1, 2, 5, 6, 7, 8, 9]
    rng = _replay(
        ([8, 0, 6, 2], context, 4),
        ([1, 7, 3, 9], list(range(9)), 4),
        (0.0, None, None),  # times 1.2: 4.8, so no repetition
        ([], [0, 2, 6, 8], 0),
        (1.0, None, None),  # times 0.8: 3 of 4
        ([9, 1, 7], [1, 3, 7, 9], 3),
    )
    mixture = pair.mix(range(3, 5), 10, 9, rng)
    assert rng.finished
    assert mixture == ([0, 2, 3, 4, 6, 8], [1, 7, 9])
    rng = _replay(
        (list(range(10)), list(range(10)), 10),
        (0.2, None, None),  # times 1.12
        ([4], list(range(10)), 1),
        (0.5, None, None),
        ([], [], 0),
    )
    assert SynthesizePair(alpha=1.0).mix(range(10, 11), 11, 30, rng).main == [0, 1, 2, 3, 4, 4, *range(5, 11)]
    assert rng.finished


def test_fewer_clips_than_the_least_are_none():
    rng = _replay((0.5, None, None), ([], [], 0), (0.5, None, None), ([], [], 0))
    assert SynthesizePair(alpha=0.5).mix(range(3), 7, 5, rng) == ([0, 1, 2], [])


def test_checkpoints_say_how_long_its_videos_are(make_dataset):
    dataset = _paired(make_dataset)
    rows = dataset.originals.rows
    assert longest_video(dataset) == max(np.ceil(row['duration'] / 2.0) for row in rows) > 1


def test_a_pair_becomes_two_samples(make_dataset):
    dataset = _paired(make_dataset)
    first, second = (item['data_samples'] for item in dataset[0, 3])
    assert (first.qid, second.qid) == (0, 3)
    assert (first.view, second.view) == ('main', 'partner')
    for sample in (first, second):
        assert sample.duration == 2.0 * sample.num_clips
        (window,) = sample.relevant_windows
        assert window[1] - window[0] == 6.0
        center, width = sample.gt_instances.spans[0]
        assert float(width) == pytest.approx(6.0 / sample.duration)
        assert float(center) == pytest.approx((window[0] + 3) / sample.duration)
    assert first.relevant_windows[0][0] <= 2.0 * 0 + 0.0  # the first video comes first in both


def test_originals_and_the_clamp_of_partners(make_dataset):
    dataset = _paired(make_dataset)
    assert len(dataset) == 8
    (item,) = dataset[6, 1]
    plain = make_dataset()[2]
    assert torch.equal(item['inputs']['video'], plain['inputs']['video'])
    assert dataset[1, 7][1]['data_samples'].qid == 3  # 7 stands for an original: the last row


def test_pooling_before_or_behind_the_endpoints(make_dataset):
    dataset = _paired(make_dataset, pool={'type': 'PoolClips', 'max_clips': 4})
    (original,) = dataset[5, 0]
    assert original['inputs']['video'].shape == (4, 10)
    assert original['inputs']['video'][:, -2].tolist() == [0.0, 0.25, 0.5, 0.75]
    assert original['data_samples'].clip_len == 2.0 * 10 / 4
    made = dataset[1, 2][0]
    assert made['inputs']['video'].shape == (4, 10)
    assert made['inputs']['video'][0, -2] > 0  # an average of endpoints
    assert dataset.video(0).shape == (4, 8)
    untouched = PoolClips(20).transform({'video_feat': np.ones((10, 3)), 'clip_len': 2.0})
    assert untouched['clip_len'] == 2.0
    with pytest.raises(ValueError, match='max_clips=0'):
        PoolClips(0)


def test_unlabelled_rows_cannot_pair(make_dataset):
    rows = make_rows()
    rows[2] = {key: value for key, value in rows[2].items() if key != 'relevant_windows'}
    with pytest.raises(ValueError, match='qid 2 has no relevant_windows'):
        _paired(make_dataset, rows=rows)[0, 2]
    with pytest.raises(ValueError, match='alpha=2'):
        _paired(make_dataset, dict(alpha=2))


SIMILARITY = torch.tensor(
    [
        [0.97, 0.80, 0.95, 0.0],
        [0.80, 0.99, 0.70, 0.0],
        [0.95, 0.70, 0.98, 0.0],
        [0.0, 0.0, 0.0, 0.0],  # an original
    ]
)


def _generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_official_partners():
    def partners(strategy, limit=None):
        return official_partners(SIMILARITY, strategy, _generator(), limit).tolist()

    assert partners('sim') == [2, 0, 0, 0]
    assert partners('sim', 0.9) == [1, 0, 1, 0]
    assert partners('dissim') == [0, 1, 2, 0]  # the zero of the diagonal comes before that of the original
    assert set(partners('random')) <= {0, 1, 2, 3}
    mixed = {tuple(official_partners(SIMILARITY, 'mix', _generator(seed)).tolist()) for seed in range(40)}
    assert mixed == {(a, b, c, 0) for a in (2, 0) for b in (0, 1) for c in (0, 2)}
    assert SIMILARITY[0, 0] == 0.97  # not changed


@pytest.fixture
def loader(make_dataset):
    init_default_scope('mmvmr')

    def build(batch_sampler=None, num_workers=0):
        sampler = dict(type='PairBatchSampler', **(batch_sampler or {}))
        cfg = dict(
            batch_size=3,
            num_workers=num_workers,
            sampler=dict(type='DefaultSampler', shuffle=True),
            batch_sampler=sampler,
            collate_fn=dict(type='moment_collate'),
            dataset=_paired(make_dataset),
        )
        return Runner.build_dataloader(cfg, seed=5)

    return build


def _qids(batches):
    return [[sample.qid for sample in batch['data_samples']] for batch in batches]


@pytest.mark.parametrize('strategy', ['sim', 'dissim', 'random', 'mix'])
def test_the_runner_builds_it(loader, strategy):
    built = loader(dict(strategy=strategy))
    assert len(built) == 3
    pairs = [pair for batch in built.batch_sampler for pair in batch]
    assert sorted(index for index, _ in pairs) == list(range(8))
    batches = list(built)
    rows = [row for batch in _qids(batches) for row in batch]
    assert len(rows) == 4 * 2 + 4
    # The two samples of a pair are neighbours.
    expected = [q for index, partner in pairs for q in ([index, min(partner, 3)] if index < 4 else [index - 4])]
    assert rows == expected


def test_epochs_differ_and_workers_do_not(loader):
    alone, workers = loader(dict(strategy='random')), loader(dict(strategy='random'), num_workers=2)
    first = list(alone)
    assert _qids(first) == _qids(list(workers))
    videos = [video for batch in first for video in batch['inputs']['video']]
    again = [video for batch in workers for video in batch['inputs']['video']]
    assert all(torch.equal(a, b) for a, b in zip(videos, again, strict=True))
    alone.batch_sampler.sampler.set_epoch(1)
    assert _qids(list(alone)) != _qids(first)


def test_a_matrix_takes_the_place_of_the_comparison(loader, tmp_path, make_dataset):
    built = loader()
    compared = list(built.batch_sampler)
    dataset = built.dataset
    videos = [dataset.video(index) for index in range(4)]
    products = np.array([[np.sort((a @ b.T).ravel())[-50:].sum() / 100 for b in videos] for a in videos])
    np.save(tmp_path / 'matrix.npy', products.astype(np.float32))
    torch.save(torch.from_numpy(products).float(), tmp_path / 'matrix.pt')
    for name in ('matrix.npy', 'matrix.pt'):
        assert list(loader(dict(matrix=str(tmp_path / name))).batch_sampler) == compared
    np.save(tmp_path / 'small.npy', products[:3])
    with pytest.raises(ValueError, match=r'shape \(3, 4\), expected \(4, 4\)'):
        loader(dict(matrix=str(tmp_path / 'small.npy')))
    with pytest.raises(FileNotFoundError, match='no such similarity matrix'):
        loader(dict(matrix='absent.pt'))
    with pytest.raises(ValueError, match="strategy='near'"):
        PairBatchSampler(built.batch_sampler.sampler, 3, strategy='near')


def test_an_item_is_a_list_of_samples(make_dataset):
    dataset = _paired(make_dataset)
    batch = moment_collate([dataset[0, 2], dataset[5, 0], dataset[3, 1]])
    assert [sample.qid for sample in batch['data_samples']] == [0, 2, 1, 3, 1]
    assert all(sample.get('view') in ('main', 'partner') for sample in batch['data_samples'])
