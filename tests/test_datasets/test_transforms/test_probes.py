"""Probes change what they say and nothing else."""

import numpy as np
import pytest
from parity.masked_targets import masked_features

from mmvmr.datasets.transforms.masking import MaskTargets, clips_of_windows

PROBES = ('MaskTargets', 'ReplaceContext', 'ShuffleClips', 'PositionOnly', 'EmptyQuery', 'SwapQuery')


@pytest.fixture
def probed(make_dataset):
    """The tiny data set with one probe; its moments cover some of 10 clips of 2 s."""

    def build(**cfg):
        rows = cfg.pop('rows', None)
        return make_dataset(rows=rows, pipeline=dict(augment=dict(probe=cfg)))

    return build


def _raw(dataset, index, name):
    return np.asarray(dataset.stores[name].read(dataset.rows[index]), dtype=np.float32)


def _inside(row, length=10):
    inside = np.zeros(length, dtype=bool)
    for start, end in row['relevant_windows']:
        inside[int(start / 2) : int(np.ceil(end / 2))] = True
    return inside


@pytest.mark.parametrize('name', PROBES)
def test_length_windows_and_tef_stay(name, probed, make_dataset):
    plain, dataset = make_dataset(), probed(type=name)
    for index in range(4):
        before, after = plain[index], dataset[index]
        assert after['inputs']['video'].shape == before['inputs']['video'].shape
        assert after['inputs']['video'][:, -2:].equal(before['inputs']['video'][:, -2:])
        one, other = before['data_samples'], after['data_samples']
        assert (one.duration, one.num_clips, one.relevant_windows) == (
            other.duration,
            other.num_clips,
            other.relevant_windows,
        )
        assert one.gt_instances.spans.equal(other.gt_instances.spans)
        assert one.gt_clips.equal(other.gt_clips)
        changed = [k for k in ('video', 'text') if not before['inputs'][k].equal(after['inputs'][k])]
        assert changed == (['text'] if 'Query' in name else ['video'])


@pytest.mark.parametrize('name', PROBES)
def test_the_same_again_in_every_run(name, probed):
    one, other = probed(type=name), probed(type=name)
    for index in (3, 0):
        for key in ('video', 'text'):
            assert one[index]['inputs'][key].equal(other[index]['inputs'][key])


@pytest.mark.parametrize('name', PROBES)
def test_as_a_view_the_sample_stays(name, probed, make_dataset):
    plain, dataset, changed = make_dataset()[2], probed(type=name, view='probe')[2], probed(type=name)[2]
    assert dataset['inputs']['video'].equal(plain['inputs']['video'])
    assert dataset['inputs']['text'].equal(plain['inputs']['text'])
    view = dataset['views']['probe']
    assert view['data_samples'].view == 'probe'
    for key in ('video', 'text'):
        assert view['inputs'][key].equal(changed['inputs'][key])


def test_zero_and_mean_masks(probed):
    for mode in ('zero', 'mean'):
        dataset = probed(type='MaskTargets', mode=mode)
        for index in range(4):
            inside = _inside(dataset.rows[index])
            video = dataset[index]['inputs']['video'].numpy()
            plain = dataset.loaded(index)['video_feat']
            np.testing.assert_array_equal(video[~inside, :8], plain[~inside])
            if mode == 'zero':
                assert not video[inside, :8].any()
                continue
            mean = _raw(dataset, index, 'a')[~_inside(dataset.rows[index], 11)].mean(0)
            expected = np.broadcast_to(mean / np.linalg.norm(mean), (inside.sum(), 5))
            np.testing.assert_allclose(video[inside, :5], expected, atol=2e-5)


def test_noise_spans_the_range_of_each_stream_before_normalisation(make_dataset):
    spec = dict(streams=dict(a=dict(dim=5, normalise='none'), b=dict(dim=3, normalise='none')))
    dataset = make_dataset(spec=spec, pipeline=dict(augment=dict(m=dict(type='MaskTargets', mode='noise'))))
    noise = {name: [] for name in 'ab'}
    for index in (0, 1):
        inside = _inside(dataset.rows[index])
        video = dataset[index]['inputs']['video'].numpy()[inside]
        for name, part in (('a', video[:, :5]), ('b', video[:, 5:8])):
            raw = _raw(dataset, index, name)
            noise[name].append((part - raw.min()) / (raw.max() - raw.min()))
    for name, parts in noise.items():
        values = np.concatenate(parts)
        assert 0 <= values.min() < 0.25 and 0.75 < values.max() <= 1, name


def test_a_moment_over_the_whole_video_and_none_at_all(probed, make_rows):
    rows = make_rows(2)
    rows[0]['relevant_windows'], rows[1]['relevant_windows'] = [[0.0, 20.0]], []
    for mode in ('zero', 'mean', 'noise'):
        dataset = probed(type='MaskTargets', mode=mode, rows=rows)
        assert np.isfinite(dataset[0]['inputs']['video'].numpy()).all()
        np.testing.assert_array_equal(dataset[1]['inputs']['video'][:, :8], dataset.loaded(1)['video_feat'])


def test_margin_and_ends():
    windows = [[4.0, 9.0], [0.0, 1.0], [17.0, 30.0]]
    assert clips_of_windows(windows, 10, 2.0) == [(2, 5), (0, 1), (8, 10)]
    assert clips_of_windows(windows, 10, 2.0, end='before') == [(2, 4), (0, 0), (8, 10)]
    assert clips_of_windows(windows, 10, 2.0, margin=3.0, end='before') == [(0, 6), (0, 2), (7, 10)]
    assert clips_of_windows([[0.3, 0.6]], 10, 0.1) == [(3, 6)]  # not (2, 7) by rounding


def test_official_noise_is_equal(shared_dir):
    """The masked features of TD-DETR's loader, replayed with its seeds: a stream after the other."""
    ours, recorded = masked_features(shared_dir / 'parity' / 'td_detr_synth')
    assert len(recorded) == 9
    for name, reference in recorded.items():
        np.testing.assert_allclose(ours[name], reference, rtol=0, atol=2.5e-7)


def test_shuffled_clips_are_the_same_clips(probed):
    dataset = probed(type='ShuffleClips')
    video, plain = dataset[0]['inputs']['video'].numpy()[:, :8], dataset.loaded(0)['video_feat']
    assert not np.array_equal(video, plain)
    np.testing.assert_array_equal(video[np.lexsort(video.T)], plain[np.lexsort(plain.T)])


def test_position_only_and_empty_query(probed):
    item = probed(type='PositionOnly')[1]
    assert not item['inputs']['video'][:, :8].any()
    assert item['inputs']['video'][:, 8:].any()
    item = probed(type='EmptyQuery')[1]
    assert item['inputs']['text'].shape == (1, 4)
    assert not item['inputs']['text'].any()
    assert item['data_samples'].query == ''
    assert item['data_samples'].annotation['query'] == 'query 1'


def test_swapped_query_comes_from_another_video(probed, make_rows):
    rows = make_rows(6)
    rows[4]['query'] = rows[0]['query']  # another video, the same sentence: not a different question
    dataset = probed(type='SwapQuery', rows=rows)
    seen = set()
    for epoch in range(12):
        dataset.set_epoch(epoch)
        item = dataset[0]
        qid = next(r['qid'] for r in rows if r['query'] == item['data_samples'].query)
        seen.add(qid)
        np.testing.assert_array_equal(item['inputs']['text'], dataset.loaded(qid)['text_feat'])
    assert seen == {2, 3, 5}


def test_replaced_context(probed):
    dataset = probed(type='ReplaceContext')
    for index in range(4):
        inside = _inside(dataset.rows[index])
        video = dataset[index]['inputs']['video'].numpy()[:, :8]
        own, other = dataset.loaded(index)['video_feat'], dataset.loaded((index + 2) % 4)['video_feat']
        np.testing.assert_array_equal(video[inside], own[inside])
        places = [int(np.flatnonzero((other == clip).all(1))[0]) for clip in video[~inside]]
        assert places == sorted(places)
        assert len(set(places)) == len(places)  # the other video is long enough


def test_a_share_of_the_context(probed):
    dataset = probed(type='ReplaceContext', share=0.5)
    video, own = dataset[0]['inputs']['video'].numpy()[:, :8], dataset.loaded(0)['video_feat']
    inside = _inside(dataset.rows[0])
    assert (video != own).any(1).sum() == round(0.5 * (~inside).sum())


def test_a_short_other_video_is_repeated(make_dataset, make_rows):
    rows = make_rows()
    for row in rows[2:]:
        row['duration'], row['relevant_windows'] = 8.0, [[0.0, 2.0]]
    rng = np.random.default_rng(3)
    arrays = {'a/v1': rng.normal(size=(4, 5)), 'b/v1': rng.normal(size=(4, 3))}
    dataset = make_dataset(rows, dict(augment=dict(r=dict(type='ReplaceContext'))), arrays=arrays)
    video = dataset[0]['inputs']['video'].numpy()[3:, :8]
    assert len(np.unique(video, axis=0)) == 4  # 7 places, 4 clips: all of them


@pytest.mark.parametrize(
    ('cfg', 'message'),
    [
        (dict(type='MaskTargets', mode='blur'), "mode='blur' is unknown, expected"),
        (dict(type='MaskTargets', end='after'), "end='after' is unknown, expected"),
        (dict(type='ReplaceContext', share=1.5), r'share=1.5, expected a number in \[0, 1\]'),
    ],
)
def test_bad_options(cfg, message, probed):
    with pytest.raises(ValueError, match=message):
        probed(**cfg)


@pytest.mark.parametrize('name', ['MaskTargets', 'ReplaceContext'])
def test_without_moments(name, probed, make_rows):
    rows = make_rows()
    del rows[1]['relevant_windows']
    with pytest.raises(ValueError, match=f'{name} needs the moments, but qid 1 has no relevant_windows'):
        probed(type=name, rows=rows)[1]


@pytest.mark.parametrize('name', ['SwapQuery', 'ReplaceContext'])
def test_without_another_video(name, probed, make_rows):
    with pytest.raises(ValueError, match=f'{name} needs another video, but this data set has only one'):
        probed(type=name, rows=make_rows(2))


def test_without_another_sentence(probed, make_rows):
    rows = make_rows()
    for row in rows:
        row['query'] = 'the same'
    with pytest.raises(ValueError, match='SwapQuery: no other video of this data set has another sentence'):
        probed(type='SwapQuery', rows=rows)[0]


def test_behind_a_transform_that_changes_the_length(make_dataset):
    dataset = make_dataset()
    probe = MaskTargets()
    probe.bind(dataset)
    results = dataset.loaded(0)
    results['video_feat'] = results['video_feat'][:7]
    with pytest.raises(ValueError, match='has 7 clips, the stored features 10: a probe reads'):
        probe.transform(results)


@pytest.fixture
def with_input(make_dataset, tmp_path):
    """A data set whose samples have one further input, and a probe before or after it."""
    store = dict(type='FolderStore', folder=str(tmp_path), template='{qid}.npy')
    inputs = {
        'prior': dict(type='LoadClipScores', store=store),
        'patches': dict(type='LoadPatches', store=store),
        'static': dict(type='LoadStaticQuery', store=store),
        'roles': dict(type='SplitQuery', split=dict(type='HalfSplit')),
        'negative': dict(type='NegativeQuery'),
    }
    for qid in range(4):
        np.save(tmp_path / f'{qid}.npy', np.ones((2, 1, 3), np.float32))

    def build(name, probe, view):
        extra, cfg = {name: inputs[name]}, {'probe': dict(type=probe, view=view)}
        return make_dataset(pipeline=dict(augment={**extra, **cfg} if view else {**cfg, **extra}))

    return build


#: What each input is made of.
MADE_OF = {'prior': 'video query', 'patches': 'video', 'static': 'query', 'roles': 'query', 'negative': 'query'}


@pytest.mark.parametrize('view', [None, 'probed'])
@pytest.mark.parametrize('probe', PROBES)
@pytest.mark.parametrize('name', MADE_OF)
def test_inputs_of_the_unchanged_sample_are_refused(with_input, name, probe, view):
    side = 'query' if 'Query' in probe else 'video'
    if side not in MADE_OF[name]:
        with_input(name, probe, view)
        return
    message = (
        rf'{probe} changes the {side}, but pipeline\.augment\.{name} \(\w+\) would still give .* unchanged {side};'
    )
    with pytest.raises(ValueError, match=message):
        with_input(name, probe, view)
