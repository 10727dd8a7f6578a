"""Points of a pyramid and which of them answer for a span, against loops."""

import pytest
import torch
from testing import make_targets

from mmvmr.models.task_modules.points import PointAssigner, PyramidPoints
from mmvmr.structures import PredictionSet, to_center_width


def _targets(rows, clips):
    """Targets from windows in clips, one list per video."""
    targets = make_targets(clips, [len(row) for row in rows])
    for sample, row in enumerate(rows):
        for i, window in enumerate(row):
            targets.spans[sample, i] = to_center_width(torch.tensor(window) / clips[sample])
    return targets


def _assigned(assigner, points, targets, mask=None):
    predictions = PredictionSet('point', torch.zeros(*points.center.shape, 2), points=points, mask=mask)
    (found,) = assigner([predictions], targets)
    return {(b, q): g for b, q, g in zip(found.batch.tolist(), found.query.tolist(), found.gt.tolist())}


def test_ranges_double_and_overlap():
    points = PyramidPoints(regression_range=4, sigma=0.5, max_length=256)
    expected = [(0, 4), (2, 8), (4, 16), (8, 32), (16, 64), (32, 128), (64, 257)]
    assert points.ranges(7) == expected
    assert PyramidPoints(regression_range=8, sigma=1.0, max_length=8).ranges(2) == [(0, 8), (8, 16)]
    assert PyramidPoints().ranges(2) == [(0, float('inf'))] * 2


@pytest.mark.parametrize(
    ('half_step', 'first'), [(False, [0, 0, 0]), (True, [0.5, 1, 2]), ('accumulated', [0.5, 1.5, 3.5])]
)
def test_half_steps(half_step, first):
    lengths = [8, 4, 2]
    rows = PyramidPoints(half_step=half_step).grid(lengths).split(lengths)
    for level, row in enumerate(rows):
        assert row[:, 0].tolist() == [first[level] + i * 2**level for i in range(lengths[level])]
        assert row[:, 3].tolist() == [2.0**level] * lengths[level]


def test_half_steps_of_the_official_code_add_up():
    """It moves views of one array in place, level after level."""
    positions, found = torch.arange(16.0), []
    for level in range(4):
        view = positions[:: 2**level]
        view += 0.5 * 2**level
        found.append(view.clone())
    assert torch.equal(PyramidPoints(half_step='accumulated').grid([16, 8, 4, 2])[:, 0], torch.cat(found))


def test_unknown_half_step():
    with pytest.raises(ValueError, match="half_step='quarter'"):
        PyramidPoints(half_step='quarter')


def test_points_of_a_window_lie_where_they_lie_in_the_video():
    points = PyramidPoints(offset=0.5, input_stride=2)
    whole, part = points([8, 4], torch.tensor([16])), points([4, 2], torch.tensor([16]), start=8)
    assert torch.allclose(whole.center[:, 4:8], part.center[:, :4])
    assert torch.allclose(whole.center[:, 10:], part.center[:, 4:])
    assert torch.equal(whole.size[:, :4], part.size[:, :4])


@pytest.mark.parametrize('radius', [None, 1.5, 0.6])
def test_points_that_answer(radius):
    """Strictly inside the window around the middle, and farther end in the range of the level."""
    clips, lengths = [16, 16], [16, 8, 4]
    rows = [[(2.3, 7.9), (9.0, 15.2)], [(0.4, 15.7)]]
    generator = PyramidPoints(regression_range=3, sigma=0.5, max_length=16)
    points, grid = generator(lengths, torch.tensor(clips)), generator.grid(lengths)
    found = _assigned(PointAssigner(center_radius=radius), points, _targets(rows, clips))
    expected = {}
    for sample, row in enumerate(rows):
        for index, (position, low, high, step) in enumerate(grid.tolist()):
            inside = []
            for number, (start, end) in enumerate(row):
                c = position + 0.5
                reach = float('inf') if radius is None else radius * step
                middle = (start + end) / 2
                left, right = max(start, middle - reach), min(end, middle + reach)
                if left < c < right and low <= max(c - start, end - c) < high:
                    inside.append((end - start, number))
            if inside:
                expected[sample, index] = min(inside)[1]
    assert found == expected
    assert {sample for sample, _ in found} == {0, 1}


def test_bounds_of_a_level_may_belong_to_it():
    # Points 0 to 3 for farther ends up to 2, then 0 and 2 for those of at least 2, in clips of a video of 4.
    points = PyramidPoints(offset=0.0, regression_range=2, sigma=1.0, max_length=100)([4, 2], torch.tensor([4]))
    targets = _targets([[[0.0, 2.0]]], [4])
    assert set(_assigned(PointAssigner(ends='closed'), points, targets)) == {(0, 1), (0, 4), (0, 5)}
    closed = PointAssigner(ends='closed', ranges='closed')
    assert set(_assigned(closed, points, targets)) == {(0, 0), (0, 1), (0, 2), (0, 4), (0, 5)}


def test_overlap_and_ends_of_univtg():
    """Inclusive at both ends, the last of several windows, and the first clip of a window that holds no point."""
    clips = [6, 4]
    points = PyramidPoints(offset=1.0)([6], torch.tensor(clips))
    mask = torch.arange(6) < torch.tensor(clips)[:, None]
    rows = [[(1.0, 4.0), (3.0, 5.0)], [(2.2, 2.7)]]
    assigner = PointAssigner(ends='closed', overlap='last', fallback=True)
    found = _assigned(assigner, points, _targets(rows, clips), mask)
    assert found == {(0, 0): 0, (0, 1): 0, (0, 2): 1, (0, 3): 1, (0, 4): 1, (1, 2): 0}
    without = _assigned(PointAssigner(ends='closed', overlap='last'), points, _targets(rows, clips), mask)
    assert without == {pair: gt for pair, gt in found.items() if pair[0] == 0}


def test_a_moment_without_a_point_takes_the_clip_in_which_it_begins():
    """Points are the middles of clips. Moments that have one, and sentences without a moment, take nothing more."""
    clips = [6, 4, 4, 4]
    points = PyramidPoints()([6], torch.tensor(clips))
    rows = [[(2.7, 5.0)], [(2.0, 2.4)], [(3.99995, 4.0)], []]  # the third begins at the end of the last clip
    mask = torch.arange(6) < torch.tensor(clips)[:, None]
    found = _assigned(PointAssigner(fallback=True), points, _targets(rows, clips), mask)
    assert found == {(0, 3): 0, (0, 4): 0, (1, 2): 0, (2, 3): 0}


def test_positions_are_normalised_by_the_clips():
    """Two points, two clips apart, of a video of eight clips; of a level of up to three positions."""
    points = PyramidPoints(input_stride=2, regression_range=3)([2], torch.tensor([8]), start=1)
    assert points.center.tolist() == [[1.5 / 8, 3.5 / 8]]
    assert torch.stack((points.size, points.low, points.high)).tolist() == [[[0.25] * 2], [[0.0] * 2], [[0.75] * 2]]


@pytest.mark.parametrize('name', ['ends', 'overlap', 'ranges'])
def test_unknown_options_of_the_assignment(name):
    with pytest.raises(ValueError, match=f"PointAssigner: {name}='x' is unknown"):
        PointAssigner(**{name: 'x'})
