"""Shifted moments: exact windows, labels and endpoint features; the official behaviour."""

import numpy as np
import pytest
import torch

from mmvmr.datasets import SeededRng
from mmvmr.structures import to_start_end

OFFICIAL = dict(max_duration=None, clips='labelled', reach='before_end', window='clip_indices', tef='kept', full='keep')


class Chosen(SeededRng):
    """Draws the given new places, and everything else at random."""

    def __init__(self, *slots):
        super().__init__(0, 0, 0)
        self.slots = list(slots)
        self.population = None

    def sample(self, population, k):
        if isinstance(population, range):
            self.population = population
            return [self.slots.pop(0) for _ in range(k)]
        return super().sample(population, k)


@pytest.fixture
def build(make_dataset):
    def make(windows, duration=20.0, targets=None, row=None, **options):
        rows = [dict(qid=0, vid='v0', query='q', duration=duration, relevant_windows=windows, **(row or {}))]
        pipeline = dict(augment=dict(shift=dict(type='ShiftMoment', **options)))
        if targets:
            pipeline['targets'] = dict(type='BuildMomentTargets', **{'labels': dict(type='MomentLabels'), **targets})
        return make_dataset(rows, pipeline=pipeline)

    return make


def shifted(dataset, *slots):
    """The sample and its view, and how many places there were."""
    rng = Chosen(*slots)
    item = dataset.prepare(0, rng)
    return item, item['views']['shift'], rng.population


def clips_of(dataset, item):
    """Original index of every clip, found by its features."""
    plain = dataset.loaded(0)['video_feat']
    features = item['inputs']['video'][:, :-2].numpy()
    return [int(np.flatnonzero((plain == clip).all(1))[0]) for clip in features]


def windows_of(item):
    sample = item['data_samples']
    return (to_start_end(sample.gt_instances.spans) * sample.num_clips * sample.clip_len).tolist()


@pytest.mark.parametrize('slot', range(9))
def test_every_place(build, slot):
    """Ten clips of 2 s; the moment touches clips 3 and 4, though only 3 lies inside."""
    dataset = build([[6.5, 9.0]])
    main, view, places = shifted(dataset, slot)
    assert list(places) == list(range(9))  # the very end included
    rest = [0, 1, 2, 5, 6, 7, 8, 9]
    assert clips_of(dataset, view) == [*rest[:slot], 3, 4, *rest[slot:]]
    assert windows_of(view)[0] == pytest.approx([2 * slot + 0.5, 2 * slot + 3.0], abs=1e-5)
    assert view['data_samples'].relevant_windows == [pytest.approx([2 * slot + 0.5, 2 * slot + 3.0])]
    assert np.flatnonzero(view['data_samples'].gt_clips).tolist() == [slot]
    # Endpoint features are those of the new places.
    torch.testing.assert_close(view['inputs']['video'][:, -2:], main['inputs']['video'][:, -2:])
    torch.testing.assert_close(view['inputs']['text'], main['inputs']['text'])
    assert view['data_samples'].view == 'shift'
    assert main['data_samples'].relevant_windows == [[6.5, 9.0]]
    assert np.flatnonzero(main['data_samples'].gt_clips).tolist() == [3]


def test_shift_and_inverse_shift(build):
    dataset = build([[6.5, 9.0]])
    _, view, _ = shifted(dataset, 8)
    back = build(view['data_samples'].relevant_windows)
    features = view['inputs']['video'][:, :-2].numpy()
    results = {**back.results(0, Chosen(3)), 'video_feat': features, 'text_feat': np.ones((1, 4), np.float32)}
    again = back.pipeline.augment['shift'](results)['views']['shift']
    np.testing.assert_array_equal(again['video_feat'], dataset.loaded(0)['video_feat'])
    assert again['relevant_windows'][0] == pytest.approx([6.5, 9.0])


@pytest.mark.parametrize('clip_len', [1 / 6, 0.166666, 0.1, 1.0])
def test_windows_at_clip_borders_keep_their_clips(make_dataset, clip_len):
    """Quotients of such clip lengths round down; labels move with the clips all the same."""
    length = 10
    for first in range(7):
        windows = [[first * clip_len, (first + 3) * clip_len]]
        rows = [dict(qid=0, vid='v0', query='q', duration=length * clip_len, relevant_windows=windows)]
        pipeline = dict(augment=dict(shift=dict(type='ShiftMoment')))
        dataset = make_dataset(rows, pipeline, dict(clip_len=clip_len))
        for slot in range(8):
            item = dataset.prepare(0, Chosen(slot))
            view = item['views']['shift']
            inside = np.flatnonzero(item['data_samples'].gt_clips)
            expected = [clip - first + slot for clip in inside]
            assert np.flatnonzero(view['data_samples'].gt_clips).tolist() == expected
            assert windows_of(view)[0] == pytest.approx([slot * clip_len, (slot + 3) * clip_len], abs=1e-5)


def test_several_moments_get_places_of_their_own(build):
    """Two moments that share clip 1 move as one; places are drawn apart, in any order."""
    windows = [[0.0, 3.0], [2.5, 4.0], [12.0, 14.0]]
    dataset = build(windows)
    _, view, places = shifted(dataset, 7, 2)
    assert list(places) == list(range(8))
    assert clips_of(dataset, view) == [2, 3, 6, 4, 5, 7, 8, 9, 0, 1]
    found = view['data_samples'].relevant_windows
    assert found == [pytest.approx(w) for w in ([16.0, 19.0], [18.5, 20.0], [4.0, 6.0])]


def test_ratings_move_with_their_clips(build):
    row = dict(relevant_clip_ids=[3, 4], saliency_scores=[[1, 1, 1], [4, 4, 4]])
    dataset = build([[6.0, 10.0]], row=row, targets=dict(labels=dict(type='HighlightLabels')))
    _, view, _ = shifted(dataset, 8)
    assert view['data_samples'].gt_saliency.tolist() == [0] * 8 + [3, 12]
    assert view['data_samples'].gt_pairs[:, 0].tolist() == [9, 8]


def test_labels_follow_the_grid_of_the_targets(build):
    """With clips counted by the duration, labels of the view are still those of its clips."""
    dataset = build([[6.0, 10.0]], duration=18.5, targets=dict(grid='duration'))
    main, view, _ = shifted(dataset, 0)
    moved = [main['data_samples'].gt_clips[clip].item() for clip in clips_of(dataset, view)]
    assert view['data_samples'].gt_clips.tolist() == moved
    assert sum(moved) == 2


@pytest.mark.parametrize(
    ('windows', 'options'),
    [
        ([[0.0, 20.0]], {}),  # nothing to move it between
        ([[2.0, 4.0]], dict(max_duration=20.0)),  # too long
        ([[25.0, 30.0]], {}),  # behind the clips
        ([], {}),
    ],
)
def test_no_view(build, windows, options):
    assert 'views' not in build(windows, **options)[0]


def test_no_room_between_many_moments(build):
    windows = [[0.0, 4.0], [6.0, 8.0], [10.0, 20.0]]  # three moments, two clips between: three places
    _, _, places = shifted(build(windows), 2, 1, 0)
    assert list(places) == [0, 1, 2]
    windows = [[0.0, 2.0], [2.0, 4.0], [4.0, 6.0], [6.0, 20.0]]
    assert 'views' not in build(windows)[0]


def test_short_videos_only_by_default(build):
    assert 'views' in build([[2.0, 4.0]])[0]
    dataset = build([[2.0, 4.0]])
    dataset.rows[0]['duration'] = 60.0
    results = {**dataset.results(0), 'video_feat': np.zeros((30, 3))}
    assert 'views' not in dataset.pipeline.augment['shift'](results)


@pytest.mark.parametrize(
    ('windows', 'slot', 'window', 'inside', 'high'),
    [
        # Of clips 3 and 4 of [6, 10]: the end is the last clip, and counts as seconds.
        ([[6.0, 10.0]], 5, [5.0, 6.0], [5, 6], [2]),
        ([[6.5, 9.0]], 0, [0.0, 0.0], [0], [0]),  # one clip: no extent
        ([[6.0, 7.0]], 7, [7.0, 7.0], [7], [2]),  # inside one clip: that before it moves, and is labelled before
    ],
)
def test_official(build, windows, slot, window, inside, high):
    targets = dict(short='preceding', beyond='keep', labels=dict(type='MomentLabels', no_negative='first'))
    dataset = build(windows, targets=targets, **OFFICIAL)
    main, view, places = shifted(dataset, slot)
    moved = len(inside)
    assert list(places) == list(range(10 - moved))  # never the very end
    assert view['data_samples'].relevant_windows == [window]
    assert windows_of(view)[0] == pytest.approx(window)
    assert np.flatnonzero(view['data_samples'].gt_clips).tolist() == inside
    assert set(view['data_samples'].gt_pairs[0].tolist()) == set(high)
    tef = main['inputs']['video'][:, -2:]
    torch.testing.assert_close(view['inputs']['video'][:, -2:], tef[clips_of(dataset, view)])


def test_official_moment_in_the_whole_video(build):
    main, view, _ = shifted(build([[0.0, 20.0]], **OFFICIAL))
    assert torch.equal(view['inputs']['video'], main['inputs']['video'])
    assert view['data_samples'].relevant_windows == [[0.0, 20.0]]


def test_the_negative_sentence_is_shared(make_dataset, make_rows):
    augment = dict(negative=dict(type='NegativeQuery', missing='other_video'), shift=dict(type='ShiftMoment'))
    item = make_dataset(make_rows(4), pipeline=dict(augment=augment))[0]
    assert torch.equal(item['inputs']['neg_text'], item['views']['shift']['inputs']['neg_text'])


def test_options(build):
    with pytest.raises(ValueError, match="ShiftMoment: tef='old'"):
        build([[0.0, 2.0]], tef='old')
