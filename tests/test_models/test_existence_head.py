"""Existence head: the level of the similarity, by numbers that can be checked by eye."""

import pytest
import torch

from mmvmr.models.heads import ExistenceHead
from mmvmr.structures import Features, Outputs, Tokens

GIVEN = dict(type='SimilarityMap', channels=(0, 2), text_dims=2, kind='given')


def fitted_head():
    """A head whose map compares vectors as they are, and whose logit is maximum + 10 mean + 100 best of three."""
    head = ExistenceHead(4, source='similarity', similarity=GIVEN)
    head.similarity.fitted.fill_(True)
    head.level.weight.data = torch.tensor([[0.1, 1.0, 10.0]])
    head.level.bias.data.zero_()
    return head


def outputs_of(cosines, mask, rows=None):
    """One sentence (1, 0), and clips at those cosines with it."""
    cosine = torch.tensor(cosines)
    clips = torch.stack([cosine, (1 - cosine.square()).sqrt()], dim=-1)
    video = Tokens(torch.zeros(*mask.shape, 4), mask)
    sentences = len(mask) if rows is None else len(rows)
    tokens = torch.tensor([1.0, 0.0]).expand(sentences, 1, 2)
    text = Tokens(torch.zeros(sentences, 1, 4), torch.ones(sentences, 1, dtype=torch.bool), raw=tokens)
    return Outputs(Features(video, text, raw_video=clips, rows=rows), None, None, None, [])


def test_level():
    """Cosines 0.6, 0, 0.3, then padding: maximum 0.6, mean 0.3, means of neighbours 0.3, 0.3, 0.15."""
    mask = torch.tensor([[True, True, True, False]])
    logits = fitted_head()(outputs_of([[0.6, 0.0, 0.3, 0.9]], mask)).logits
    assert logits.tolist() == pytest.approx([0.6 + 10 * 0.3 + 100 * 0.3], abs=1e-4)


def test_shared_videos():
    """Two sentences about the second of two videos, one about the first."""
    mask = torch.ones(2, 1, dtype=torch.bool)
    logits = fitted_head()(outputs_of([[0.5], [-0.2]], mask, torch.tensor([1, 1, 0]))).logits
    assert logits.tolist() == pytest.approx([-22.2, -22.2, 55.5], abs=1e-4)


def test_added_to_the_vector():
    torch.manual_seed(0)
    head = ExistenceHead(4, source='clips', similarity=GIVEN)
    outputs = outputs_of([[0.6, 0.1]], torch.ones(1, 2, dtype=torch.bool))
    outputs.memory = type(
        'Memory', (), {'video': Tokens(torch.randn(1, 2, 4), outputs.features.video.mask), 'levels': None}
    )
    without = head(outputs).logits  # every cosine is 0 before the map is fitted
    head.similarity.fitted.fill_(True)
    level = head.level(torch.tensor([[6.0, 3.5, 3.5]])).item() - head.level.bias.item()
    assert (head(outputs).logits - without).item() == pytest.approx(level, abs=1e-4)


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match="source='similarity' needs"):
        ExistenceHead(4, source='similarity')
    outputs = outputs_of([[0.5]], torch.ones(1, 1, dtype=torch.bool))
    outputs.features.raw_video = None
    with pytest.raises(ValueError, match=r'existence_head\.similarity=None'):
        fitted_head()(outputs)
