"""Arithmetic on spans, by hand: every expected value can be read off the two intervals."""

import pytest
import torch

from mmvmr.structures import (
    clip_centers,
    paired_giou,
    paired_hull_iou,
    paired_iou,
    pairwise_giou,
    pairwise_iou,
    point_distances_to_start_end,
    spans_to_point_distances,
    to_center_width,
    to_start_end,
)


def test_center_width_and_start_end():
    spans, windows = torch.tensor([[0.5, 0.2], [0.3, 0.6]]), torch.tensor([[0.4, 0.6], [0.0, 0.6]])
    torch.testing.assert_close(to_start_end(spans), windows)
    torch.testing.assert_close(to_center_width(windows), spans)
    # Any leading shape, any unit.
    torch.testing.assert_close(to_center_width(torch.tensor([[[10.0, 16.0]]])), torch.tensor([[[13.0, 6.0]]]))


def test_boundary_oriented_moments():
    moments = torch.tensor([[0.5, 0.1, 0.3]])
    torch.testing.assert_close(point_distances_to_start_end(moments), torch.tensor([[0.4, 0.8]]))
    # (0.9, 0.4) reaches from 0.7 to 1.1 and is cut at 1; (0.1, 0.4) from -0.1 to 0.3 and is cut at 0.
    spans = torch.tensor([[0.5, 0.2], [0.9, 0.4], [0.1, 0.4]])
    expected = torch.tensor([[0.5, 0.1, 0.1], [0.85, 0.15, 0.15], [0.15, 0.15, 0.15]])
    torch.testing.assert_close(spans_to_point_distances(spans), expected)


@pytest.mark.parametrize('lead', [(), (3,), (3, 4)])
def test_any_leading_shape(lead):
    """The last dimension holds the numbers of a span, however many come before it."""
    for function, values, expected in (
        (to_start_end, [0.5, 0.2], [0.4, 0.6]),
        (to_center_width, [0.4, 0.6], [0.5, 0.2]),
        (point_distances_to_start_end, [0.5, 0.1, 0.3], [0.4, 0.8]),
        (spans_to_point_distances, [0.9, 0.4], [0.85, 0.15, 0.15]),
    ):
        found = function(torch.tensor(values).expand(*lead, -1))
        torch.testing.assert_close(found, torch.tensor(expected).expand(*lead, -1))
    for function in (paired_iou, paired_hull_iou, paired_giou):
        found = function(torch.tensor([0.0, 4.0]).expand(*lead, 2), torch.tensor([2.0, 6.0]))
        torch.testing.assert_close(found, torch.tensor(1 / 3).expand(lead))


#: Two windows, and their IoU, intersection over hull and generalised IoU.
PAIRS = {
    'equal': ((2, 6), (2, 6), 1.0, 1.0, 1.0),
    'overlap': ((0, 4), (2, 6), 2 / 6, 2 / 6, 2 / 6),
    'inside': ((0, 10), (2, 4), 0.2, 0.2, 0.2),
    'touching': ((0, 1), (1, 2), 0.0, 0.0, 0.0),
    # Apart: union 4, hull 8, so the penalty is (8 - 4) / 8; then union 2, hull 5, penalty 3 / 5.
    'apart': ((0, 2), (6, 8), 0.0, 0.0, -0.5),
    'apart, second first': ((4, 5), (0, 1), 0.0, 0.0, -0.6),
    'one without length': ((0, 4), (3, 3), 0.0, 0.0, 0.0),
    'two points apart': ((0, 0), (2, 2), 0.0, 0.0, -1.0),
    'the same point': ((1, 1), (1, 1), 0.0, 0.0, 0.0),
}


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('name', PAIRS)
def test_overlap_of_two_windows(name, dtype):
    first, second, iou, hull, giou = PAIRS[name]
    a, b = (torch.tensor([window], dtype=dtype) for window in (first, second))
    for function, expected in ((paired_iou, iou), (paired_hull_iou, hull), (paired_giou, giou)):
        for found in (function(a, b), function(b, a)):
            assert found.dtype == dtype
            assert found.tolist() == pytest.approx([expected], abs=1e-6)


def test_every_window_with_every_other():
    a = torch.tensor([[0.0, 2.0], [0.0, 4.0]])
    b = torch.tensor([[0.0, 4.0], [2.0, 6.0], [6.0, 8.0]])
    torch.testing.assert_close(pairwise_iou(a, b), torch.tensor([[0.5, 0.0, 0.0], [1.0, 1 / 3, 0.0]]))
    # (0, 2) and (6, 8): union 4, hull 8. (0, 4) and (6, 8): union 6, hull 8.
    torch.testing.assert_close(pairwise_giou(a, b), torch.tensor([[0.5, 0.0, -0.5], [1.0, 1 / 3, -0.25]]))
    # With leading dimensions, each row on its own.
    batch = pairwise_iou(torch.stack((a, b[:2])), torch.stack((b[:1], a[:1])))
    torch.testing.assert_close(batch, torch.tensor([[[0.5], [1.0]], [[0.5], [0.0]]]))
    assert pairwise_giou(a.expand(5, 2, 2), b).shape == (5, 2, 3)


def test_centers_of_the_clips_that_exist():
    mask = torch.tensor([[True, True, True, True], [True, True, False, False], [False] * 4])
    expected = [[0.125, 0.375, 0.625, 0.875], [0.25, 0.75, 1.25, 1.75], [0.5, 1.5, 2.5, 3.5]]
    torch.testing.assert_close(clip_centers(mask), torch.tensor(expected))
