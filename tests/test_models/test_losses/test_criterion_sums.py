"""What the criterion makes of its losses: names, weights and views, by hand."""

import re

import pytest
import torch
from loss_data import outputs, predictions, tokens, truth

from mmvmr.models import MomentCriterion
from mmvmr.models.losses import DenseLoss

L1 = dict(type='HungarianAssigner', costs={'l1': dict(type='SpanL1Cost')})
LOSSES = {
    'span': dict(type='SpanL1Loss', weight=10.0, sets=('direct', 'noise')),
    'giou': dict(type='SpanGIoULoss', weight=3.0, final_only=True),
    'saliency': dict(type='SaliencyMarginLoss', weight=2.0),
}


def step(samples=1, views=None):
    """Every sample has the moment (0.4, 0.6); the second one is predicted a tenth further away."""
    far = [0.0, 0.1][:samples]
    sets = [
        predictions([[[0.8 + d, 0.2], [0.1, 0.2]] for d in far], layer=0),
        predictions([[[0.1, 0.2], [0.6 + d, 0.2]] for d in far], layer=1, final=True),
        predictions([[[0.5, 0.3 + 2 * d], [0.9, 0.1]] for d in far], 'noise', layer=2, matched_gt=[[0, -1]] * samples),
        predictions([[[0.2, 0.2]]] * samples, 'event'),
    ]
    video = tokens([[[1.0, 0.0]] * 2] * samples)
    found = outputs(video=video, sets=sets, saliency=[[0.9, 1.0 + d] for d in far])
    targets = truth([[[0.4, 0.6]]] * samples, clips=[[1, 0]] * samples, pairs=[[[0], [1]]] * samples, views=views)
    return found, targets


#: (weight, value of the first sample, value of the second one)
EXPECTED = {
    'span.0': (10, 0.15, 0.2),  # half of |0.8 - 0.5|, |0.9 - 0.5|
    'span': (10, 0.05, 0.1),
    'span.noise.2': (10, 0.05, 0.15),  # half of |0.3 - 0.2|, |0.5 - 0.2|
    'giou': (3, 1 - 1 / 3, 1.0),  # (0.5, 0.7) and (0.6, 0.8) with (0.4, 0.6)
    'saliency': (2, 0.6, 0.8),  # 2 x (0.2 + 1 - 0.9)
}


def floats(losses):
    return {name: value.item() for name, value in losses.items()}


def test_names_and_weights():
    losses = floats(MomentCriterion(LOSSES, L1)(*step()))
    assert losses == {f'loss_{name}': pytest.approx(w * a) for name, (w, a, _) in EXPECTED.items()}


def test_terms_are_unweighted():
    terms = MomentCriterion(LOSSES, L1).terms(*step())
    assert {name: (w, value.item()) for name, (w, value) in terms.items()} == {
        name: (w, pytest.approx(a)) for name, (w, a, _) in EXPECTED.items()
    }


@pytest.mark.parametrize('views', [['main', 'main'], ['main', 'noisy']])
def test_means_run_over_all_views(views):
    losses = floats(MomentCriterion(LOSSES, L1)(*step(2, views)))
    assert losses == {f'loss_{name}': pytest.approx(w * (a + b) / 2) for name, (w, a, b) in EXPECTED.items()}


def test_weighted_views():
    criterion = MomentCriterion(LOSSES, L1, view_weights={'main': 1.0, 'noisy': 0.25, 'absent': 7.0})
    losses = floats(criterion(*step(2, ['main', 'noisy'])))
    expected = {f'loss_{name}': pytest.approx(w * a) for name, (w, a, _) in EXPECTED.items()}
    expected |= {f'loss_{name}@noisy': pytest.approx(0.25 * w * b) for name, (w, _, b) in EXPECTED.items()}
    assert losses == expected
    # A view without a weight is left out, also when it comes first.
    left = floats(criterion(*step(2, ['other', 'noisy'])))
    assert left == {name: value for name, value in expected.items() if name.endswith('@noisy')}


def test_a_loss_removed_by_a_child_config():
    losses = MomentCriterion({**LOSSES, 'giou': None}, L1)(*step())
    assert 'loss_giou' not in losses and len(losses) == 4


def test_dense_losses_need_no_assigner():
    losses = MomentCriterion({'saliency': LOSSES['saliency']})(*step())
    assert floats(losses) == {'loss_saliency': pytest.approx(1.2)}
    with pytest.raises(ValueError, match=r'no assigner: set criterion\.assigner'):
        MomentCriterion(LOSSES)


@pytest.mark.parametrize(
    ('loss', 'message'),
    [
        (dict(sets=('init',)), 'of the prediction sets init, and the model makes direct, direct (final), noise'),
        (dict(sets=('direct', 'init')), 'extra is of the prediction sets init, and'),
        (dict(sets=('noise',), final_only=True), 'extra is of the prediction sets noise (final), and'),
    ],
)
def test_a_loss_on_a_set_that_training_does_not_make(loss, message):
    criterion = MomentCriterion({**LOSSES, 'extra': dict(type='SpanL1Loss', **loss)}, L1)
    with pytest.raises(ValueError, match=re.escape(message)):
        criterion(*step())
    assert 'loss_span' in criterion.eval()(*step())  # sets of training alone: noise queries


def test_losses_are_computed_in_float32():
    found, targets = step()
    found.saliency = found.saliency.bfloat16()
    losses = MomentCriterion(LOSSES, L1)(found, targets)
    assert {value.dtype for value in losses.values()} == {torch.float32}


class DescribedScores(DenseLoss):
    """Sum of the highlight scores, for which a sentence has to describe its video."""

    described_only = True

    def forward(self, outputs, targets):
        return outputs.saliency.sum()


@pytest.mark.parametrize(
    ('described', 'total'), [(None, 3.9), ([1, 1], 3.9), ([1, 0], 1.9), ([0, 1], 2.0), ([0, 0], 0.0)]
)
def test_sentences_that_describe_nothing_are_left_out(described, total):
    """Scores are 0.9 and 1.0, and 0.9 and 1.1; losses of another kind take both samples."""
    found, targets = step(2)
    targets.described = None if described is None else torch.tensor(described).bool()
    criterion = MomentCriterion({**LOSSES, 'scores': dict(type=DescribedScores, weight=5.0)}, L1)
    expected = {f'loss_{name}': pytest.approx(w * (a + b) / 2) for name, (w, a, b) in EXPECTED.items()}
    assert floats(criterion(found, targets)) == {**expected, 'loss_scores': pytest.approx(5 * total)}
