import itertools

import numpy as np
import pytest

from mmvmr.datasets import SyntheticMoments, moment_collate
from mmvmr.datasets.synthetic.world import (
    OBJECTS,
    SCENES,
    VERBS,
    VOCABULARY,
    Camera,
    Event,
    Film,
    FilmMaker,
    Language,
    action_states,
    preferred_scene,
)

from .conftest import PIPELINE

HIGHLIGHT = {**PIPELINE, 'targets': dict(type='BuildMomentTargets', labels=dict(type='HighlightLabels'))}


def _make(split='train', **kwargs):
    return SyntheticMoments(split=split, pipeline=HIGHLIGHT, **{'num_videos': 150, **kwargs})


@pytest.fixture(scope='module')
def train():
    return _make()


def test_generated_from_seeds_alone():
    a, b, c = _make(num_videos=3), _make(num_videos=3), _make(num_videos=3, content_seed=1)
    assert a.rows == b.rows != c.rows
    for x, y in zip(a, b):
        assert x['inputs']['video'].equal(y['inputs']['video'])
    assert _make(num_videos=5).rows[: len(a)] == a.rows  # more videos leave the first ones as they were


def test_splits_share_nothing_but_the_maps():
    films = {split: _make(split, num_videos=5) for split in ('train', 'val', 'val_ood', 'test', 'test_ood')}
    videos = [video.tobytes() for data in films.values() for video in data.stores['synthetic'].arrays.values()]
    assert len(set(videos)) == len(videos) == 25
    assert len({row['vid'] for data in films.values() for row in data.rows}) == 25
    first, second = (_make(split, num_videos=40) for split in ('train', 'val'))
    shared = {r['query'] for r in first.rows} & {r['query'] for r in second.rows}
    query = sorted(shared)[0]
    np.testing.assert_array_equal(*(d.stores['text'].arrays[query] for d in (first, second)))


def test_items_and_batches(train):
    batch = moment_collate([train[i] for i in range(4)])
    assert {v.shape[1] for v in batch['inputs']['video']} == {train.feature_spec.video_dim} == {66}
    assert {t.shape[1] for t in batch['inputs']['text']} == {48}
    for sample in batch['data_samples']:
        assert len(sample.gt_instances.spans) == len(sample.relevant_windows)
        rated = (sample.gt_saliency > 0) & ~sample.gt_clips
        assert not rated.any()


def test_lengths_vary_between_20_and_75_clips(train):
    lengths = {row['vid']: row['duration'] / 2.0 for row in train.rows}.values()
    assert min(lengths) >= 20
    assert max(lengths) <= 75
    assert len(set(lengths)) > 30


def test_several_queries_per_video_and_several_moments_per_query(train):
    per_video = [len(list(rows)) for _, rows in itertools.groupby(train.rows, key=lambda r: r['vid'])]
    assert np.mean(per_video) > 2
    moments = np.array([len(row['relevant_windows']) for row in train.rows])
    assert 0.1 < (moments > 1).mean() < 0.5


def test_windows_are_inside_and_apart(train):
    for row in train.rows:
        flat = [t for window in row['relevant_windows'] for t in window]
        assert flat == sorted(set(flat))
        assert flat[0] >= 0
        assert flat[-1] <= row['duration']


def test_ratings(train):
    for row in train.rows:
        clips = [c for s, e in row['relevant_windows'] for c in range(int(s / 2), int(e / 2))]
        assert row['relevant_clip_ids'] == clips
        assert np.shape(row['saliency_scores']) == (len(clips), 3)
    ratings = np.concatenate([row['saliency_scores'] for row in train.rows])
    assert set(np.unique(ratings)) == {0, 1, 2, 3, 4}
    assert np.corrcoef(ratings[:, 0], ratings[:, 1])[0, 1] > 0.7  # annotators see the same video


def test_ratings_can_be_seen():
    clarity = np.linspace(0, 1, 10, dtype=np.float32)
    film = Film((Event(0, 10, 2, 3, 1),), np.ones(10, dtype=int), clarity)
    camera = Camera(64, noise=0.0)
    shown = camera(film, np.random.default_rng(0)) @ camera.objects[2]
    assert np.corrcoef(shown, clarity)[0, 1] > 0.95


@pytest.mark.parametrize('length', [3, 4, 7, 12])
@pytest.mark.parametrize('action', range(0, len(VERBS), 2))
def test_reverse_actions_differ_in_order_only(action, length):
    there, back = action_states(action, length), action_states(action ^ 1, length)
    np.testing.assert_array_equal(there, back[::-1])  # the same multiset of states
    assert not np.array_equal(there, back)
    np.testing.assert_allclose(there.sum(1), 1)
    assert there[0, action] == there[-1, action + 1] == 1


def test_reverse_actions_look_the_same_in_any_order():
    camera = Camera(32, noise=0.0)
    clips = []
    for action in (4, 5):
        film = Film((Event(2, 9, 1, action, 0),), np.zeros(11, dtype=int), np.full(11, 0.5, np.float32))
        clips.append(camera(film, np.random.default_rng(0)))
    assert not np.allclose(clips[0], clips[1])
    np.testing.assert_allclose(clips[0].sum(0), clips[1].sum(0), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(clips[0][2:9], clips[1][2:9][::-1], rtol=1e-5, atol=1e-6)


def test_reversals_are_distractors():
    maker, rng = FilmMaker(0.0), np.random.default_rng(0)
    films = [maker(rng) for _ in range(100)]
    shown = [{(e.object, e.action) for e in film.events} for film in films]
    assert np.mean([any((o, a ^ 1) in pairs for o, a in pairs) for pairs in shown]) > 0.5


def _scene_rate(split, reverse, **kwargs):
    """How often the scene at the first moment of a query is the (reversed) preferred one of its object."""
    concepts = [row['synthetic'] for row in _make(split, **kwargs).rows]
    hits = [SCENES.index(c['scene']) == preferred_scene(OBJECTS.index(c['object']), reverse) for c in concepts]
    return np.mean(hits)


def test_context_correlation_is_what_was_asked_for_and_reverses():
    chance = 1 / len(SCENES)
    for asked in (0.0, 0.5, 1.0):
        expected, left = asked + (1 - asked) * chance, (1 - asked) * chance
        for split in ('train', 'val'):
            assert _scene_rate(split, False, context_correlation=asked) == pytest.approx(expected, abs=0.08)
            assert _scene_rate(split, True, context_correlation=asked) == pytest.approx(left, abs=0.08)
        assert _scene_rate('val_ood', True, context_correlation=asked) == pytest.approx(expected, abs=0.08)
        assert _scene_rate('val_ood', False, context_correlation=asked) == pytest.approx(left, abs=0.08)


def _center(split, bias):
    rows = _make(split, location_bias=bias).rows
    return np.mean([np.mean(r['relevant_windows']) / r['duration'] for r in rows])


def test_location_bias_is_early_in_training_and_late_out_of_distribution():
    assert _center('train', 0.0) == pytest.approx(0.5, abs=0.05)
    assert _center('train', 1.0) < _center('train', 0.5) < _center('train', 0.0)
    assert _center('val', 1.0) < 0.4
    assert _center('val_ood', 1.0) > 0.6 and _center('test_ood', 1.0) > 0.6
    assert _center('test', 1.0) < 0.4


def test_text_and_vision_speak_different_languages():
    camera, language = Camera(64), Language(64)
    words = np.stack([language.vectors[name] for name in OBJECTS])
    own, other = np.abs(camera.objects @ camera.objects.T), np.abs(camera.objects @ words.T)
    assert np.allclose(np.diag(own), 1, atol=1e-5)
    assert np.diag(other).max() < 0.6
    assert len(set(VOCABULARY)) == len(VOCABULARY)


def test_cross_modal_relation_can_be_learned(train):
    """A closed-form linear map from words to what the clips of a moment have in common finds moments of new videos."""

    def sides(dataset):
        for row in dataset.rows:
            video = dataset.stores['synthetic'].read(row)
            yield row, video, dataset.stores['text'].read(row).sum(0)

    pairs = [(text, video[row['relevant_clip_ids']].mean(0)) for row, video, text in sides(train)]
    text, seen = (np.stack(side) for side in zip(*pairs))
    weights = np.linalg.solve(text.T @ text + np.eye(text.shape[1]), text.T @ seen)
    ranks = []
    for row, video, sentence in sides(_make('val', num_videos=50)):
        score = video @ (sentence @ weights)
        inside = np.zeros(len(video), dtype=bool)
        inside[row['relevant_clip_ids']] = True
        if not inside.all():
            ranks.append((score[inside][:, None] > score[~inside]).mean())
    assert np.mean(ranks) > 0.75  # chance 0.5


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(split='dev'), "split='dev' is unknown, expected"),
        (dict(context_correlation=1.5), 'context_correlation=1.5, expected a probability'),
        (dict(location_bias=-0.1), 'location_bias=-0.1, expected a probability'),
    ],
)
def test_bad_options(change, message):
    with pytest.raises(ValueError, match=message):
        _make(**change)
