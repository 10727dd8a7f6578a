"""Losses that compare videos, moments, clips and sentences, by hand.

Two samples, in the plane: what belongs to the video points along X and Y, the sentences along X and TILTED. A video
has the cosines 1, 0.6 and 0, 0.8 with both sentences.
"""

import dataclasses
import math

import pytest
from loss_data import (
    TILTED,
    X,
    Y,
    outputs,
    predictions,
    tokens,
    truth,
    with_alignment,
    with_candidates,
    with_classes,
    with_sentence,
    with_similarity,
)

from mmvmr.models import (
    AttentionDistillLoss,
    ClipClassLoss,
    ClipSentenceLoss,
    ClipTextInterLoss,
    ClipTextIntraLoss,
    ClipTextLocalLoss,
    MomentClipLoss,
    MomentDummyLoss,
    MomentSentenceLoss,
    MomentToSentenceLoss,
    OrthogonalTokenLoss,
    ProposalIoULoss,
    SentenceToMomentLoss,
    VideoSentenceLoss,
    VideoTextContrastiveLoss,
)
from mmvmr.models.losses.clip_text_losses import positive_clips

LN2, LN3 = math.log(2), math.log(3)
#: -log softmax of the own sentence: ln(1 + exp(-0.4)) and ln(1 + exp(-0.8)) ...
ROWS = (0.513015 + 0.371101) / 2
#: ... and of the own video: ln(1 + exp(-1)) and ln(1 + exp(-0.2)).
COLUMNS = (0.313262 + 0.598139) / 2
BOTH = truth([[], []], clips=[[0], [0]])


def pair(**options):
    return outputs(video=tokens([[X], [Y]]), text=tokens([[X], [TILTED]]), **options)


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        (dict(temperature=1.0), (ROWS + COLUMNS) / 2),
        (dict(temperature=1.0, learnable=False), (ROWS + COLUMNS) / 2),
        (dict(temperature=0.1, max_scale=1.0), (ROWS + COLUMNS) / 2),
        # Twice the cosines: ln(1 + exp(-0.8)), ln(1 + exp(-1.6)) and ln(1 + exp(-2)), ln(1 + exp(-0.4)).
        (dict(temperature=0.5), (0.371101 + 0.183900 + 0.126928 + 0.513015) / 4),
    ],
)
def test_videos_and_sentences(options, expected):
    assert VideoTextContrastiveLoss(**options)(pair(), BOTH).item() == pytest.approx(expected, abs=1e-5)


def test_videos_and_pooled_sentences():
    found = with_sentence(outputs(video=tokens([[X], [Y]]), text=tokens([[Y], [X]])), [X, TILTED])
    loss = VideoTextContrastiveLoss(temperature=1.0, sentence='token')
    assert loss(found, BOTH).item() == pytest.approx((ROWS + COLUMNS) / 2, abs=1e-5)


def test_default_temperature_and_bound():
    loss = VideoTextContrastiveLoss()
    assert loss.log_scale.exp().item() == pytest.approx(1 / 0.07)
    assert loss.max_scale == 100 and loss.log_scale.requires_grad
    assert not list(VideoTextContrastiveLoss(learnable=False).parameters())


@pytest.mark.parametrize('padding', ['exclude', 'include'])
def test_means_of_videos_and_sentences(padding):
    """The mean of X and Y over what exists is X, over everything it lies between both; lengths do not matter."""
    mask = [[True, False], [True, True]]
    found = outputs(
        video=tokens([[X, [0.0, 1.0]], [[0.0, 2.0], [0.0, 4.0]]], mask), text=tokens([[X, Y], [Y, Y]], mask)
    )
    targets = truth([[], []], clips=[[0, 0], [0, 0]], mask=[[1, 0], [1, 1]])
    cosine = 0.0 if padding == 'exclude' else math.sqrt(0.5)
    loss = VideoTextContrastiveLoss(temperature=1.0, padding=padding)
    assert loss(found, targets).item() == pytest.approx(math.log1p(math.exp(cosine - 1)), rel=1e-5)
    # After the fusion the first sentence is Y as well: each choice is one of two.
    found.memory.text = tokens([[Y, Y], [Y, Y]], mask)
    loss = VideoTextContrastiveLoss(stage='after', temperature=1.0, padding=padding)
    rows, columns = LN2, sum(math.log1p(math.exp(sign * (1 - cosine))) for sign in (-1, 1)) / 2
    assert loss(found, targets).item() == pytest.approx((rows + columns) / 2, rel=1e-5)


def test_videos_and_sentences_of_uvcom():
    found = with_similarity(outputs(), video=[X, Y], clips=[[X], [Y]], sentence=[X, TILTED])
    assert VideoSentenceLoss()(found, BOTH).item() == pytest.approx((ROWS + COLUMNS) / 2, abs=1e-5)


@pytest.mark.parametrize(
    ('options', 'mask', 'expected'),
    [
        # Cosines 1, 0.6 and 0 (X, TILTED, Y with X); e = 2.718282, exp(0.6) = 1.822119, sum 5.540401.
        (dict(), [1, 1, 1], (0.712066 + 1.112066) / 3),
        (dict(), [1, 1, 0], (0.513015 + 0.913015) / 2),
        (dict(padding='include'), [1, 1, 0], (0.712066 + 1.112066) / 3),
        (dict(windows='first'), [1, 1, 1], 1.112066 / 3),  # from int(0.4 x 3) to int(0.7 x 3): clip 1
    ],
)
def test_clips_of_the_moment_are_closest(options, mask, expected):
    found = with_similarity(outputs(), video=[X], clips=[[X, TILTED, Y]], sentence=[X])
    targets = truth([[[0.4, 0.7], [0.0, 1.0]]], clips=[[1, 1, 0]], mask=[mask])
    assert ClipSentenceLoss(**options)(found, targets).item() == pytest.approx(expected, abs=1e-5)


#: Clips of cosine 1, 0 and 0.6 with the sentence.
CLIPS = outputs(video=tokens([[X, Y, TILTED]]), text=tokens([[[2.0, 0.0], [4.0, 0.0]]]))


@pytest.mark.parametrize(
    ('options', 'mask', 'expected'),
    [
        # ln(1 + exp(-1)) inside, ln 2 and ln(1 + exp(0.6)) outside
        (dict(), [1, 1, 1], (0.313262 + LN2 + 1.037488) / 3),
        (dict(), [1, 1, 0], (0.313262 + LN2) / 2),
        (dict(padding='include'), [1, 1, 0], (0.313262 + 2 * LN2) / 3),
        (dict(temperature=0.5), [1, 1, 0], (0.126928 + LN2) / 2),
        # The mean of unit vectors is one; of tokens as they are it has length 3, and is made one all the same.
        (dict(sentence='unit_mean'), [1, 1, 0], (0.313262 + LN2) / 2),
    ],
)
def test_clips_are_part_of_the_moment(options, mask, expected):
    targets = truth([[[0.0, 0.3]]], clips=[[1, 0, 0]], mask=[mask])
    loss = ClipTextLocalLoss(**{'stage': 'before', 'temperature': 1.0, **options})
    assert loss(CLIPS, targets).item() == pytest.approx(expected, abs=1e-5)


def test_clips_of_the_finest_level():
    """Those of a pyramid, whose padding may be longer: X, Y with the sentence X."""
    found = outputs(video=tokens([[Y, X]]), text=tokens([[X]]))
    targets = truth([[[0.0, 0.5]]], clips=[[1, 0]])
    loss = ClipTextLocalLoss(stage='levels', sentence='mean', temperature=1.0)
    with pytest.raises(ValueError, match=r"^stage='levels' needs an encoder that makes levels"):
        loss(found, targets)
    found.memory.levels = [tokens([[X, Y, TILTED]])]
    assert loss(found, targets).item() == pytest.approx((0.313262 + LN2) / 2, abs=1e-5)


@pytest.mark.parametrize('rating', [0.0, 0.5])
def test_the_clip_of_a_moment_counts_if_anything_is_rated(rating):
    clip, valid = positive_clips(truth([[[0.5, 1.0]]], clips=[[0, 1]], saliency=[[0.0, rating]]))
    assert (clip.tolist(), valid.tolist()) == ([1], [rating > 0])


def test_sentences_of_different_kinds():
    """Tokens X and Y: their mean, and of unit length or not; a token of the encoder after the fusion."""
    found = with_sentence(outputs(video=tokens([[X]]), text=tokens([[X, [0.0, 3.0]]])), [[0.0, 5.0]])
    targets = truth([[[0.0, 1.0]]], clips=[[1]])
    for options, cosine in (
        (dict(stage='before'), 1 / math.sqrt(10)),
        (dict(stage='before', sentence='unit_mean'), 0.5),
        (dict(stage='after'), 0.0),
        (dict(stage='after', sentence='mean'), 1 / math.sqrt(10)),
    ):
        value = ClipTextLocalLoss(temperature=1.0, **options)(found, targets).item()
        assert value == pytest.approx(math.log1p(math.exp(-cosine)), rel=1e-5)


@pytest.mark.parametrize(
    ('saliency', 'pairs', 'mask', 'expected'),
    [
        # Clip 0 against 1 and 2: 1 against 0 and 0.6.
        ([3, 0, 0], [[0], [1]], [1, 1, 1], 0.712066),
        ([3, 0, 3], [[0], [1]], [1, 1, 1], 0.313262),  # as highly rated as clip 0: takes no part
        ([3, 0, 2], [[0], [1]], [1, 1, 1], 0.712066),  # lower rated
        ([3, 0, 0], [[0], [1]], [1, 1, 0], 0.313262),
        ([3, 2, 0], [[0, 1], [2, 2]], [1, 1, 1], 1.037488),  # the last pair: 0 against 0.6
        ([1, 0, 3], [[-1], [-1]], [1, 1, 1], 1.112066),  # without a pair the best rated: 0.6 against 1 and 0
        ([0, 0, 0], [[-1], [-1]], [1, 1, 1], 0.0),
    ],
)
def test_a_clip_against_lower_rated_ones(saliency, pairs, mask, expected):
    targets = truth([[[0.0, 1.0]]], saliency=[saliency], pairs=[pairs], mask=[mask])
    loss = ClipTextIntraLoss(stage='before', temperature=1.0)
    assert loss(CLIPS, targets).item() == pytest.approx(expected, abs=1e-5)


def test_a_clip_against_those_of_other_videos_at_its_index():
    """Each clip under the sentence of its own video, X for both: 1, 0 and 0.6, 1."""
    found = outputs(video=tokens([[X, Y], [TILTED, X]]), text=tokens([[X], [X]]))
    targets = truth([[[0.0, 0.5]]] * 2, saliency=[[3, 0], [3, 0]], pairs=[[[0], [1]]] * 2)
    options = dict(stage='before', temperature=1.0)
    # Own video: 1 against 0, 0.6 against 1. Column 0 over both videos: 1 against 0.6, and 0.6 against 1.
    clips, batch = (0.313262 + 0.913015) / 2, (0.513015 + 0.913015) / 2
    for directions, expected in ((['clips'], clips), (['batch'], batch), (['clips', 'batch'], clips + batch)):
        loss = ClipTextIntraLoss(directions=directions, **options)
        assert loss(found, targets).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        (dict(), ROWS + COLUMNS),
        (dict(directions=['texts']), ROWS),
        (dict(directions=['clips']), COLUMNS),
        (dict(directions=['texts'], temperature=0.5), (0.371101 + 0.183900) / 2),
    ],
)
def test_clips_and_sentences_of_the_batch(options, expected):
    targets = truth([[[0.0, 1.0]]] * 2, saliency=[[3], [3]])
    loss = ClipTextInterLoss(**{'stage': 'before', 'temperature': 1.0, **options})
    assert loss(pair(), targets).item() == pytest.approx(expected, abs=1e-5)


def test_a_sample_without_a_moment_gives_its_sentence_only():
    """Its sentence may be taken for that of the other clip; its clip is no candidate."""
    targets = truth([[[0.0, 1.0]], []], saliency=[[3], [0]])
    loss = ClipTextInterLoss(stage='before', temperature=1.0, directions=['texts'])
    assert loss(pair(), targets).item() == pytest.approx(0.513015, abs=1e-5)
    loss = ClipTextInterLoss(stage='before', temperature=1.0, directions=['clips'])
    assert loss(pair(), targets).item() == pytest.approx(0.0, abs=1e-5)


def test_clips_choose_their_class():
    """Names X and Y; TILTED has 0.6 and 0.8 with them."""
    found = with_classes(outputs(video=tokens([[TILTED, X]]), text=tokens([[X]])), [[2.0, 0.0], [0.0, 3.0]])
    for label, temperature, expected in ((1, 1.0, 0.598139), (0, 1.0, 0.798139), (1, 0.5, 0.513015)):
        targets = truth([[[0.0, 0.5]]], saliency=[[3, 0]], pairs=[[[0], [1]]], classes=[label])
        loss = ClipClassLoss(temperature=temperature)
        assert loss(found, targets).item() == pytest.approx(expected, abs=1e-5)
    with pytest.raises(ValueError, match='class_text'):
        ClipClassLoss()(found, dataclasses.replace(targets, classes=None))
    with pytest.raises(ValueError, match='ClipClassLoss needs PooledText, which is written by SentencePoolEncoder'):
        ClipClassLoss()(outputs(video=tokens([[X]])), BOTH)


#: Moments X and Y, the rest of their videos Y and X: rows 1, 0.6, 0, 0.8 and 0, 0.8, 1, 0.6; ln of the sum of exp is
#: ln 7.765942 = 2.049748.
MOMENTS = with_alignment(
    outputs(), moment=[[2.0, 0.0], Y], non_moment=[Y, X], sentence=[X, [1.2, 1.6]], dummy_sentence=[X, TILTED]
)


def test_moments_choose_their_sentence():
    assert MomentSentenceLoss()(MOMENTS, BOTH).item() == pytest.approx(2.049748 - (1.0 + 0.8) / 2, abs=1e-5)


@pytest.mark.parametrize(
    ('labels', 'expected'),
    [
        # -ln(1 - p), p = 2.718282 / 7.765942 and 2.225541 / 7.765942
        ('others', (0.430823 + 0.337681) / 2),
        ('first', 2.049748 - (0.6 + 0.0) / 2),  # sample 0 to dummy 1, sample 1 to dummy 0
    ],
)
def test_moments_keep_away_from_dummies(labels, expected):
    assert MomentDummyLoss(labels)(MOMENTS, BOTH).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize('form', ['logits', 'probability'])
@pytest.mark.parametrize(('padding', 'count'), [('exclude', 2), ('include', 3)])
def test_clips_belong_to_the_moment(form, padding, count):
    """The clip inside is read on its side (3 / 4), the one outside on the other (1 / 2); the third does not exist."""
    found = with_alignment(
        outputs(),
        moment=[X],
        moment_clips=[[[LN3, 0.0], [9.0, 0.0], [9.0, 0.0]]],
        non_moment_clips=[[[-9.0, 0.0], Y, [9.0, 0.0]]],
    )
    targets = truth([[]], clips=[[1, 0, 0]], mask=[[1, 1, 0]])
    loss = MomentClipLoss(padding=padding, form=form)
    assert loss(found, targets).item() == pytest.approx((0.287682 + LN2) / count, abs=1e-5)


@pytest.mark.parametrize(('form', 'expected'), [('logits', 200.0), ('probability', 100.0)])
def test_a_clip_far_on_the_wrong_side(form, expected):
    """The logarithm of a probability that is 0 in float32 is bounded by -100."""
    found = with_alignment(outputs(), moment=[X], moment_clips=[[[-200.0, 0.0]]], non_moment_clips=[[X]])
    assert MomentClipLoss(form=form)(found, truth([[]], clips=[[1]])).item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ('padding', 'expected'),
    [
        # Affinities ln 3 and 0: 0.75 ln(0.75 / 0.5) + 0.25 ln(0.25 / 0.4), over two tokens
        ('exclude', (0.304099 - 0.117501) / 2),
        # and with a padded token of affinity ln 4: 3/8, 1/8, 4/8 against 0.5, 0.4, 0.1, over three
        ('include', (-0.107881 - 0.145394 + 0.804719) / 3),
    ],
)
def test_attention_follows_affinity(padding, expected):
    found = with_alignment(
        outputs(),
        moment_clips=[[X, Y]],
        text=[[[LN3, 0.0], [0.0, 5.0], [math.log(4), 0.0]]],
        weights=[[[0.5, 0.4, 0.1], [0.2, 0.3, 0.5]]],
        text_mask=[[True, True, False]],
    )
    targets = truth([[]], clips=[[1, 0]])
    assert AttentionDistillLoss(padding=padding)(found, targets).item() == pytest.approx(expected, abs=2e-5)


def test_tokens_point_in_different_directions():
    found = with_alignment(outputs(), dummies=[[X, [-1.2, 1.6]]], prompts=[[X, Y]])
    assert OrthogonalTokenLoss()(found, BOTH).item() == pytest.approx(0.3)  # two of four entries are |-0.6|
    assert OrthogonalTokenLoss(tokens='prompts')(found, BOTH).item() == 0


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        # IoU 0.5, 0.75 and 1 are 0, 0.5 and 1; cosines 0, 0 and 0.1, ten times: ln 2, ln 2, ln(1 + exp(-1))
        (dict(), (2 * LN2 + 0.313262) / 3),
        (dict(scale=20.0), (2 * LN2 + 0.126928) / 3),
        (dict(max_iou=0.75), (2 * LN2 + 0.313262) / 3),
        (dict(min_iou=0.75), (2 * LN2 + 0.313262) / 3),
        (dict(min_iou=0.0, max_iou=2.0), (2 * LN2 + 0.313262 / 2 + 1.313262 / 2) / 3),
    ],
)
def test_overlap_of_candidates(options, expected):
    moments = [[Y, Y, [0.1, math.sqrt(0.99)]]]
    targets = truth([[]], candidate_iou=[[0.5, 0.75, 1.0]])
    found = with_candidates(outputs(), (moments, [X]))
    assert ProposalIoULoss(**options)(found, targets).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ('windows', 'positive'),
    [([[0.0, 1.0]], False), ([[0.0, 1.0], [0.0, 0.5]], True), ([[0.0, 0.5]], True), ([], False)],
)
def test_overlap_is_the_best_with_any_moment(windows, positive):
    """(0, 0.5) overlaps (0, 1) by 0.5, which is none, and itself by 1; its cosine is 1."""
    candidate = predictions([[[0.25, 0.5]]], 'proposal', final=True)
    found = with_candidates(outputs(sets=[candidate]), ([[X]], [X]))
    value = ProposalIoULoss(scale=1.0)(found, truth([windows])).item()
    assert value == pytest.approx(0.313262 if positive else 1.313262, abs=1e-5)


#: Videos with the candidates X, Y and Y, TILTED.
CANDIDATES = ([[X, Y], [Y, TILTED]], [X, TILTED])
OVERLAP = [[1.0, 0.2], [0.6, 0.1]]


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        # The best candidates are X and Y, as above; a margin of 0.4 leaves 0.6, 0.6 and 0, 0.4.
        (dict(temperature=1.0, margin=0.0), ROWS),
        (dict(temperature=1.0), (LN2 + 0.513015) / 2),
        (dict(temperature=0.5), (LN2 + 0.371101) / 2),
        # The second best: Y with 0 and 0.8, TILTED with 0.6 and 1.
        (dict(temperature=1.0, margin=0.0, top_k=2), (0.513015 + 1.171101 + 0.371101 + 0.513015) / 4),
        (dict(temperature=1.0, margin=0.0, top_k=9), (0.513015 + 1.171101 + 0.371101 + 0.513015) / 4),
    ],
)
def test_moments_choose_among_sentences(options, expected):
    targets = truth([[[0.0, 0.4]], [[0.5, 1.0]]], candidate_iou=OVERLAP)
    found = with_candidates(outputs(rows=[0, 1]), CANDIDATES)
    assert MomentToSentenceLoss(**options)(found, targets).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ('windows', 'rows', 'options', 'expected'),
    [
        # Two sentences of one video, the same moment: nothing is left to choose from.
        ([[[0.0, 0.4]], [[0.0, 0.4]]], [0, 0], dict(), 0.0),
        ([[[0.0, 0.4]], [[0.6, 1.0]]], [0, 0], dict(), 0.513015),
        ([[[0.0, 0.4]], [[0.0, 0.4]]], [0, 1], dict(), 0.513015),
        # IoU 0.4: 0.5 by default.
        ([[[0.0, 0.4]], [[0.0, 1.0]]], [0, 0], dict(), 0.513015),
        ([[[0.0, 0.4]], [[0.0, 1.0]]], [0, 0], dict(removal_iou=0.3), 0.0),
        ([[[0.0, 0.5]], [[0.0, 1.0]]], [0, 0], dict(), 0.0),
        # One of several moments suffices.
        ([[[0.0, 0.4], [0.5, 1.0]], [[0.5, 1.0]]], [0, 0], dict(), 0.0),
    ],
)
def test_sentences_that_mean_the_same_take_no_part(windows, rows, options, expected):
    """Both sentences take the candidate X, which has 1 and 0.6 with them: 1 against 0.6, and 0.6 against 1."""
    targets = truth(windows, candidate_iou=[[1.0, 0.2], [1.0, 0.2]])
    candidates = ([[X, Y], [X, Y]][: max(rows) + 1], [X, TILTED])
    found = with_candidates(outputs(rows=rows), candidates)
    value = MomentToSentenceLoss(temperature=1.0, margin=0.0, **options)(found, targets).item()
    assert value == pytest.approx((expected + (0.913015 if expected else 0.0)) / 2, abs=1e-5)


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        # Sentence X, X - 0.4 against Y of its video (X overlaps) and Y, TILTED: exp(0) + exp(0) + exp(0.6).
        # Sentence TILTED, Y - 0.4 against TILTED of its video and X, Y: exp(1) + exp(0.6) + exp(0.8).
        (dict(), (1.130637 + 1.711154) / 2),
        (dict(margin=0.0), (0.877998 + 1.396278) / 2),
        (dict(removed='zero'), (1.293789 + 1.825457) / 2),
        (dict(negative_iou=0.15), (0.935627 + 1.711154) / 2),  # Y of the first video overlaps by 0.2
    ],
)
def test_sentences_choose_among_moments(options, expected):
    targets = truth([[[0.0, 0.4]], [[0.5, 1.0]]], candidate_iou=OVERLAP)
    found = with_candidates(outputs(rows=[0, 1]), CANDIDATES)
    loss = SentenceToMomentLoss(temperature=1.0, **options)
    assert loss(found, targets).item() == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize('loss', [MomentToSentenceLoss, SentenceToMomentLoss])
def test_sentences_without_a_moment_are_no_positives(loss):
    found = with_candidates(outputs(rows=[0, 1]), CANDIDATES)
    one = truth([[[0.0, 0.4]], []], candidate_iou=OVERLAP)
    first = LN2 if loss is MomentToSentenceLoss else 1.130637
    assert loss(temperature=1.0)(found, one).item() == pytest.approx(first, abs=2e-5)
    none = truth([[], []], candidate_iou=OVERLAP)
    assert loss(temperature=1.0)(found, none).item() == 0


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda: ProposalIoULoss(min_iou=0.5, max_iou=0.5), 'min_iou=0.5 is not smaller than max_iou=0.5'),
        (lambda: ClipTextInterLoss(directions=['rows']), 'directions'),
        (lambda: ClipTextIntraLoss(directions=[]), 'directions'),
    ],
)
def test_wrong_options(make, message):
    with pytest.raises(ValueError, match=message):
        make()
