import numpy as np
import pytest

from mmvmr.datasets.transforms import video_cuts
from mmvmr.evaluation.metrics.query_metric import prediction_row


def _raw(dataset, name, row):
    return np.asarray(dataset.stores[name].read(row), dtype=np.float32)


def test_streams_are_normalised_each_cut_and_concatenated(make_dataset):
    dataset = make_dataset()
    results, row = dataset.loaded(1), dataset.rows[1]
    parts = []
    for name in ('a', 'b'):
        x = _raw(dataset, name, row)[:10]
        parts.append(np.stack([v / (np.sqrt((v**2).sum()) + 1e-5) for v in x]))
    np.testing.assert_allclose(results['video_feat'], np.concatenate(parts, 1), rtol=1e-6)
    assert results['video_feat'].dtype == np.float32
    assert results['num_clips'] == 10
    assert results['text_feat'].shape == (6, 4)  # cut to max_length
    np.testing.assert_allclose(np.linalg.norm(results['text_feat'], axis=1), 1, rtol=1e-4)


def test_declared_order_decides(make_dataset):
    swapped = make_dataset(spec=dict(streams=dict(b=dict(dim=3), a=dict(dim=5)))).loaded(0)['video_feat']
    normal = make_dataset().loaded(0)['video_feat']
    np.testing.assert_array_equal(swapped, np.roll(normal, 3, axis=1))


def test_without_normalisation_values_are_as_stored(make_dataset):
    spec = dict(streams=dict(a=dict(dim=5, normalise='none')), text=dict(dim=4, normalise='none'))
    dataset = make_dataset(spec=spec)
    results = dataset.loaded(0)
    np.testing.assert_array_equal(results['video_feat'], _raw(dataset, 'a', dataset.rows[0]))
    np.testing.assert_array_equal(results['text_feat'], _raw(dataset, 'text', dataset.rows[0]))


def test_max_clips_cuts_after_the_duration_check(make_dataset):
    assert make_dataset(spec=dict(max_clips=4)).loaded(0)['video_feat'].shape == (4, 8)


def test_layers_of_a_clip_are_one_vector(make_dataset):
    """[clips, layers, tokens, channels] and [tokens, layers, channels], row after row."""
    clips = np.arange(10 * 2 * 3 * 4, dtype=np.float32).reshape(10, 2, 3, 4)
    tokens = np.arange(5 * 2 * 4, dtype=np.float16).reshape(5, 2, 4)
    spec = dict(streams=dict(a=dict(dim=24, normalise='none')), text=dict(dim=8, normalise='none'))
    results = make_dataset(spec=spec, arrays={'a/v0': clips, 't/0': tokens}).loaded(0)
    assert results['video_feat'].shape == (10, 24) and results['text_feat'].shape == (5, 8)
    assert results['video_feat'][1].tolist() == list(range(24, 48))
    assert results['text_feat'][4].tolist() == list(range(32, 40))


def test_one_vector_per_sentence_is_one_token(make_dataset):
    assert make_dataset(arrays={'t/0': np.ones(4, np.float32)}).loaded(0)['text_feat'].shape == (1, 4)


@pytest.mark.parametrize(
    ('arrays', 'message'),
    [
        ({'a/v0': np.full((10, 5), np.nan)}, r"stream 'a' of vid 'v0', qid 0 in memory: NaN or infinite.*10 of 10"),
        ({'b/v0': np.array([[np.inf, 0, 0]] + [[1, 1, 1]] * 9)}, 'NaN or infinite values in 1 of 10 vectors'),
        ({'a/v0': np.ones((10, 6))}, r'shape \(10, 6\), expected \(length, 5\)'),
        ({'a/v0': np.ones((2, 10, 5))}, r'shape \(2, 10, 5\), expected \(length, 5\)'),
        ({'a/v0': np.ones((10, 2, 3))}, r'shape \(10, 2, 3\), expected \(length, 5\)'),
        ({'b/v0': np.ones((0, 3))}, 'zero clips'),
        ({'t/0': np.ones((0, 4))}, 'zero tokens'),
        ({'t/0': np.full((3, 4), np.nan)}, "stream 'text'.*NaN"),
        (
            {'a/v0': np.ones((40, 5)), 'b/v0': np.ones((40, 3))},
            r'40 clips of 2.0 s cover 80 s, but its duration is 20 s',
        ),
    ],
)
def test_bad_features(make_dataset, arrays, message):
    with pytest.raises(ValueError, match=message):
        make_dataset(arrays=arrays).loaded(0)


def test_wrong_clip_length_is_named(make_dataset):
    dataset = make_dataset(spec=dict(clip_len=1.0))
    with pytest.raises(ValueError, match='clip_len would be about 2 s'):
        dataset.loaded(0)
    tolerant = dict(load=dict(type='LoadMomentFeatures', duration_tolerance=0.6))
    assert make_dataset(spec=dict(clip_len=1.0), pipeline=tolerant).loaded(0)['num_clips'] == 10


def test_cache_reads_once_and_cannot_be_written(make_dataset):
    dataset = make_dataset(pipeline=dict(load=dict(type='LoadMomentFeatures', cache=True)))
    first = dataset[0]['inputs']['video'].clone()
    del dataset.stores['a'].arrays['a/v0']
    results = dataset.loaded(0)
    with pytest.raises(ValueError, match='read-only'):
        results['video_feat'][0] = 0
    item = dataset[1]['inputs']  # another query about the same video
    item['text'].zero_()  # tensors are copies
    assert dataset[0]['inputs']['video'].equal(first)
    assert make_dataset()[0]['inputs']['video'].equal(first)
    assert dataset[1]['inputs']['text'].abs().sum() > 0


def _warnings(monkeypatch):
    messages = []
    monkeypatch.setattr(video_cuts, 'print_log', lambda message, **kwargs: messages.append(message))
    return messages


def test_a_stream_of_another_length_is_named_with_the_others(make_dataset):
    """Videos of 20 s in clips of 2 s: 11 and 10 vectors are right, 5 and 40 are not."""
    message = r"vid 'v0': stream 'b' has 5 vectors, 'a' 11, for a duration of 20 s and clips of 2.0 s: b cannot be"
    with pytest.raises(ValueError, match=message):
        make_dataset(arrays={'b/v0': np.ones((5, 3))}).loaded(0)
    with pytest.raises(ValueError, match=r"stream 'b' has 10 vectors, 'a' 40, .*: a cannot be right"):
        make_dataset(arrays={'a/v0': np.ones((40, 5))}).loaded(0)
    by_duration = dict(load=dict(type='LoadMomentFeatures', clip_time='duration'))
    with pytest.raises(ValueError, match=r"'b' has 5 vectors, 'a' 11; extract the streams with one clip length"):
        make_dataset(arrays={'b/v0': np.ones((5, 3))}, pipeline=by_duration).loaded(0)
    assert make_dataset(arrays={'b/v0': np.ones((8, 3))}, pipeline=by_duration).loaded(0)['num_clips'] == 8


def test_long_videos_are_announced_once_and_marked(make_dataset, make_rows, monkeypatch):
    """Four clips of 2 s of a video of 20 s: the model sees the first 8 s."""
    messages = _warnings(monkeypatch)
    dataset = make_dataset(spec=dict(max_clips=4))
    assert len(messages) == 1
    assert "2 of 2 videos are longer than feature_spec.max_clips allows ('v0' has 20 s)" in messages[0]
    assert 'the model sees 4 clips of 2 s, which are the first 8 s' in messages[0]
    assert [dataset.loaded(i)['cut_at'] for i in range(4)] == [8.0] * 4
    sample = dataset.prepare(0)['data_samples']
    assert sample.cut_at == 8.0
    assert prediction_row(sample.to_dict()) == {'qid': 0, 'query': 'query 0', 'vid': 'v0', 'cut_at': 8.0}
    assert len(messages) == 1


def test_one_clip_more_is_rounding(make_dataset, monkeypatch):
    messages = _warnings(monkeypatch)
    dataset = make_dataset(spec=dict(max_clips=9))
    assert dataset.loaded(0)['num_clips'] == 9
    assert 'cut_at' not in dataset.loaded(0)
    assert 'cut_at' not in dataset.prepare(0)['data_samples']
    assert 'cut_at' not in make_dataset().loaded(0)
    assert messages == []


def test_the_clips_of_a_cut_video_keep_their_length(make_dataset, monkeypatch):
    """Ten clips in 20 s: four of them are 8 s and not the whole video."""
    messages = _warnings(monkeypatch)
    load = dict(type='LoadMomentFeatures', clip_time='duration')
    dataset = make_dataset(spec=dict(max_clips=4, clip_len=7.0), pipeline=dict(load=load))
    assert messages == []  # only the files tell how many clips there are
    for index in (0, 1, 2):
        results = dataset.loaded(index)
        assert results['clip_len'] == pytest.approx(2.0)
        assert results['cut_at'] == pytest.approx(8.0)
    assert len(messages) == 1
    assert "('v0' has 10 clips in 20 s): the model sees 4 clips, which are the first 8 s" in messages[0]


def test_a_cut_of_one_stream_is_announced(make_dataset, monkeypatch):
    messages = _warnings(monkeypatch)
    dataset = make_dataset(spec=dict(streams=dict(a=dict(dim=5, max_length=6), b=dict(dim=3))))
    assert 'which are the first 12 s' in messages[0]
    assert dataset.loaded(0)['cut_at'] == 12.0
