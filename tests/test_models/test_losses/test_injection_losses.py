"""Visual-dynamic injection by hand, in a space of four channels of which two are used."""

import math

import pytest
from loss_data import outputs, tokens, truth, with_inputs, with_sentence

from mmvmr.models import VisualContextLoss

X, Y, TILTED = [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.6, 0.8, 0.0, 0.0]
DYNAMIC, STATIC = 1, 2
#: exp(1 / T) = 3: of two frames that have the cosines 1 and 0 the first weighs 3 / 4.
TEMPERATURE = 1 / math.log(3)


def sentence_of(**inputs):
    """A sentence of a static token Y and a dynamic token X, as a whole Y, about a video of the frames Y and X."""
    found = outputs(video=tokens([[Y, X]]), text=tokens([[Y, X]]), raw=[[Y, X]], rows=[0])
    return with_sentence(with_inputs(found, roles=[[STATIC, DYNAMIC]], **inputs), [Y])


@pytest.mark.parametrize(
    ('options', 'cosine'),
    [
        # The context (0.25, 0.75) has 0.25 / sqrt(0.625) with X and three times as much with Y.
        (dict(), 0.316228),
        (dict(inject='sentence'), 0.948683),
        (dict(guide_by='static_text'), 0.948683),  # guided by X: (0.75, 0.25)
        (dict(where='moment'), 0.0),  # in (0, 0.4) lies the first frame only, Y
        (dict(temperature=0.01), 0.0),
    ],
)
def test_dynamic_tokens_approach_the_scene(options, cosine):
    targets = truth([[[0.0, 0.4]]])
    options = {'where': 'video', 'temperature': TEMPERATURE, 'projection': 'none', **options}
    found = sentence_of(static_text=[[X]])
    assert VisualContextLoss(4, 4, **options)(found, targets).item() == pytest.approx(1 - cosine, abs=1e-5)
    # Squares of unit vectors, averaged over four channels: (2 - 2 cos) / 4.
    value = VisualContextLoss(4, 4, distance='mse', **options)(found, targets).item()
    assert value == pytest.approx((1 - cosine) / 2, abs=1e-5)


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        (dict(), 2 * 0.36 / 4),  # cosines of the videos 1, 0.6, of the dynamic tokens 1, 0
        # Softmax of 1, 0.6 and of 1, 0: 0.598688, 0.401312 and 0.731059, 0.268941.
        (dict(distance='kl', relation_temperature=1.0), -0.119593 + 0.160622),
    ],
)
@pytest.mark.parametrize('third', [False, True])
def test_sentences_resemble_each_other_as_videos_do(options, expected, third):
    """Videos X and TILTED, dynamic tokens X and Y; a third sentence without a moment does not count."""
    count = 2 + third
    found = outputs(
        video=tokens([[X]] * count),
        text=tokens([[X, X], [X, Y], [X, TILTED]][:count]),
        raw=[[X], [TILTED], [Y]][:count],
        rows=list(range(count)),
    )
    found = with_sentence(with_inputs(found, roles=[[STATIC, DYNAMIC]] * count), [X] * count)
    targets = truth([[[0.0, 1.0]], [[0.0, 1.0]], []][:count])
    loss = VisualContextLoss(4, 4, form='relational', **options)
    assert loss(found, targets).item() == pytest.approx(expected, abs=1e-5)


def test_a_sentence_without_dynamic_tokens_stands_for_itself():
    found = outputs(video=tokens([[Y, X]]), text=tokens([[X, X]]), raw=[[Y, X]], rows=[0])
    found = with_sentence(with_inputs(found, roles=[[STATIC, 0]]), [X])
    loss = VisualContextLoss(4, 4, projection='none', temperature=TEMPERATURE, where='video')
    # Guided by X: (0.75, 0.25), against the sentence X.
    assert loss(found, truth([[[0.0, 0.4]]])).item() == pytest.approx(1 - 0.948683, abs=1e-5)


def test_weight_zero_switches_off():
    loss = VisualContextLoss(4, 4, weight=0.0)
    assert loss(sentence_of(), truth([[[0.0, 0.4]]])).item() == 0
    assert not any(parameter.requires_grad for parameter in loss.parameters())
