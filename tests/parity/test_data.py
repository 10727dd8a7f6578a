"""Recorded raw features through our pipeline: what is compared, and what may differ."""

import torch

from parity.data import settle_ties

ROW = {'relevant_clip_ids': [2, 3, 4, 7], 'saliency_scores': [[1, 2, 3], [4, 4, 1], [3, 3, 3], [0, 0, 1]]}


def settled(ours, recorded):
    ours = torch.tensor([ours])
    settle_ties([ROW], ours, None if recorded is None else torch.tensor([recorded]))
    return ours[0].tolist()


def test_ties_are_settled_as_recorded():
    assert settled([4, 2], [3, 2]) == [3, 2]  # both have the highest rating, 9
    assert settled([4, 4], [3, 3]) == [3, 3]  # no clip to draw: the hard pair again
    assert settled([4, 2], [4, 2]) == [4, 2]


def test_other_differences_stay():
    assert settled([4, 2], [2, 2]) == [4, 2]  # another rating
    assert settled([7, 3], [7, 4]) == [7, 3]  # drawn: the same rating is no excuse
    assert settled([7, 5], [7, 6]) == [7, 5]  # clips without a rating
    assert settled([4, 2], [3]) == [4, 2]
    assert settled([4, 2], None) == [4, 2]
