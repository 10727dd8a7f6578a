"""MomentMix: which clips are where, and that windows and ratings move with them."""

import numpy as np
import pytest

from mmvmr.datasets import SeededRng
from mmvmr.datasets.transforms.moment_mix import BackgroundMix, ForegroundMix


@pytest.fixture
def build(make_dataset):
    """Videos of clips of 2 s, 20 unless told otherwise; the first feature is clip number + 100 x video number."""

    def make(windows, name, query='someone sings', others=(), length=20, **options):
        rows = [dict(qid=0, vid='v0', query=query, duration=2.0 * length, relevant_windows=windows)]
        rows += [
            dict(qid=i, vid=f'v{i}', query='x', duration=2.0 * length, relevant_windows=[list(window)])
            for i, window in enumerate(others, 1)
        ]
        arrays = {}
        for index in range(len(rows)):
            feat = np.zeros((length, 5), np.float32)
            feat[:, 0] = np.arange(length) + 100 * index
            arrays[f'a/v{index}'], arrays[f'b/v{index}'] = feat, np.ones((length, 3), np.float16)
        spec = dict(streams=dict(a=dict(dim=5, normalise='none'), b=dict(dim=3)))
        kind = ''.join(word.capitalize() for word in name.split('_'))
        pipeline = dict(augment={name: dict(type=kind, **options)})
        return make_dataset(rows, pipeline=pipeline, spec=spec, arrays=arrays)

    return make


def view_of(dataset, name, seed=0):
    """The view before it is packed."""
    sample = dataset.loaded(0, SeededRng(seed, 0, 0))
    return dataset.pipeline.augment[name].transform(sample).get('views', {}).get(name)


def clips_of(view):
    return view['video_feat'][:, 0].round().astype(int).tolist()


@pytest.mark.parametrize('seed', range(8))
def test_pieces_of_moments_alternate_with_pieces_around_them(build, seed):
    windows = [[5.0, 25.0], [30.0, 33.0]]  # clips 2 to 12 (the ends half) and 15 to 16 (the end half)
    view = view_of(build(windows, 'foreground_mix', length=26, piece=6.0), 'foreground_mix', seed)
    clips = clips_of(view)
    assert sorted(clips) == list(range(26))
    inside = {*range(2, 13), 15, 16}
    runs = []  # (inside, clips) as they follow each other
    for clip in clips:
        if runs and runs[-1][0] == (clip in inside):
            runs[-1][1].append(clip)
        else:
            runs.append((clip in inside, [clip]))
    # 11 clips, 3 to a piece: cut twice; with the other moment 4 parts, and 5 around them.
    assert [kind for kind, _ in runs] == [False, True] * 4 + [False]
    place, wanted = 0, []
    for kind, run in runs:
        if kind:
            lead = 1.0 if 2 in run else 0.0
            tail = 1.0 if {12, 16} & set(run) else 0.0
            wanted.append([2.0 * place + lead, 2.0 * (place + len(run)) - tail])
            assert run == list(range(run[0], run[-1] + 1))
        place += len(run)
    assert view['relevant_windows'] == wanted
    assert sum(end - start for start, end in wanted) == pytest.approx(23.0)


def test_orders_differ_and_a_seed_repeats_one(build):
    dataset = build([[4.0, 24.0]], 'foreground_mix', length=26, piece=4.0)
    orders = {tuple(clips_of(view_of(dataset, 'foreground_mix', seed))) for seed in range(10)}
    assert len(orders) > 5
    assert clips_of(view_of(dataset, 'foreground_mix', 3)) == clips_of(view_of(dataset, 'foreground_mix', 3))


def test_ratings_follow_their_clips(build):
    dataset = build([[4.0, 20.0]], 'foreground_mix', piece=4.0)
    dataset.rows[0].update(relevant_clip_ids=[2, 5, 9], saliency_scores=[[1, 1, 1], [2, 2, 2], [3, 3, 3]])
    view = view_of(dataset, 'foreground_mix')
    clips = clips_of(view)
    rated = {clips[place]: score[0] for place, score in zip(view['relevant_clip_ids'], view['saliency_scores'])}
    assert rated == {2: 1, 5: 2, 9: 3}


@pytest.mark.parametrize(
    ('windows', 'query'),
    [
        ([[4.0, 10.0]], 'someone sings'),  # shorter than two pieces
        ([[0.0, 40.0]], 'someone sings'),  # nothing around it
        ([[0.0, 36.0]], 'someone sings'),  # too little around it
        ([[4.0, 24.0], [24.0, 30.0]], 'someone sings'),  # they touch
        ([[4.0, 24.0]], 'Someone sings, then sits down'),
        ([], 'someone sings'),
    ],
)
def test_nothing_is_cut(build, windows, query):
    assert view_of(build(windows, 'foreground_mix', query, piece=8.0), 'foreground_mix') is None


def test_words_count_as_a_whole(build):
    view = view_of(build([[4.0, 24.0]], 'foreground_mix', 'a glass was washed', length=26, piece=4.0), 'foreground_mix')
    assert view is not None


@pytest.mark.parametrize('seed', range(5))
def test_surroundings_are_moments_of_other_videos(build, seed):
    # Clips 4 to 7 stay; 4 clips before and 12 after them. v1 has a moment of 6 clips, v2 one of 14.
    dataset = build([[8.0, 16.0]], 'background_mix', others=[(10.0, 22.0), (6.0, 34.0)])
    view = view_of(dataset, 'background_mix', seed)
    clips = clips_of(view)
    assert clips[4:8] == [4, 5, 6, 7]
    assert clips[8:] == list(range(203, 215))
    assert clips[:4] in (list(range(105, 109)), list(range(203, 207)))
    assert view['relevant_windows'] == [[8.0, 16.0]]


@pytest.mark.parametrize(
    ('clips_of_other', 'gap', 'inserted'),
    [
        (40, 10, range(20, 30)),  # clips of 0.5 s: the moment begins with clip 20
        (10, 5, range(5, 10)),  # clips of 2 s: the moment is clips 5 to 9
        (10, 6, None),  # it has five clips, though it is long enough in seconds
    ],
)
def test_clips_of_another_length_are_those_of_the_other_moment(make_dataset, clips_of_other, gap, inserted):
    """Features whose rate differs from video to video: 1 s here, the moment from 10 to 20 s there."""
    rows = [
        dict(qid=0, vid='v0', query='x', duration=20.0, relevant_windows=[[float(gap), 20.0]]),
        dict(qid=1, vid='v1', query='y', duration=20.0, relevant_windows=[[10.0, 20.0]]),
    ]
    counts = {'v0': 20, 'v1': clips_of_other}
    arrays = {f'a/{vid}': np.arange(n, dtype=np.float32)[:, None] for vid, n in counts.items()}
    load = dict(type='LoadMomentFeatures', clip_time='duration')
    pipeline = dict(load=load, augment=dict(background_mix=dict(type='BackgroundMix')))
    arrays |= {f'b/{vid}': np.ones((n, 3), np.float16) for vid, n in counts.items()}
    spec = dict(streams=dict(a=dict(dim=1, normalise='none'), b=dict(dim=3)), clip_len=1.0)
    view = view_of(make_dataset(rows, pipeline=pipeline, spec=spec, arrays=arrays), 'background_mix')
    assert (None if view is None else clips_of(view)) == (None if inserted is None else [*inserted, *range(gap, 20)])


def test_no_other_surroundings(build):
    others = [(10.0, 22.0)]
    assert view_of(build([[8.0, 16.0]], 'background_mix', others=others), 'background_mix') is None  # 12 clips after it
    long = build([[0.0, 32.0]], 'background_mix', others=others, shortest=30.0)
    assert view_of(long, 'background_mix') is None
    assert view_of(build([[0.0, 30.0]], 'background_mix', others=others), 'background_mix') is not None
    assert view_of(build([[0.0, 30.0]], 'background_mix', 'before it sings', others), 'background_mix') is None


def test_wrong_length(build):
    with pytest.raises(ValueError, match='positive number of seconds'):
        build([[4.0, 24.0]], 'foreground_mix', piece=0)


def test_rows_that_can_be_mixed():
    """Two pieces in the longest moment, enough around them; no more around than the longest moment of another video."""
    rows = [
        dict(vid='a', query='one', duration=20.0, relevant_windows=[[2, 8], [10, 11]]),  # 2, 2 and 9 s around
        dict(vid='b', query='one', duration=20.0, relevant_windows=[[0, 9]]),  # 11 s around
        dict(vid='b', query='after that', duration=20.0, relevant_windows=[[0, 9]]),
        dict(vid='c', query='one', duration=4.0, relevant_windows=[[0, 4]]),  # nothing around
        dict(vid='d', query='one', duration=4.0, relevant_windows=[]),
    ]
    assert ForegroundMix(piece=2.0).applicable(rows, 1.0) == [True, True, False, False, False]
    # Three parts of the second moment need four around them, and 11 s are three of at least 3 s.
    assert ForegroundMix(piece=3.0).applicable(rows, 1.0) == [True, False, False, False, False]
    assert ForegroundMix(piece=4.0).applicable(rows, 1.0) == [False] * 5
    assert BackgroundMix().applicable(rows, 1.0) == [True, False, False, False, False]
    assert BackgroundMix(shortest=0.9).applicable(rows, 1.0) == [False] * 5
    assert BackgroundMix().applicable(rows[:1], 1.0) == [False]  # no other video


@pytest.mark.parametrize(
    ('windows', 'length'),
    [
        ([[4.0, 16.0]], 20),  # six clips, two pieces of three
        ([[5.0, 16.5]], 20),  # 11.5 s, but all of seven clips
        ([[4.0, 15.0]], 20),
        ([[4.0, 13.0]], 20),  # five clips: too short
        ([[2.0, 38.0]], 20),  # nothing left around the pieces
        ([[4.0, 30.0]], 20),
        ([[4.0, 16.0], [16.0, 20.0]], 20),  # they touch
        ([], 20),
    ],
)
def test_samples_that_can_be_cut_are_those_that_are_cut(build, windows, length):
    dataset = build(windows, 'foreground_mix', length=length, piece=6.0)
    transform = dataset.pipeline.augment['foreground_mix']
    assert transform.applicable(dataset.rows, 2.0) == [view_of(dataset, 'foreground_mix') is not None]
