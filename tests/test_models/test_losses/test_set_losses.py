"""Losses on spans and scores of prediction sets, by hand."""

import dataclasses
import math

import pytest
import torch
from loss_data import matched, predictions, truth, with_partners

from mmvmr.models import (
    BalancedQualityLoss,
    FocalForegroundLoss,
    ForegroundErrorLoss,
    ForegroundLoss,
    QualityLoss,
    QualityMarginLoss,
    ShortMomentWeight,
    SpanGIoULoss,
    SpanIoULoss,
    SpanL1Loss,
)

LN3, LN4 = math.log(3), math.log(4)
#: Two targets, three pairs: (0.4, 0.6) with (0, 0.6), (0.7, 1.1) with (0.4, 0.6), (0, 0.6) with (0.1, 0.7).
TARGETS = truth([[[0.0, 0.6], [0.4, 0.6]], [[0.1, 0.7]]])
SPANS = predictions([[[0.5, 0.2], [0.9, 0.4]], [[0.3, 0.6], [0.1, 0.1]]])
PAIRS = [(0, 0, 0), (0, 1, 1), (1, 0, 0)]


@pytest.mark.parametrize(
    ('loss', 'total'),
    [
        # (0.2 + 0.4) / 2 + (0.4 + 0.2) / 2 + (0.1 + 0) / 2
        (SpanL1Loss, 0.65),
        (lambda **k: SpanL1Loss(coordinates='sum', **k), 1.3),
        # Starts and ends: (0.4 + 0) / 2 + (0.3 + 0.5) / 2 + (0.1 + 0.1) / 2
        (lambda **k: SpanL1Loss(windows=True, **k), 0.7),
        # Halves of the squares: (0.04 + 0.16) / 4 + (0.16 + 0.04) / 4 + 0.01 / 4
        (lambda **k: SpanL1Loss(beta=1.0, **k), 0.1025),
        # Above 0.05, 0.025 less: (0.175 + 0.375) / 2 + (0.375 + 0.175) / 2 + 0.075 / 2
        (lambda **k: SpanL1Loss(beta=0.05, **k), 0.5875),
        # IoU 1/3; apart, union 0.6 in a hull of 0.7; IoU 0.5 / 0.7: 1 - 1/3, 1 + 1/7, 1 - 5/7
        (SpanGIoULoss, 44 / 21),
        (lambda **k: SpanIoULoss(distance='none', **k), 2 / 3 + 1 + 2 / 7),
        # and the squares of 0.2 / 0.6, 0.4 / 0.7 and 0.1 / 0.7
        (SpanIoULoss, 2 / 3 + 1 + 2 / 7 + 1 / 9 + 16 / 49 + 1 / 49),
    ],
)
def test_span_losses(loss, total):
    pairs = matched(PAIRS, TARGETS)
    fewer = dataclasses.replace(TARGETS, span_mask=torch.tensor([[True, False], [True, False]]))
    for targets, count in ((TARGETS, 3), (fewer, 2)):  # noised copies can make more pairs than there are targets
        assert loss()(SPANS, pairs, targets).item() == pytest.approx(total / 3, rel=1e-5)
        assert loss(normalizer='pairs')(SPANS, pairs, targets).item() == pytest.approx(total / 3, rel=1e-5)
        assert loss(normalizer='targets')(SPANS, pairs, targets).item() == pytest.approx(total / count, rel=1e-5)


@pytest.mark.parametrize('loss', [SpanL1Loss, SpanGIoULoss, SpanIoULoss])
def test_short_moments_weigh_more(loss):
    # Four clips in the first video and two in the second: moments of 2.4, 0.8 and 1.2 clips.
    targets = dataclasses.replace(TARGETS, clip_mask=torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]).bool())
    pairs = matched(PAIRS, targets)
    weights = [1 + 0.5 * math.exp(-(length**2) / 8) for length in (2.4, 0.8, 1.2)]
    single = [loss()(SPANS, matched([pair], targets), targets).item() for pair in PAIRS]
    weighed = loss(pair_weight=dict(type='ShortMomentWeight', sigma=2.0, extra=0.5))(SPANS, pairs, targets)
    assert weighed.item() == pytest.approx(sum(w * x for w, x in zip(weights, single)) / 3, rel=1e-5)


def test_short_moment_weight_by_hand():
    targets = truth([[[0.0, 0.5]]], mask=[[1] * 60], clips=[[0] * 60])
    weight = ShortMomentWeight(sigma=30.0)(matched([(0, 0, 0)], targets), targets)
    assert weight.tolist() == pytest.approx([1.606531])  # 1 + exp(-1 / 2): 30 clips
    for wrong in (dict(sigma=0.0), dict(sigma=1.0, extra=-1.0)):
        with pytest.raises(ValueError, match='expected sigma > 0 and extra > -1'):
            ShortMomentWeight(**wrong)


def test_a_moving_count_divides():
    loss = SpanL1Loss(normalizer=dict(type='MovingCount', initial=5.0)).train()
    pairs = matched(PAIRS, TARGETS)
    assert loss(SPANS, pairs, TARGETS).item() == pytest.approx(0.13)  # 0.65 / 5
    assert loss(SPANS, pairs, TARGETS).item() == pytest.approx(0.65 / 4.8)  # 0.9 x 5 + 0.1 x 3
    loss.eval()
    for _ in range(2):  # 0.9 x 4.8 + 0.1 x 3
        assert loss(SPANS, pairs, TARGETS).item() == pytest.approx(0.65 / 4.62)


@pytest.mark.parametrize('loss', [SpanL1Loss, SpanGIoULoss, SpanIoULoss])
@pytest.mark.parametrize('normalizer', ['pairs', 'targets'])
def test_no_pairs_cost_nothing_and_keep_the_graph(loss, normalizer):
    found = predictions([[[0.5, 0.2]]])
    found.spans.requires_grad_()
    nothing = truth([[]])
    value = loss(normalizer=normalizer)(found, matched([], nothing), nothing)
    value.backward()
    assert value == 0 and not found.spans.grad.any()


def test_which_sets_a_loss_accepts():
    kinds = (('direct', True), ('direct', False), ('noise', False))
    sets = [predictions([[[0.5, 0.2]]], name, final=final) for name, final in kinds]
    assert [SpanL1Loss().accepts(s) for s in sets] == [True, True, False]
    assert [SpanL1Loss(final_only=True).accepts(s) for s in sets] == [True, False, False]
    assert [SpanL1Loss(sets=['noise', 'init']).accepts(s) for s in sets] == [False, False, True]
    assert SpanL1Loss().weight == 1 and SpanL1Loss(weight=10).weight == 10


#: The first query has a pair: foreground 3/4; the second has none: background 4/5.
SCORED = predictions([[[0.5, 0.2], [0.9, 0.4]]], logits=[[[LN3, 0.0], [0.0, LN4]]])
ONE = truth([[[0.4, 0.6]]])


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        (dict(), 0.154998),  # (-ln 0.75 - 0.1 ln 0.8) / 2
        (dict(background_weight=0.5), 0.199627),
        (dict(background_weight=1.0), 0.255413),
    ],
)
def test_cross_entropy_is_divided_by_the_number_of_queries(options, expected):
    assert ForegroundLoss(**options)(SCORED, matched([(0, 0, 0)], ONE), ONE).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        # Logits of the right class -ln 0.75 x 0.25^2 and -ln 0.8 x 0.2^2, by 0.25; two logits of 0: 0.75 ln 2 / 4.
        (dict(), (0.25 * (0.287682 * 0.0625 + 0.223144 * 0.04) + 2 * 0.75 * 0.693147 / 4) / 4),
        (dict(alpha=1.0, gamma=0.0), (0.287682 + 0.223144) / 4),
        (dict(alpha=0.0, gamma=1.0), 0.693147 / 4),
    ],
)
def test_focal_loss(options, expected):
    found = FocalForegroundLoss(**options)(SCORED, matched([(0, 0, 0)], ONE), ONE)
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_error_rate_is_in_percent_of_the_pairs():
    scored = predictions([[[0.5, 0.2]] * 4], logits=[[[1.0, 0.0], [0.0, 1.0], [2.0, 1.0], [0.0, 9.0]]])
    targets = truth([[[0.4, 0.6]] * 3])
    loss = ForegroundErrorLoss()
    assert loss(scored, matched([(0, 0, 0), (0, 1, 1), (0, 2, 2)], targets), targets).item() == pytest.approx(100 / 3)
    assert loss(scored, matched([(0, 1, 0)], targets), targets).item() == 100
    assert loss(scored, matched([], targets), targets).item() == 0


def test_quality_follows_the_best_overlap():
    """(0, 0.4) reaches 0.5 with (0, 0.8) and 0 with the other; (0.5, 1) reaches 0.3 and 0.4 with (0.8, 1)."""
    rated = predictions([[[0.2, 0.4], [0.75, 0.5]]], quality=[[0.9, 0.1]])
    targets = truth([[[0.0, 0.8], [0.8, 1.0]]])
    pairs = matched([(0, 0, 0)], targets)
    assert QualityLoss()(rated, pairs, targets).item() == pytest.approx(0.35)  # (0.4 + 0.3) / 2
    assert QualityLoss(matched_weight=3.0)(rated, pairs, targets).item() == pytest.approx(0.75)  # (1.2 + 0.3) / 2
    targets.span_mask[0, 1] = False  # padding is not overlapped: 0.3 is the best of the second one
    assert QualityLoss()(rated, pairs, targets).item() == pytest.approx(0.3)  # (0.4 + 0.2) / 2


#: Overlaps 0.8; 0.5 and 0.4; 0.125 with (0, 1). Errors 0.1; 0.2 and 0.4; 0.3.
BUCKETS = predictions([[[0.4, 0.8], [0.25, 0.5], [0.2, 0.4], [0.0625, 0.125]]], quality=[[0.9, 0.7, 0.8, 0.425]])
WHOLE = truth([[[0.0, 1.0]]])


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        (dict(), (0.1 + 0.3 + 0.3) / 3),
        (dict(low=0.5), (0.1 + 0.0 + (0.2 + 0.4 + 0.3) / 3) / 3),  # 0.5 itself is low; no one is in the middle
        (dict(high=0.5), (0.1 + 0.3 + 0.3) / 3),  # 0.5 itself is not high
        (dict(high=0.49), ((0.1 + 0.2) / 2 + 0.4 + 0.3) / 3),
        (dict(low=0.125), (0.1 + 0.3 + 0.3) / 3),
        (dict(low=0.1), (0.1 + (0.2 + 0.4 + 0.3) / 3 + 0.0) / 3),  # no one is low
    ],
)
def test_quality_in_buckets(options, expected):
    found = BalancedQualityLoss(**options)(BUCKETS, matched([], WHOLE), WHOLE)
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_quality_in_buckets_counts_what_exists_inside_the_video():
    rated = predictions([[[0.4, 0.8], [0.25, 0.5], [0.2, 0.4], [0.0, 0.25]]], quality=[[0.9, 0.7, 0.8, 0.425]])
    rated.mask = torch.tensor([[True, False, True, True]])
    # (-0.125, 0.125) is cut to (0, 0.125); the middle bucket holds 0.4 alone.
    found = BalancedQualityLoss()(rated, matched([], WHOLE), WHOLE)
    assert found.item() == pytest.approx((0.1 + 0.4 + 0.3) / 3, abs=1e-6)


def test_noised_copies_keep_their_margin():
    """0.3 lies 0.5 below 0.8: enough. 0.4 lies 0.1 below 0.5: 0.3 too near."""
    noise = with_partners(predictions([[[0.5, 0.2]] * 4], 'noise', quality=[[0.8, 0.3, 0.5, 0.4]]), [[1, -1, 3, -1]])
    loss = QualityMarginLoss()
    assert loss.accepts(noise) and not loss.accepts(SCORED)
    assert loss(noise, matched([], ONE), ONE).item() == pytest.approx(0.15)
    assert QualityMarginLoss(margin=0.6)(noise, matched([], ONE), ONE).item() == pytest.approx(0.3)  # 0.1 and 0.5
    each_other = with_partners(predictions([[[0.5, 0.2]] * 2], 'noise', quality=[[0.4, 0.5]]), [[1, 0]])
    assert loss(each_other, matched([], ONE), ONE).item() == pytest.approx((0.5 + 0.3) / 2)
    alone = with_partners(predictions([[[0.5, 0.2]]], 'noise', quality=[[0.8]]), [[-1]])
    assert loss(alone, matched([], ONE), ONE).item() == 0
    # Without a quality the foreground counts: 3/4 and 1/5, 0.55 apart.
    scored = with_partners(predictions([[[0.5, 0.2]] * 2], 'noise', logits=[[[LN3, 0.0], [0.0, LN4]]]), [[1, -1]])
    assert QualityMarginLoss(margin=0.6)(scored, matched([], ONE), ONE).item() == pytest.approx(0.05, abs=1e-6)
