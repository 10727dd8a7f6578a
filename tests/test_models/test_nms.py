"""Suppression of repeated predictions, by hand and against loops over predictions and samples."""

import math

import pytest
import torch
from torch.overrides import TorchFunctionMode

from mmvmr.models.task_modules.nms import HardNMS, SegmentVoting, SoftNMS


class CountOperations(TorchFunctionMode):
    """Counts operations on tensors."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.count += 1
        return func(*args, **(kwargs or {}))


def _random(samples=3, count=25, seed=0):
    generator = torch.Generator().manual_seed(seed)
    start = torch.rand(samples, count, generator=generator) * 50
    windows = torch.stack((start, start + 1 + torch.rand(samples, count, generator=generator) * 20), dim=-1)
    return windows, torch.rand(samples, count, generator=generator)


def _iou(a, b):
    inter = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return inter / (a[1] - a[0] + b[1] - b[0] - inter)


def _loop(windows, scores, weight, min_score, limit, keep_best=False):
    """One sample, as the definition has it: take the best, lower the rest, drop what falls below."""
    left = {i: s for i, s in enumerate(scores) if s >= min_score or (keep_best and s == max(scores))}
    kept = []
    while left and len(kept) < limit:
        best = max(left, key=left.get)
        kept.append((best, left.pop(best)))
        left = {i: s * weight(_iou(windows[i], windows[best])) for i, s in left.items()}
        left = {i: s for i, s in left.items() if s > 0 and s >= min_score}
    return kept


@pytest.mark.parametrize(
    ('suppression', 'weight'),
    [
        (dict(threshold=0.0, sigma=0.9), lambda o: math.exp(-o * o / 0.9)),
        (dict(threshold=0.3, decay='linear'), lambda o: 1 - o if o > 0.3 else 1.0),
        (None, lambda o: 0.0 if o > 0.3 else 1.0),
    ],
)
def test_every_sample_alone(suppression, weight):
    windows, scores = _random()
    kept = dict(min_score=0.05, max_predictions=20)
    nms = HardNMS(threshold=0.3, **kept) if suppression is None else SoftNMS(**suppression, **kept)
    index, values = nms(windows, scores)
    for sample in range(len(scores)):
        expected = _loop(windows[sample].tolist(), scores[sample].tolist(), weight, 0.05, 20)
        exists = values[sample] > -torch.inf
        assert index[sample][exists].tolist() == [i for i, _ in expected]
        assert values[sample][exists].tolist() == pytest.approx([s for _, s in expected], abs=1e-6)


@pytest.mark.parametrize('nms', [SoftNMS(max_predictions=8), HardNMS(0.5, max_predictions=8)])
def test_steps_do_not_grow_with_the_number_of_samples(nms):
    """One pass over the predictions serves every sentence: no loop over them."""
    counts = []
    for samples in (1, 50):
        windows, scores = _random(samples, 60)
        with CountOperations() as mode:
            index, values = nms(windows, scores)
        assert index.shape == values.shape == (samples, 8)
        counts.append(mode.count)
    assert counts[0] == counts[1]


def test_the_best_may_stay_below_the_smallest_score():
    windows, scores = _random(2)
    scores[0] *= 0.1
    keep, drop = (SoftNMS(threshold=0.0, min_score=0.5, keep_best=keep) for keep in (True, False))
    index, values = keep(windows, scores)
    assert (values > -torch.inf).sum(1).tolist()[0] == 1
    assert index[0, 0] == scores[0].argmax()
    other_index, other = drop(windows, scores)
    assert not (other[0] > -torch.inf).any()
    exists = other[1] > -torch.inf
    assert torch.equal(other_index[1][exists], index[1][: int(exists.sum())])


def test_missing_predictions_are_never_kept():
    windows, scores = _random(2, 6)
    scores[1, 2:] = -torch.inf
    for nms in (SoftNMS(keep_best=True), HardNMS(0.9)):
        index, values = nms(windows, scores)
        assert (values[1] > -torch.inf).sum() <= 2
        assert set(index[1][values[1] > -torch.inf].tolist()) <= {0, 1}
    nothing = torch.full((2, 6), -torch.inf)
    assert SoftNMS(keep_best=True)(windows, nothing)[0].shape == (2, 0)


def test_votes_are_means_weighted_by_score():
    windows, scores = _random(2, 12, seed=3)
    kept = windows[:, :4]
    found = SegmentVoting(0.4)(kept, windows, scores)
    for sample in range(2):
        for k in range(4):
            voters = [i for i in range(12) if _iou(kept[sample, k].tolist(), windows[sample, i].tolist()) >= 0.4]
            weight = scores[sample, voters]
            expected = (weight[:, None] * windows[sample, voters]).sum(0) / weight.sum()
            assert torch.allclose(found[sample, k], expected, atol=1e-4)


#: IoU 0.5 of the first two, 0.25 of the first and the third; the last one is alone.
WINDOWS = torch.tensor([[[0.0, 4.0], [2.0, 4.0], [3.0, 4.0], [6.0, 8.0]]])
SCORES = torch.tensor([[0.9, 0.8, 0.3, 0.6]])


def _kept(nms, windows=WINDOWS, scores=SCORES):
    index, values = nms(windows, scores)
    return list(zip(index[0].tolist(), values[0].tolist()))


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        (dict(threshold=0.5), [0, 1, 3, 2]),  # what overlaps exactly as much as the threshold stays
        (dict(threshold=0.49), [0, 3, 2]),
        (dict(threshold=0.2), [0, 3]),
        (dict(threshold=0.2, max_predictions=1), [0]),
        (dict(threshold=0.5, min_score=0.6), [0, 1, 3]),
        (dict(), [0, 1, 3, 2]),  # 0.7
    ],
)
def test_hard_suppression_by_hand(options, expected):
    kept = _kept(HardNMS(**options))
    assert [i for i, _ in kept] == expected
    assert [s for _, s in kept] == pytest.approx([SCORES[0, i].item() for i in expected])


def test_soft_suppression_by_hand():
    """The second window loses exp(-0.5^2 / 0.5) = 0.6065 of its 0.8, the third nothing: 0.25 is below 0.3 ..."""
    # ... but the second one overlaps the third by 0.5 as well, and comes before it.
    kept = _kept(SoftNMS())
    assert [i for i, _ in kept] == [0, 3, 1, 2]
    assert [s for _, s in kept] == pytest.approx([0.9, 0.6, 0.8 * 0.60653, 0.3 * 0.60653], abs=1e-5)


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        (dict(decay='linear'), [(0, 0.9), (3, 0.6), (1, 0.4), (2, 0.15)]),
        (dict(decay='linear', threshold=0.2), [(0, 0.9), (3, 0.6), (1, 0.4), (2, 0.1125)]),  # 0.3 x 0.75 x 0.5
        (dict(decay='linear', threshold=0.5), [(0, 0.9), (1, 0.8), (3, 0.6), (2, 0.3)]),
        (dict(decay='linear', min_score=0.4), [(0, 0.9), (3, 0.6), (1, 0.4)]),
        (dict(decay='linear', max_predictions=2), [(0, 0.9), (3, 0.6)]),
        (dict(sigma=0.25, max_predictions=3), [(0, 0.9), (3, 0.6), (2, 0.3)]),  # the second falls to 0.8 / e = 0.294
        (dict(sigma=1.0, max_predictions=2), [(0, 0.9), (1, 0.62304)]),  # 0.8 exp(-0.25)
    ],
)
def test_soft_suppression_options_by_hand(options, expected):
    kept = _kept(SoftNMS(**options))
    assert [i for i, _ in kept] == [i for i, _ in expected]
    assert [s for _, s in kept] == pytest.approx([s for _, s in expected], abs=1e-5)


def test_of_equal_scores_the_first_is_better():
    scores = torch.tensor([[0.5, 0.7, 0.5, 0.7]])
    assert [i for i, _ in _kept(HardNMS(0.9), scores=scores)] == [1, 3, 0, 2]


def test_defaults_keep_a_score_of_zero():
    zeros = torch.zeros(1, 4)
    assert len(_kept(HardNMS(0.9), scores=zeros)) == len(_kept(SoftNMS(), scores=zeros)) == 4


def test_votes_by_hand():
    """(0, 4) with 0.6 and (2, 4) with 0.2 make (0.5, 4); the others overlap too little, or do not exist."""
    kept = torch.tensor([[[0.0, 4.0], [10.0, 12.0]]])
    windows = torch.tensor([[[0.0, 4.0], [2.0, 4.0], [3.0, 4.0], [0.0, 4.0]]])
    scores = torch.tensor([[0.6, 0.2, 0.9, -torch.inf]])
    found = SegmentVoting(0.5)(kept, windows, scores)
    torch.testing.assert_close(found, torch.tensor([[[0.5, 4.0], [10.0, 12.0]]]))
    # Squares of two thirds and of two ninths of the best: 4/9 and 4/81 of it, a weight of 9 to 1, however low all are.
    twice = (part.expand(2, -1, -1) for part in (kept, windows))
    found = SegmentVoting(0.5, power=2)(*twice, torch.cat((scores, 1e-10 * scores)))
    torch.testing.assert_close(found, torch.tensor([[[0.2, 4.0], [10.0, 12.0]]]).expand(2, -1, -1))
    near = torch.tensor([[[0.0, 3.8], [0.0, 4.0], [0.0, 3.7], [0.0, 3.0]]])  # IoU 0.95 votes by default, 0.925 not
    found = SegmentVoting()(kept, near, torch.tensor([[0.5, 0.5, 0.5, 0.5]]))
    torch.testing.assert_close(found[0, 0], torch.tensor([0.0, 3.9]))


def test_a_window_votes_once():
    """The second overlaps both kept ones, and votes for the first: (0, 4), (1, 5) -> (0.5, 4.5); (2, 6) stays."""
    kept = torch.tensor([[[0.0, 4.0], [2.0, 6.0]]])
    windows = torch.tensor([[[0.0, 4.0], [1.0, 5.0], [2.0, 6.0]]])
    scores = torch.ones(1, 3)
    expected = torch.tensor([[[0.5, 4.5], [2.0, 6.0]]])
    torch.testing.assert_close(SegmentVoting(0.6, once=True)(kept, windows, scores), expected)
    twice = torch.tensor([[[0.5, 4.5], [1.5, 5.5]]])
    torch.testing.assert_close(SegmentVoting(0.6)(kept, windows, scores), twice)


def test_unknown_decay():
    with pytest.raises(ValueError, match=r"^SoftNMS: decay='cubic' is unknown, expected 'gaussian' or 'linear'"):
        SoftNMS(decay='cubic')
