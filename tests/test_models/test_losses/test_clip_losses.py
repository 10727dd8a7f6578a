"""Losses on the scores and probabilities of clips, by hand."""

import math

import pytest
import torch
from loss_data import (
    TILTED,
    X,
    Y,
    matched,
    outputs,
    predictions,
    tokens,
    truth,
    with_attention,
    with_boundaries,
    with_frame_probability,
)

from mmvmr.models import (
    BoundaryEvidenceLoss,
    ClipAttentionLoss,
    ClipAwareScoreLoss,
    ClipForegroundLoss,
    ExistenceLoss,
    FrameGuidanceLoss,
    MovingCount,
    PointFocalLoss,
    PointForegroundLoss,
    PointOffsetLoss,
    PooledAlignmentLoss,
    SaliencyMarginLoss,
    SaliencyNegativeLoss,
    SaliencyRankLoss,
)
from mmvmr.structures import Existence, Points

LN2, LN3, LN4 = math.log(2), math.log(3), math.log(4)


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        (dict(), 2 * (0.0 + 0.6) / 2),
        (dict(margin=1.0), 2 * (0.4 + 1.4) / 2),
        (dict(missing_low='zero'), 2 * (0.0 + 0.6 + 0.0) / 3),
        (dict(missing_low='zero', margin=1.0), 2 * (0.4 + 1.4 + 0.5) / 3),
    ],
)
def test_saliency_margin(options, expected):
    """Pairs (0.9, 0.3), (0.5, 0.9) and 0.5 without a lower clip; the last column is no pair at all.

    Hinges of margin 0.2: 0, 0.6 and, against the constant 0, 0; of margin 1: 0.4, 1.4 and 0.5.
    """
    found = outputs(saliency=[[0.9, 0.3, 0.5]])
    targets = truth([[]], clips=[[1, 0, 1]], pairs=[[[0, 2, 2, -1], [1, 0, -1, -1]]])
    assert SaliencyMarginLoss(**options)(found, targets).item() == pytest.approx(expected)


def test_saliency_margin_without_pairs():
    assert SaliencyMarginLoss()(outputs(saliency=[[0.9, 0.3]]), truth([[]])).item() == 0


#: exp(score / 0.5) is 3 and 1.
RANKED = [[0.5 * LN3, 0.0]]


@pytest.mark.parametrize(
    ('rating', 'options', 'expected'),
    [
        ([2, 0], dict(max_rating=3), 2 * 0.287682 / 3),  # -ln 3/4 for each of the ratings 1 and 2
        ([2, 0], dict(), 2 * 0.287682 / 12),
        ([2, 1], dict(max_rating=3), ((0.287682 + 1.386294) / 2 + 0.287682) / 3),  # both clips reach rating 1
        ([3, 0], dict(max_rating=3), 2 * 0.287682 / 3),  # ratings end at max_rating - 1
        ([1, 0], dict(max_rating=2, temperature=1.0), 0.455746 / 2),  # -ln(3^0.5 / (3^0.5 + 1))
        ([0, 0], dict(max_rating=3), 0.0),
    ],
)
def test_rank_contrast(rating, options, expected):
    found = SaliencyRankLoss(**options)(outputs(saliency=RANKED), truth([[]], saliency=[rating]))
    assert found.item() == pytest.approx(expected, abs=2e-6)


def test_rank_contrast_leaves_padding_out():
    targets = truth([[]], saliency=[[1, 0, 0]], mask=[[1, 1, 0]])
    found = SaliencyRankLoss(max_rating=2)(outputs(saliency=[[*RANKED[0], 5.0]]), targets)
    assert found.item() == pytest.approx(0.287682 / 2, abs=2e-6)


@pytest.mark.parametrize(
    ('option', 'real', 'expected'),
    [
        # With real negatives of exp 2 and 2 the first clip has 3 / 8, without 3 / 4; ratings 1 of 2.
        ('join', [1, 0, 0], (0.980829 + 0.287682 + 0.287682) / 6),
        ('added', [1, 0, 0], (0.980829 + 0.287682) / 2),
        ('ignored', [1, 0, 0], 0.980829 / 2),
        ('added', [1, 1, 0], 0.980829 / 2),  # a single one counts 0
        ('ignored', [0, 0, 0], 0.287682 / 2),
        ('added', [0, 0, 0], 0.287682 / 2),
        ('added', [1, 1, 1], 0.980829 / 2),
    ],
)
def test_rank_contrast_with_negatives(option, real, expected):
    found = outputs(saliency=RANKED * 3, negative_saliency=[[0.5 * LN2] * 2] * 3, real=real)
    loss = SaliencyRankLoss(max_rating=2, false_negatives=option)
    assert loss(found, truth([[]] * 3, saliency=[[1, 0]] * 3)).item() == pytest.approx(expected, abs=2e-6)
    alone = loss(outputs(saliency=RANKED), truth([[]], saliency=[[1, 0]]))
    assert alone.item() == pytest.approx(0.287682 / 2, abs=2e-6)


def test_rank_contrast_of_scores_far_apart():
    found = SaliencyRankLoss(max_rating=2)(
        outputs(saliency=[[100.0 + RANKED[0][0], 100.0], RANKED[0]]), truth([[], []], saliency=[[1, 0]] * 2)
    )
    assert found.item() == pytest.approx(0.287682 / 2, abs=5e-6)


def test_no_highlights_under_another_sentence():
    """-ln(1 - p) of 1/2 and 3/4: ln 2 + ln 4; the second video has no real negative, the third a shorter video."""
    scores = [[0.0, LN3], [5.0, 5.0], [0.0, 9.0]]
    targets = truth([[]] * 3, mask=[[1, 1], [1, 1], [1, 0]])
    found = outputs(saliency=scores, negative_saliency=scores, real=[1, 0, 1])
    assert SaliencyNegativeLoss()(found, targets).item() == pytest.approx((3 * LN2 + LN2) / 2)
    attended = with_attention(outputs(), [[0.5, 0.5]] * 3, [[0.5, 0.75], [0.9, 0.9], [0.5, 1.0]], [1, 0, 1])
    assert SaliencyNegativeLoss(scores='attention')(attended, targets).item() == pytest.approx((3 * LN2 + LN2) / 2)
    certain = with_attention(outputs(), [[0.5, 0.5]], [[1.0, 0.0]], [1])  # ln 10^6, not infinite
    assert SaliencyNegativeLoss(scores='attention')(certain, truth([[]])).item() == pytest.approx(13.82, abs=0.1)


@pytest.mark.parametrize(
    ('padding', 'expected'), [('exclude', (0.223144 + 0.287682) / 2), ('include', (0.223144 + 0.287682 + LN2) / 3)]
)
def test_clips_of_the_moment_attend_to_the_text(padding, expected):
    """-ln 0.8 inside, -ln 0.75 outside, and a padded clip of 0.5 outside."""
    found = with_attention(outputs(), [[0.8, 0.25, 0.5]])
    targets = truth([[]], saliency=[[3, 0, 0]], mask=[[1, 1, 0]])
    assert ClipAttentionLoss(padding=padding)(found, targets).item() == pytest.approx(expected, abs=1e-5)


def test_what_clip_losses_need():
    for loss in (SaliencyMarginLoss, SaliencyRankLoss):
        with pytest.raises(ValueError, match=f'{loss.__name__}.*attention'):
            loss(scores='attention')(outputs(saliency=[[0.0, 0.0]]), truth([[]]))
    with pytest.raises(ValueError, match='NegativePairEncoder'):
        SaliencyNegativeLoss()(outputs(saliency=[[0.0, 0.0]]), truth([[]]))


@pytest.mark.parametrize(
    ('described', 'expected'),
    [(None, 0.287682 + LN2 + LN4), ([1, 1, 1], 0.287682 + LN2 + LN4), ([1, 0, 0], 0.287682 * 2 + LN2)],
)
def test_existence(described, expected):
    """Probabilities 3/4, 1/2 and 1/4 that a sentence describes anything; without labels every one does."""
    targets = truth([[], [], []])
    targets.described = None if described is None else torch.tensor(described).bool()
    found = outputs()
    with pytest.raises(ValueError, match=r'^ExistenceLoss needs model\.existence_head'):
        ExistenceLoss()(found, targets)
    logits = torch.tensor([LN3, 0.0, -LN3])
    found.existence = Existence(logits, logits.sigmoid(), logits > 0)
    assert ExistenceLoss()(found, targets).item() == pytest.approx(expected / 3, rel=1e-5)


def atanh(row):
    return [[math.atanh(p)] for p in row]


#: Probability of a start and of an end for five clips with the middles 0.1, 0.3, 0.5, 0.7 and 0.9.
EVIDENCE = [[atanh([0.6, 0.8, 0.5, 0.5, 0.5])], [atanh([0.5] * 5)]]


@pytest.mark.parametrize(
    ('options', 'starts', 'ends'),
    [
        # Moment (0.3, 0.7): starts in (0.2, 0.34), ends in (0.66, 0.8): clips 1 and 3.
        (dict(), 0.223144 + (0.916291 + 3 * LN2) / 4, 2 * LN2),
        # Inwards up to 0.54 and down to 0.46: clips 1, 2 and 2, 3.
        (dict(inside=0.6), (0.223144 + LN2) / 2 + (0.916291 + 2 * LN2) / 3, 2 * LN2),
        # Outwards from -0.14: clips 0, 1.
        (dict(outside=1.1), (0.510826 + 0.223144) / 2 + LN2, 2 * LN2),
    ],
)
def test_evidence_of_boundaries(options, starts, ends):
    targets = truth([[[0.3, 0.7]]], clips=[[0, 1, 1, 1, 0]])
    found = BoundaryEvidenceLoss(**options)(with_boundaries(outputs(), EVIDENCE), targets)
    assert found.item() == pytest.approx((starts + ends) / 4, rel=1e-5)


def test_evidence_is_the_mean_over_channels():
    wide = [[[[1.5 * math.atanh(0.5), 0.0]] * 5] for _ in range(2)]
    mean = math.tanh(1.5 * math.atanh(0.5)) / 2
    targets = truth([[[0.3, 0.7]]], clips=[[0, 1, 1, 1, 0]])
    found = BoundaryEvidenceLoss()(with_boundaries(outputs(), wide), targets)
    assert found.item() == pytest.approx((-math.log(mean) - math.log(1 - mean)) / 2, rel=1e-5)


def test_evidence_of_several_moments_and_padding():
    """(0.88, 1) starts in (0.85, 0.892) and ends in (0.988, 1.03), where no clip is; a third moment is padding."""
    mask = [[1, 1, 1, 1, 1, 0]]
    evidence = [[atanh([0.6, 0.8, 0.5, 0.5, 0.5, 0.9])], [atanh([0.5] * 6)]]
    targets = truth([[[0.3, 0.7], [0.88, 1.0], [0.0, 1.0]]], clips=[[0, 1, 1, 1, 0, 0]], mask=mask)
    targets.span_mask[0, 2] = False
    found = BoundaryEvidenceLoss()(with_boundaries(outputs(), evidence), targets)
    starts = 0.223144 + (0.916291 + 3 * LN2) / 4
    assert found.item() == pytest.approx((starts + 2 * LN2) / 4, rel=1e-5)
    # Inwards up to 0.46, and for (0.49, 0.52) to 0.502: clips 1 and 2.
    targets = truth([[[0.3, 0.7], [0.49, 0.52]]], clips=[[0, 1, 1, 1, 0, 0]], mask=mask)
    found = BoundaryEvidenceLoss(inside=0.4)(with_boundaries(outputs(), evidence), targets)
    starts = (0.223144 + LN2) / 2 + (0.916291 + 2 * LN2) / 3
    assert found.item() == pytest.approx((starts + 2 * LN2) / 4, rel=1e-5)


@pytest.mark.parametrize(
    ('grid', 'starts', 'ends'),
    [
        ('valid', 0.223144 + (0.916291 + 3 * LN2) / 4, 2 * LN2),
        # The middles of six clips, 1/12, 3/12, ...: clips 1 and 4; padding counts twice among the 5 + 1 others.
        ('padded', 0.223144 + (0.916291 + 3 * LN2) / 6, LN2 + 4 * LN2 / 6),
    ],
)
def test_evidence_of_a_batch(grid, starts, ends):
    """The first video has five of six clips; the second one has no moment, and evidence 0.5 everywhere."""
    evidence = [[atanh([0.6, 0.8, 0.5, 0.5, 0.5, 0.9]), atanh([0.5] * 6)], [atanh([0.5] * 6)] * 2]
    targets = truth([[[0.3, 0.7]], []], clips=[[0, 1, 1, 1, 0, 0], [0] * 6], mask=[[1, 1, 1, 1, 1, 0], [1] * 6])
    found = BoundaryEvidenceLoss(grid=grid)(with_boundaries(outputs(), evidence), targets)
    assert found.item() == pytest.approx((starts + ends + 2 * LN2) / 8, rel=1e-5)


def test_evidence_at_the_very_ends_of_its_reach():
    """Clips with the middles 1/8, 3/8, 5/8 and 7/8, an eighth away from a moment of (1/4, 3/4), out and in."""
    targets = truth([[[0.25, 0.75]]], clips=[[0, 1, 1, 0]])
    start, end = BoundaryEvidenceLoss(inside=0.25, outside=0.25).positives(targets)
    assert (start.tolist(), end.tolist()) == ([[True, True, False, False]], [[False, False, True, True]])
    # Where a clip would follow, 9/8 is an eighth after a moment that ends with the video.
    targets = truth([[[0.5, 1.0]]], clips=[[0, 0, 1, 1, 0]], mask=[[1, 1, 1, 1, 0]])
    start, end = BoundaryEvidenceLoss(inside=0.25, outside=0.25).positives(targets)
    assert (start.tolist(), end.tolist()) == ([[False, True, True, False, False]], [[False, False, False, True, False]])


@pytest.mark.parametrize(
    ('options', 'exists', 'expected'),
    [
        (dict(), [1, 1, 1, 1], 0.6),  # 1 - 0.7 + 0.3
        (dict(target=0.0), [1, 1, 1, 1], -0.4),
        (dict(), [1, 1, 1, 0], 0.5),  # 1 - 0.7 + 0.2
        (dict(), [1, 0, 0, 1], 0.6),  # 1 - 0.8 + 0.4
        (dict(), [1, 1, 0, 0], 0.3),  # nothing outside
    ],
)
def test_frame_guidance(options, exists, expected):
    """The second video has no clip inside a moment and does not count."""
    found = with_frame_probability(outputs(), [[0.8, 0.6, 0.2, 0.4]] * 2, [exists, [1] * 4])
    targets = truth([[], []], clips=[[1, 1, 0, 0], [0, 0, 0, 0]])
    assert FrameGuidanceLoss(**options)(found, targets).item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ('options', 'videos', 'expected'),
    [
        # Cosines 1, 0.6 and 0, 0.8: 0.6 - 1 and 0 - 0.8.
        (dict(temperature=1.0), [0, 1], -0.6),
        (dict(temperature=0.5), [0, 1], -1.2),
        (dict(), [0, 1], -0.6 / 0.07),
        (dict(temperature=1.0), [3, 3], 0.0),  # the other sentence is about the same video
        (dict(temperature=1.0, same_video='include'), [3, 3], -0.6),
        # ln(1 + exp(-0.4)) and ln(1 + exp(-0.8))
        (dict(temperature=1.0, denominator='all'), [0, 1], (0.513015 + 0.371101) / 2),
        (dict(temperature=1.0, denominator='all'), [3, 3], 0.0),
    ],
)
def test_pooled_alignment(options, videos, expected):
    found = outputs(video=tokens([[X], [Y]]), text=tokens([[X], [TILTED]]))
    targets = truth([[], []], clips=[[0], [0]], videos=videos)
    assert PooledAlignmentLoss(2, **options)(found, targets).item() == pytest.approx(expected, abs=1e-5)


#: Points of foreground 3/4 (with a target), 1/2 and, where the third one exists, 9/10.
POINTS = [[[LN3], [0.0], [math.log(9)]]]


@pytest.mark.parametrize(
    ('options', 'expected'),
    [(dict(), (0.287682 + 0.1 * LN2) / 2), (dict(background_weight=0.5), (0.287682 + 0.5 * LN2) / 2)],
)
def test_foreground_of_points_and_of_clips(options, expected):
    points = predictions([[[0.5, 0.2]] * 3], 'point', logits=POINTS, mask=[[True, True, False]], final=True)
    targets = truth([[[0.4, 0.6]]], clips=[[1, 0, 0]], mask=[[1, 1, 0]])
    loss = PointForegroundLoss(**options)
    assert loss.accepts(points)
    assert loss(points, matched([(0, 0, 0)], targets), targets).item() == pytest.approx(expected, rel=1e-5)
    assert ClipForegroundLoss(**options)(outputs(sets=[points]), targets).item() == pytest.approx(expected, rel=1e-5)
    points.mask = None  # the third point exists: -0.1 ln 0.1 more, over three
    assert PointForegroundLoss()(points, matched([(0, 0, 0)], targets), targets).item() == pytest.approx(
        (0.287682 + 0.1 * LN2 + 0.230259) / 3, rel=1e-5
    )


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        # Label 0.9: -0.9 ln 0.75 - 0.1 ln 0.25 = 0.397543, right with 0.9 x 0.75 + 0.1 x 0.25 = 0.7.
        # Label 0.1: ln 2, right with 0.5.
        (dict(), 0.5 * 0.397543 * 0.09 + 0.5 * LN2 * 0.25),
        (dict(alpha=0.75), 0.75 * 0.397543 * 0.09 + 0.25 * LN2 * 0.25),
        (dict(gamma=1.0), 0.5 * 0.397543 * 0.3 + 0.5 * LN2 * 0.5),
        (dict(smoothing=0.0), 0.5 * 0.287682 * 0.0625 + 0.5 * LN2 * 0.25),
        (dict(smoothing=0.0, alpha=None, normalizer='points'), (0.287682 * 0.0625 + LN2 * 0.25) / 2),
        (dict(normalizer=dict(type='MovingCount', initial=10.0)), (0.5 * 0.397543 * 0.09 + 0.5 * LN2 * 0.25) / 10),
    ],
)
def test_focal_loss_of_points(options, expected):
    points = predictions([[[0.5, 0.2]] * 3], 'point', logits=POINTS, mask=[[True, True, False]])
    targets = truth([[[0.4, 0.6]]])
    found = PointFocalLoss(**options)(points, matched([(0, 0, 0)], targets), targets)
    assert found.item() == pytest.approx(expected, rel=1e-5)


def points_of(centers, sizes):
    centers, sizes = torch.tensor([centers]), torch.tensor([sizes])
    return Points(centers, sizes, torch.zeros_like(sizes), torch.ones_like(sizes))


def test_offsets_count_in_sizes_of_the_point():
    # Windows 0.4 to 0.6 and 0.2 to 0.8 against 0.3 to 0.6, for points of size 0.1 and 0.2.
    found = predictions([[[0.5, 0.2], [0.5, 0.6]]], 'point', logits=[[[0.0], [0.0]]])
    found.points = points_of([0.5, 0.5], [0.1, 0.2])
    targets = truth([[[0.3, 0.6]]], clips=[[0] * 10])
    pairs = matched([(0, 0, 0), (0, 1, 0)], targets)
    first, second = (1 + 0) / 2, (0.5 + 1) / 2
    assert PointOffsetLoss()(found, pairs, targets).item() == pytest.approx((first + second) / 2, rel=1e-5)
    weighed = PointOffsetLoss(pair_weight=dict(type='ShortMomentWeight', sigma=3.0))  # a moment of 3 of 10 clips
    expected = (first + second) / 2 * (1 + math.exp(-0.5))
    assert weighed(found, pairs, targets).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ('padding', 'expected'),
    [
        # Logits 1, 3, 5 | 2, 4 become 0, 1/2, 1 | 1/4, 3/4; ratings 0, 2, 4 | 0, 0 become 0, 1/2, 1 | 0, 0.
        ('exclude', (1 / 16 + 9 / 16) / 5),
        # The padded clip has logit 9: 0, 1/4, 1/2 | 1/8, 3/8, 1.
        ('include', (1 / 16 + 1 / 4 + 1 / 64 + 9 / 64 + 1) / 6),
    ],
)
def test_scores_have_the_shape_of_ratings(padding, expected):
    logits = [[[1.0], [3.0], [5.0], [7.0]], [[2.0], [4.0], [9.0], [7.0]]]  # the last point is of a coarser level
    found = outputs(sets=[predictions([[[0.5, 0.2]] * 4] * 2, 'point', logits=logits, final=True)])
    targets = truth([[], []], saliency=[[0.0, 2.0, 4.0], [0.0, 0.0, 0.0]], mask=[[1, 1, 1], [1, 1, 0]])
    assert ClipAwareScoreLoss(padding=padding)(found, targets).item() == pytest.approx(expected, rel=1e-5)


def test_scores_have_no_shape_where_nothing_is_rated():
    found = outputs(sets=[predictions([[[0.5, 0.2]] * 2], 'point', logits=[[[0.0], [1.0]]], final=True)])
    targets = truth([[]], saliency=[[0.0, 0.0]])
    assert ClipAwareScoreLoss()(found, targets).item() == pytest.approx(0.5)
    found.memory.levels = [tokens([[[1.0]]])]
    with pytest.raises(ValueError, match='needs a point per clip'):
        ClipAwareScoreLoss()(found, targets)


def test_moving_count():
    count = MovingCount(initial=4.0, momentum=0.5).train()
    assert count.divide(torch.tensor(8.0), 10).item() == 2  # by the average of the steps before
    assert count.divide(torch.tensor(14.0), 0).item() == 2  # by (4 + 10) / 2
    assert count.divide(torch.tensor(8.0), 0).item() == 2  # by (7 + 1) / 2: no points count as one
    count.eval()
    assert [count.divide(torch.tensor(5.0), 9).item() for _ in range(2)] == [2, 2]  # by (4 + 1) / 2, which stays
    assert MovingCount(initial=10.0).train().momentum == 0.9


def test_moving_count_of_two_processes(monkeypatch):
    import mmvmr.models.losses.point_losses as module

    monkeypatch.setattr(module, 'num_processes', lambda: 2)
    monkeypatch.setattr(module, 'mean_over_ranks', lambda count: (count + 7) / 2)  # the other process has 7 points
    count = MovingCount(initial=4.0, momentum=0.5).train()
    assert count.divide(torch.tensor(8.0), 3).item() == 4  # 2 x 8 / 4: the mean over the processes divides by 2
    assert count.value.item() == 7  # (4 + 3 + 7) / 2: the points of both
