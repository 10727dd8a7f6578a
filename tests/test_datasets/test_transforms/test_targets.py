import numpy as np
import pytest
import torch
from testing import ReplayRng

from mmvmr.datasets import AppendTEF, BuildMomentTargets, HighlightLabels, MomentLabels, SeededRng
from mmvmr.structures import to_start_end


def _results(windows, length=10, clip_len=2.0, duration=None, **more):
    return dict(
        qid=3,
        relevant_windows=windows,
        video_feat=np.zeros((length, 4), np.float32),
        clip_len=clip_len,
        duration=length * clip_len if duration is None else duration,
        rng=SeededRng(0, 0, 0),
        **more,
    )


def _build(windows, labels='MomentLabels', grid='clip_len', no_negative='repeat', **more):
    transform = BuildMomentTargets(labels=dict(type=labels, no_negative=no_negative), grid=grid)
    return transform(_results(windows, **more))


def _seconds(results):
    return to_start_end(results['gt_spans']) * len(results['video_feat']) * results['clip_len']


def test_tef():
    features = AppendTEF()(_results([[0, 2]], length=4))['video_feat']
    np.testing.assert_allclose(features[:, 4:], [[0, 0.25], [0.25, 0.5], [0.5, 0.75], [0.75, 1]])
    assert features.dtype == np.float32


def test_seconds_to_spans_and_back():
    results = _build([[2.0, 7.0], [13.5, 20.0]])
    torch.testing.assert_close(_seconds(results), torch.tensor([[2.0, 7.0], [13.5, 20.0]]))
    assert np.flatnonzero(results['gt_clips']).tolist() == [1, 2, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ('windows', 'seconds', 'clips'),
    [
        ([[16.0, 23.0]], [[16.0, 20.0]], [8, 9]),  # past the end: cut
        ([[-3.0, 4.0]], [[0.0, 4.0]], [0, 1]),  # before the beginning: cut
        ([[20.0, 24.0], [0.0, 2.0]], [[0.0, 2.0]], [0]),  # wholly behind: dropped
        ([[4.5, 5.0]], [[4.5, 5.0]], [2]),  # inside one clip
        ([[19.0, 19.5]], [[19.0, 19.5]], [9]),
        ([[0.2, 0.4]], [[0.2, 0.4]], [0]),
        ([[0.0, 20.0]], [[0.0, 20.0]], list(range(10))),  # the whole video
    ],
)
def test_edges(windows, seconds, clips):
    results = _build(windows)
    torch.testing.assert_close(_seconds(results), torch.tensor(seconds))
    assert np.flatnonzero(results['gt_clips']).tolist() == clips
    assert results['gt_saliency'].tolist() == results['gt_clips'].astype(float).tolist()


def test_published_choice_for_windows_inside_one_clip():
    transform = BuildMomentTargets(labels=dict(type='MomentLabels'), short='preceding')
    assert np.flatnonzero(transform(_results([[4.5, 5.0]]))['gt_clips']).tolist() == [1]
    assert np.flatnonzero(transform(_results([[0.5, 1.0]]))['gt_clips']).tolist() == [0]


def test_all_windows_behind_the_cut_leave_a_sample_without_truth():
    results = _build([[30.0, 34.0]])
    assert results['gt_spans'].shape == (0, 2)
    assert not results['gt_clips'].any()
    assert (results['gt_pairs'] == -1).all()


def test_unlabelled_samples_pass():
    results = _results(None)
    assert 'gt_spans' not in BuildMomentTargets(labels=dict(type='MomentLabels'))(results)


def test_grid_of_the_duration():
    # 10 clips in 24 s: the sixth second lies in clip 2 (0-based) of 2.4 s, in clip 3 of 2.0 s
    windows = [[6.0, 12.0]]
    assert np.flatnonzero(_build(windows, duration=24.0)['gt_clips']).tolist() == [3, 4, 5]
    assert np.flatnonzero(_build(windows, duration=24.0, grid='duration')['gt_clips']).tolist() == [2, 3, 4]


def test_more_windows_than_allowed_are_drawn():
    windows = [[2.0 * i, 2.0 * i + 1] for i in range(7)]
    order = [windows[i] for i in (6, 0, 5, 2, 1, 3, 4)]
    results = _results(windows)
    rng = [dict(fn='shuffle', pop=windows, result=order)]
    inside_and_outside = (list(range(7)), [7, 8, 9])
    rng += [dict(fn='sample', pop=p, k=2, result=p[:2]) for p in inside_and_outside]
    results['rng'] = ReplayRng(rng)
    BuildMomentTargets(labels=dict(type='MomentLabels'), max_windows=5)(results)
    torch.testing.assert_close(_seconds(results), torch.tensor(order[:5]))
    assert results['rng'].finished
    assert windows == [[2.0 * i, 2.0 * i + 1] for i in range(7)]  # the annotation keeps its order


def test_moment_pairs_lie_inside_and_outside():
    for _ in range(20):
        high, low = _build([[4.0, 10.0]])['gt_pairs']
        assert len(set(high)) == 2
        assert len(set(low)) == 2
        assert set(high) <= {2, 3, 4}
        assert not set(low) & {2, 3, 4}


def test_moment_pairs_of_one_clip_and_of_the_whole_video():
    assert _build([[4.0, 6.0]])['gt_pairs'][0].tolist() == [2, 2]
    high, low = _build([[0.0, 20.0]])['gt_pairs']
    assert high.tolist() == low.tolist()
    assert (_build([[0.0, 20.0]], no_negative='ignore')['gt_pairs'] == -1).all()


def _rated(clips, totals, **more):
    return dict(relevant_clip_ids=clips, saliency_scores=[[t, 0, 0] for t in totals], **more)


def test_highlight_labels():
    results = _build([[4.0, 10.0]], 'HighlightLabels', **_rated([2, 3, 4], [5, 9, 1]))
    assert results['gt_saliency'].tolist() == [0, 0, 5, 9, 1, 0, 0, 0, 0, 0]
    assert results['gt_pairs'][:, 0].tolist() == [3, 4]  # hard: best and worst rated
    assert results['gt_pairs'][0, 1] in (2, 3, 4)
    assert results['gt_pairs'][1, 1] not in (2, 3, 4)


def test_highlight_clips_behind_the_features():
    results = _build([[18.0, 24.0]], 'HighlightLabels', **_rated([9, 10, 11], [1, 2, 3]))
    assert results['gt_saliency'].tolist() == [0] * 9 + [1]
    assert results['gt_pairs'].max() == 9


def test_highlight_covering_the_whole_video():
    rated = _rated(list(range(10)), list(range(10)))
    assert _build([[0, 20]], 'HighlightLabels', **rated)['gt_pairs'].tolist() == [[9, 9], [0, 0]]
    ignored = _build([[0, 20]], 'HighlightLabels', no_negative='ignore', **rated)
    assert ignored['gt_pairs'].tolist() == [[9, -1], [0, -1]]


def test_highlight_labels_without_any_moment():
    results = _build([], 'HighlightLabels', **_rated([], []))
    assert results['gt_spans'].shape == (0, 2)
    assert not results['gt_saliency'].any()
    assert (results['gt_pairs'] == -1).all()


def test_highlight_labels_need_ratings():
    with pytest.raises(ValueError, match=r'qid 3 has no saliency_scores; set .*MomentLabels'):
        _build([[4.0, 10.0]], 'HighlightLabels')


@pytest.mark.parametrize(
    'make',
    [
        lambda: HighlightLabels(no_negative='x'),
        lambda: MomentLabels(no_negative='x'),
        lambda: BuildMomentTargets(labels=dict(type='MomentLabels'), grid='x'),
        lambda: BuildMomentTargets(labels=dict(type='MomentLabels'), short='x'),
    ],
)
def test_unknown_options(make):
    with pytest.raises(ValueError, match="'x' is unknown, expected"):
        make()
