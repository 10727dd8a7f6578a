from dataclasses import dataclass, field

import pytest
import torch

from mmvmr.structures import DenoisingPairs, Extra, Memory, Tokens, batch_axis, select_samples


@dataclass(frozen=True)
class Scores(Extra):
    """Scores of clips."""

    written_by = 'ScoreEncoder: set it as model.encoder'

    values: torch.Tensor
    layers: torch.Tensor | None = field(default=None, metadata=batch_axis(1))
    shared: tuple[torch.Tensor, ...] = field(default=(), metadata=batch_axis(None))


def memory(*extras):
    clips = Tokens(torch.zeros(2, 3, 4), torch.ones(2, 3, dtype=torch.bool))
    return Memory(clips, clips, extras=extras)


def test_an_extra_is_found_by_its_class_and_replaced():
    first, second, pairs = Scores(torch.zeros(2)), Scores(torch.ones(2)), DenoisingPairs(torch.zeros(2, 1))
    whole = memory(first, pairs)
    assert whole.find(Scores) is first
    whole.add(second)
    assert whole.extra(Scores, 'a loss') is second
    assert whole.extras == (pairs, second)


def test_who_asks_in_vain_learns_who_should_have_written():
    assert memory().find(Scores) is None
    message = 'Memory needs Scores, which is written by ScoreEncoder: set it as model.encoder'
    with pytest.raises(ValueError, match=message):
        memory().extra(Scores, memory())


def test_samples_are_selected_along_the_declared_axis():
    extra = Scores(torch.tensor([1, 2]), torch.tensor([[1, 2], [3, 4]]), (torch.tensor([5, 6, 7]),))
    kept = select_samples(memory(extra), torch.tensor([1]), 2).find(Scores)
    assert (kept.values.tolist(), kept.layers.tolist(), kept.shared[0].tolist()) == ([2], [[2], [4]], [5, 6, 7])


def test_a_tensor_without_the_samples_is_named():
    extra = Scores(torch.zeros(2), torch.zeros(2, 3))
    with pytest.raises(ValueError, match=r'Scores\.layers has shape \(2, 3\), expected the 2 samples .* along axis 1'):
        select_samples(memory(extra), torch.tensor([0]), 2)
