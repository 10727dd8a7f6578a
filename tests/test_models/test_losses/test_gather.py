"""What one of two processes computes, by hand; the other one is made up."""

import math

import pytest
import torch
import torch.distributed as dist
import torch.distributed.nn.functional as exchange
from loss_data import TILTED, X, Y, outputs, tokens, truth, with_candidates

from mmvmr.models import ExistenceLoss, MomentToSentenceLoss, PooledAlignmentLoss, SaliencyRankLoss
from mmvmr.models.losses import gather
from mmvmr.models.losses.alignment_losses import symmetric_contrast
from mmvmr.structures import Existence


@pytest.fixture
def other(monkeypatch):
    """Function that sets the rank of this process and the counts or rows of the other one."""

    def set_up(rank=0, count=0, rows=None):
        sent = []

        def all_gather_shapes(shapes, shape):
            shapes[rank].copy_(shape)
            shapes[1 - rank].copy_(torch.tensor(rows.shape))

        def all_gather(padded):
            sent.append(padded)
            whole = torch.zeros_like(padded)
            whole[: len(rows), : rows.shape[1]] = rows
            return (padded, whole) if rank == 0 else (whole, padded)

        monkeypatch.setattr(dist, 'is_initialized', lambda: True)
        monkeypatch.setattr(dist, 'get_world_size', lambda: 2)
        monkeypatch.setattr(dist, 'get_rank', lambda: rank)
        monkeypatch.setattr(dist, 'all_reduce', lambda total: total.add_(count))
        monkeypatch.setattr(dist, 'all_gather', all_gather_shapes)
        monkeypatch.setattr(exchange, 'all_gather', all_gather)
        return sent

    return set_up


@pytest.mark.parametrize('kind', [int, torch.tensor])
def test_a_ratio_is_divided_by_the_mean_count(other, kind):
    total = torch.tensor(6.0)
    assert gather.joint_ratio(total, kind(2)) == 3
    assert gather.joint_ratio(total, kind(0)) == 6  # of nothing the total is 0: no division by 0
    other(count=4)
    assert gather.joint_ratio(total, kind(2)) == 2
    other(count=0)
    assert gather.joint_ratio(total, kind(1)) == 12  # one entry among both
    assert gather.joint_ratio(torch.tensor(0.0), kind(0)) == 0


def test_means_run_over_both_processes(other):
    values, logits, label = torch.tensor([1.0, 2.0, 6.0]), torch.zeros(3, 2), torch.tensor([0, 1, 1])
    assert gather.joint_mean(values) == 3
    assert gather.joint_cross_entropy(logits, label).item() == pytest.approx(math.log(2))
    other(count=1)  # two values each, on average
    assert gather.joint_mean(values) == 4.5
    assert gather.joint_cross_entropy(logits, label).item() == pytest.approx(1.5 * math.log(2))


def test_counts_stay_as_they_are(other):
    count = torch.tensor([1.0, 3.0])
    assert gather.num_processes() == 1 and gather.mean_over_ranks(count) is count
    other(count=2)
    assert gather.num_processes() == 2
    assert gather.mean_over_ranks(count).tolist() == [1.5, 2.5] and count.tolist() == [1.0, 3.0]
    assert gather.mean_over_ranks(torch.tensor(1)).dtype == torch.float32


@pytest.mark.parametrize(
    ('rank', 'rows', 'rows_of_other', 'fill', 'sent', 'expected', 'start'),
    [
        # Rows are filled up to the widest, and as many are sent as the other one has.
        (0, [[1.0]], [[4.0, 6.0], [5.0, 7.0]], {'fill': -1.0}, [[1, -1], [0, 0]], [[1, -1], [4, 6], [5, 7]], 0),
        (1, [[4.0], [5.0]], [[1.0, 2.0]], {'fill': -1.0}, [[4, -1], [5, -1]], [[1, 2], [4, -1], [5, -1]], 1),
        (1, [[4.0]], [[1.0, 2.0]], {}, [[4, 0]], [[1, 2], [4, 0]], 1),
    ],
)
def test_rows_of_both_processes(other, rank, rows, rows_of_other, fill, sent, expected, start):
    mine = torch.tensor(rows)
    assert gather.gather_rows(mine) == (mine, 0)
    messages = other(rank, rows=torch.tensor(rows_of_other))
    found, first = gather.gather_rows(mine, **fill)
    assert messages[0].tolist() == sent
    assert found.tolist() == expected and first == start


def test_no_rows_at_all(other):
    """Not every backend sends empty tensors: a row is sent, and none is received."""
    messages = other(rows=torch.zeros(0, 2))
    found, first = gather.gather_rows(torch.zeros(0, 2))
    assert messages[0].shape == (1, 2) and found.shape == (0, 2) and first == 0


def test_contrast_with_the_other_process(other):
    """Videos Y, X and sentences Y, TILTED; the other one holds a video and a sentence X, which come first.

    Videos have cosines 0, 1, 0.8 and 1, 0, 0.6 with the three sentences, sentences 0, 1, 0 and 0.6, 0.8, 0.6 with the
    videos; softmax losses are 0.782352 and 1.112067, and 0.551445 and 1.169817.
    """
    found = outputs(video=tokens([[Y], [X]]), text=tokens([[Y], [TILTED]]))
    pooled = PooledAlignmentLoss(2, temperature=1.0, denominator='all')
    other(rank=1, count=2, rows=torch.tensor([X]))
    assert pooled(found, truth([[], []], clips=[[0], [0]])).item() == pytest.approx((0.782352 + 1.112067) / 2, abs=1e-5)
    both = symmetric_contrast(torch.tensor([Y, X]), torch.tensor([Y, TILTED]))
    assert both.item() == pytest.approx((0.782352 + 1.112067 + 0.551445 + 1.169817) / 4, abs=1e-5)


def test_moments_choose_among_sentences_of_the_other_process(other):
    """Moments X and Y with the sentences Y of the other one, X and TILTED: 0, 1, 0.6 and 1, 0, 0.8."""
    found = with_candidates(outputs(rows=[0, 1]), ([[X], [Y]], [X, TILTED]))
    targets = truth([[[0.0, 0.4]], [[0.5, 1.0]]], candidate_iou=[[1.0], [1.0]])
    other(rank=1, count=2, rows=torch.tensor([Y]))
    loss = MomentToSentenceLoss(temperature=1.0, margin=0.0)
    assert loss(found, targets).item() == pytest.approx((0.712067 + 0.982352) / 2, abs=1e-5)


def test_counts_of_samples_of_both_processes(other):
    """Three samples here and one there, which are two on average."""
    found = outputs()
    found.existence = Existence(torch.zeros(3), torch.full((3,), 0.5), torch.ones(3).bool())
    other(count=1)
    assert ExistenceLoss()(found, truth([[], [], []])).item() == pytest.approx(1.5 * math.log(2))


def test_a_single_sample_without_a_negative_in_any_process(other):
    """The first has exp 3, 1, 2 and 2 and rating 1 of 2; the only one without a real negative counts 0."""
    scores = [[0.5 * math.log(3), 0.0]] * 2
    found = outputs(saliency=scores, negative_saliency=[[0.5 * math.log(2)] * 2] * 2, real=[1, 0])
    other(count=0)
    loss = SaliencyRankLoss(max_rating=2, false_negatives='added')
    assert loss(found, truth([[], []], saliency=[[1, 0]] * 2)).item() == pytest.approx(2 * 0.980829 / 2, abs=1e-5)
