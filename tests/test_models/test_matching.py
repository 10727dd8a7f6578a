"""Span coders, match costs and the Hungarian assigner, by hand."""

import math

import pytest
import torch

from mmvmr.models.task_modules import (
    AdditiveSpanCoder,
    ForegroundCost,
    HungarianAssigner,
    LogitSpanCoder,
    QualityCost,
    SpanGIoUCost,
    SpanL1Cost,
)
from mmvmr.structures import MomentTargets, PredictionSet

#: Two predictions and two targets (center, width); as windows (0.4, 0.6), (0.7, 1.1) and (0, 0.6), (0.4, 0.6).
SPANS = torch.tensor([[[0.5, 0.2], [0.9, 0.4]]])
TRUTH = torch.tensor([[[0.3, 0.6], [0.5, 0.2]]])


def targets(spans, mask):
    batch = len(spans)
    clips = torch.zeros(batch, 2, dtype=torch.bool)
    return MomentTargets(
        spans=spans,
        span_mask=mask,
        saliency=clips.float(),
        clips=clips,
        pairs=torch.full((batch, 2, 1), -1),
        clip_mask=~clips,
        video_index=torch.arange(batch),
        views=['main'] * batch,
    )


def test_logit_coder_multiplies_the_odds():
    """An offset of log k makes the odds of center and width k times as large."""
    anchor, offset = torch.tensor([[0.5, 0.2]]), torch.tensor([[math.log(3), math.log(4)]])
    assert LogitSpanCoder().decode(offset, anchor).tolist()[0] == pytest.approx([0.75, 0.5])
    assert LogitSpanCoder().decode(-offset, anchor).tolist()[0] == pytest.approx([0.25, 1 / 17])


def test_logit_coder_keeps_away_from_the_ends():
    anchor = torch.tensor([[0.0, 1.0]])
    # Odds 0.25 / 1 and 1 / 0.25; by default 0.001 / 1 and 1 / 0.001.
    assert LogitSpanCoder(eps=0.25).decode(torch.zeros(1, 2), anchor).tolist()[0] == pytest.approx([0.2, 0.8])
    found = LogitSpanCoder().decode(torch.zeros(1, 2), anchor).tolist()[0]
    assert found == pytest.approx([0.000999, 0.999001], abs=1e-7)


def test_additive_coder_adds_and_clamps():
    anchor = torch.tensor([[[0.5, 0.2], [0.9, 0.2], [0.1, 0.8]]])
    offset = torch.tensor([[[0.1, 0.1], [0.3, -0.5], [-0.3, 0.5]]])
    found = AdditiveSpanCoder().decode(offset, anchor)
    torch.testing.assert_close(found, torch.tensor([[[0.6, 0.3], [1.0, 0.001], [0.0, 1.0]]]))
    assert AdditiveSpanCoder(min_width=0.05).decode(offset, anchor)[0, 1, 1] == pytest.approx(0.05)


def test_half_precision_is_decoded_in_float32():
    anchor, offset = torch.tensor([[0.5, 0.2]]).bfloat16(), torch.zeros(1, 2).bfloat16()
    assert LogitSpanCoder().decode(offset, anchor).dtype == torch.float32
    assert AdditiveSpanCoder().decode(offset, anchor).dtype == torch.float32


def test_l1_cost_is_the_sum_over_both_coordinates():
    # |0.5 - 0.3| + |0.2 - 0.6| = 0.6, and |0.9 - 0.3| + |0.4 - 0.6| = 0.8, |0.9 - 0.5| + |0.4 - 0.2| = 0.6.
    expected = torch.tensor([[[0.6, 0.0], [0.8, 0.6]]])
    predictions = PredictionSet('direct', SPANS)
    torch.testing.assert_close(SpanL1Cost()(predictions, TRUTH), expected)
    torch.testing.assert_close(SpanL1Cost(weight=10)(predictions, TRUTH), 10 * expected)


def test_l1_cost_of_windows_cuts_them_at_the_ends_of_the_video():
    # (0.7, 1) against (0, 0.6) and (0.4, 0.6); the prediction would reach to 1.1.
    expected = torch.tensor([[[0.4, 0.0], [1.1, 0.7]]])
    torch.testing.assert_close(SpanL1Cost(windows=True)(PredictionSet('direct', SPANS), TRUTH), expected)
    # (-0.2, 0.2) and (0.8, 1.2), cut to (0, 0.2) and (0.8, 1), against (0.4, 0.6): 0.8 in any direction.
    outside = torch.tensor([[[0.0, 0.4], [1.0, 0.4]]])
    for predicted, truth in ((TRUTH[:, 1:], outside), (outside, TRUTH[:, 1:])):
        found = SpanL1Cost(weight=2, windows=True)(PredictionSet('direct', predicted), truth)
        assert found.flatten().tolist() == pytest.approx([1.6, 1.6])


def test_giou_cost_is_negative():
    # (0.4, 0.6) in (0, 0.6): 1/3. (0.7, 1.1) and (0, 0.6): -(1.1 - 1) / 1.1. (0.7, 1.1) and (0.4, 0.6): -0.1 / 0.7.
    expected = -torch.tensor([[[1 / 3, 1.0], [-1 / 11, -1 / 7]]])
    torch.testing.assert_close(SpanGIoUCost()(PredictionSet('direct', SPANS), TRUTH), expected)
    torch.testing.assert_close(SpanGIoUCost(weight=4)(PredictionSet('direct', SPANS), TRUTH), 4 * expected)
    # Cut to (0.7, 1): -(1 - 0.9) / 1 and -(0.6 - 0.5) / 0.6.
    clamped = -torch.tensor([[[1 / 3, 1.0], [-0.1, -1 / 6]]])
    torch.testing.assert_close(SpanGIoUCost(clamp=True)(PredictionSet('direct', SPANS), TRUTH), clamped)


def test_giou_cost_cuts_predictions_and_targets():
    # (-0.2, 0.2) and (0.8, 1.2), cut to (0, 0.2) and (0.8, 1): what they are compared with.
    outside, inside = torch.tensor([[[0.0, 0.4], [1.0, 0.4]]]), torch.tensor([[[0.1, 0.2], [0.9, 0.2]]])
    for predicted, truth in ((outside, inside), (inside, outside)):
        found = SpanGIoUCost(clamp=True)(PredictionSet('direct', predicted), truth)
        assert found.diagonal(dim1=1, dim2=2).flatten().tolist() == pytest.approx([-1.0, -1.0])


def test_foreground_cost_is_the_negative_probability():
    logits = torch.tensor([[[math.log(3), 0.0], [0.0, math.log(4)]]])  # foreground 3/4 and 1/5
    found = ForegroundCost(weight=4)(PredictionSet('direct', SPANS, logits=logits), TRUTH)
    assert found.shape == (1, 2, 1)
    assert found.flatten().tolist() == pytest.approx([-3.0, -0.8])
    assert ForegroundCost()(PredictionSet('direct', SPANS, logits=logits), TRUTH)[0, 0, 0] == pytest.approx(-0.75)
    assert ForegroundCost()(PredictionSet('direct', SPANS), TRUTH) == 0


def test_quality_cost_is_the_negative_quality():
    predictions = PredictionSet('direct', SPANS, quality=torch.tensor([[0.3, 0.9]]))
    found = QualityCost(weight=2)(predictions, TRUTH)
    assert found.shape == (1, 2, 1)
    assert found.flatten().tolist() == pytest.approx([-0.6, -1.8])
    assert QualityCost()(predictions, TRUTH).flatten().tolist() == pytest.approx([-0.3, -0.9])
    assert QualityCost()(PredictionSet('direct', SPANS), TRUTH) == 0


def l1_assigner(**costs):
    return HungarianAssigner({'l1': dict(type='SpanL1Cost', weight=1.0), **costs})


def pairs(matched):
    return list(zip(matched.batch.tolist(), matched.query.tolist(), matched.gt.tolist()))


#: Centers 0.5 and 0.8 against 0.6 and 0.2, all equally wide: costs 0.1, 0.3 and 0.2, 0.6.
TWO = PredictionSet('direct', torch.tensor([[[0.5, 0.1], [0.8, 0.1]]]))
TWO_TARGETS = torch.tensor([[[0.6, 0.1], [0.2, 0.1]]])


def test_the_sum_is_minimal_and_not_every_choice():
    """The cheapest pair (0, 0) would leave 0.6 to the other: 0.7 in all. Crossed they cost 0.5."""
    (matched,) = l1_assigner()([TWO], targets(TWO_TARGETS, torch.ones(1, 2, dtype=torch.bool)))
    assert pairs(matched) == [(0, 0, 1), (0, 1, 0)]
    assert torch.equal(matched.spans, TWO_TARGETS[0, [1, 0]])


def test_costs_are_added():
    """A foreground probability of 0.9 against 0.1 outweighs 0.1 of distance, and less so with a small weight."""
    spans, truth = torch.tensor([[[0.5, 0.1], [0.6, 0.1]]]), torch.tensor([[[0.5, 0.1]]])
    logits = torch.tensor([[[0.0, math.log(9)], [math.log(9), 0.0]]])
    predictions = PredictionSet('direct', spans, logits=logits)
    for weight, query in ((1.0, 1), (0.1, 0)):
        assigner = l1_assigner(foreground=dict(type='ForegroundCost', weight=weight))
        (matched,) = assigner([predictions], targets(truth, torch.ones(1, 1, dtype=torch.bool)))
        assert pairs(matched) == [(0, query, 0)]


def test_padding_of_targets_is_never_matched():
    """Three samples with two, one and no target; the padded ones would fit perfectly."""
    spans = TWO.spans.repeat(3, 1, 1)
    truth = torch.stack((TWO_TARGETS[0], torch.tensor([[0.9, 0.1], [0.5, 0.1]]), spans[0]))
    mask = torch.tensor([[True, True], [True, False], [False, False]])
    (matched,) = l1_assigner()([PredictionSet('direct', spans)], targets(truth, mask))
    assert pairs(matched) == [(0, 0, 1), (0, 1, 0), (1, 1, 0)]


def test_every_set_is_matched_on_its_own():
    """A set with known targets is read, one with other targets is matched with those, and each keeps its place."""
    truth = targets(TWO_TARGETS, torch.ones(1, 2, dtype=torch.bool))
    known = PredictionSet('noise', torch.rand(1, 3, 2), matched_gt=torch.tensor([[1, -1, 1]]))
    events = (torch.tensor([[[0.8, 0.1], [0.5, 0.1], [0.5, 1.0]]]), torch.tensor([[True, True, False]]))
    other = PredictionSet('event', TWO.spans, targets=events)
    turned = PredictionSet('direct', TWO.spans.flip(1))
    matched = l1_assigner()([known, TWO, other, turned], truth)
    assert [pairs(m) for m in matched] == [
        [(0, 0, 1), (0, 2, 1)],
        [(0, 0, 1), (0, 1, 0)],
        [(0, 0, 1), (0, 1, 0)],
        [(0, 0, 0), (0, 1, 1)],
    ]
    assert torch.equal(matched[0].spans, TWO_TARGETS[0, [1, 1]])
    assert torch.equal(matched[2].spans, events[0][0, [1, 0]])


def test_more_targets_than_predictions():
    truth = torch.tensor([[[0.9, 0.1], [0.1, 0.1], [0.52, 0.1]]])
    (matched,) = l1_assigner()([TWO], targets(truth, torch.ones(1, 3, dtype=torch.bool)))
    assert pairs(matched) == [(0, 0, 2), (0, 1, 0)]


def test_no_sets_and_no_samples():
    empty = targets(torch.zeros(0, 1, 2), torch.zeros(0, 1, dtype=torch.bool))
    assert l1_assigner()([], empty) == []
    (matched,) = l1_assigner()([PredictionSet('direct', torch.zeros(0, 4, 2))], empty)
    assert pairs(matched) == [] and matched.spans.shape == (0, 2)


@pytest.mark.parametrize('value', [math.nan, math.inf])
def test_a_cost_that_is_not_finite_is_refused(value):
    predictions = PredictionSet('direct', torch.tensor([[[value, 0.1]]]))
    with pytest.raises(ValueError, match=r'cost is not finite: the model predicts NaN or infinity.*learning rate'):
        l1_assigner()([predictions], targets(TWO_TARGETS, torch.ones(1, 2, dtype=torch.bool)))
