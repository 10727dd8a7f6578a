"""Pyramid, scorers and assignment of FlashVTG, against loops; the recording compares the whole model."""

from pathlib import Path

import pytest
import torch
from testing import make_batch, tiny_model
from torch import nn

from mmvmr.models import PointHead, SaliencyNegativeLoss
from mmvmr.models.heads import ScoreRefinement
from mmvmr.models.layers import ConvPyramid, ScoreTower
from mmvmr.structures import Points, Tokens

CONFIG = Path(__file__).resolve().parents[2] / 'configs' / '_base_' / 'models' / 'flash_vtg.py'
DIMS = 4


def clips_of(*lengths, seed=0):
    torch.manual_seed(seed)
    longest = max(lengths)
    mask = torch.arange(longest) < torch.tensor(lengths)[:, None]
    return Tokens(torch.randn(len(lengths), longest, DIMS), mask)


def test_levels_equal_the_loop():
    pyramid, video = ConvPyramid(DIMS, num_levels=3), clips_of(11, 6, 1)
    with torch.no_grad():
        levels = pyramid(video)
    assert [level.feat.shape[1] for level in levels] == [12, 6, 3]
    for row, length in enumerate((11, 6, 1)):
        for index, level in enumerate(levels):
            x = video.feat[row, :length].relu()
            for step in pyramid.levels[index]:
                weight, bias = step['conv'].weight, step['conv'].bias
                pairs = [weight[:, :, 0] @ x[2 * i] + weight[:, :, 1] @ x[2 * i + 1] + bias for i in range(len(x) // 2)]
                x = torch.stack([step['norm'](pair).relu() for pair in pairs]) if pairs else x[:0]
            assert level.mask[row].sum() == len(x) == length >> index
            torch.testing.assert_close(level.feat[row, : len(x)], x, atol=1e-6, rtol=1e-5)


def test_scores_of_the_tower_equal_the_loop():
    tower, video = ScoreTower(DIMS, kernel_size=3, num_convs=2, num_layers=2), clips_of(5)
    x = video.feat[0]
    for conv in tower.convs:
        around = torch.cat((torch.zeros(1, DIMS), x, torch.zeros(1, DIMS)))
        weight = conv.conv.weight
        x = torch.stack(
            [sum(weight[:, :, k] @ around[i + k] for k in range(3)) + conv.conv.bias for i in range(5)]
        ).relu()
    first, second = tower.mlp.layers
    assert first.out_features == DIMS // 2
    torch.testing.assert_close(tower(video.feat, video.mask)[0], second(first(x).relu()), atol=1e-6, rtol=1e-5)


def test_all_levels_are_one_sequence_without_what_does_not_exist():
    refine = ScoreRefinement(dict(type='ScoreTower', embed_dims=DIMS, kernel_size=3, num_layers=2))
    refine.weight.data.fill_(0.75)
    levels = [clips_of(4, 3, seed=1), clips_of(2, 1, seed=2)]
    logits = torch.randn(2, 6, 1)
    found = refine(levels, logits)
    for row, exists in enumerate(([0, 1, 2, 3, 4, 5], [0, 1, 2, 4])):
        sequence = torch.cat([level.feat[row] for level in levels])[exists].unsqueeze(0)
        whole = refine.tower(sequence, torch.ones(1, len(exists), dtype=torch.bool))[0]
        wanted = 0.75 * logits[row, exists] + 0.25 * whole
        torch.testing.assert_close(found[row, exists], wanted, atol=1e-6, rtol=1e-5)


def test_distances_are_exponentials_times_the_factor_of_the_level():
    head = PointHead(dict(type='ConvTower', embed_dims=DIMS, num_layers=1), activation='exp', num_levels=2)
    nn.init.zeros_(head.offset.out.conv.weight)
    head.offset.out.conv.bias.data = torch.tensor([0.0, 1.0])
    head.factors.data = torch.tensor([1.0, 3.0])
    sizes = torch.tensor([[0.1, 0.1, 0.2]])
    centers = torch.tensor([[0.0, 0.1, 0.5]])
    points = Points(centers, sizes, torch.zeros_like(sizes), torch.ones_like(sizes))
    (found,) = head([clips_of(2), clips_of(1)], points)
    low, high = found.spans[..., 0] - found.spans[..., 1] / 2, found.spans[..., 0] + found.spans[..., 1] / 2
    e = 2.718282
    assert low[0].tolist() == pytest.approx([-0.1, 0.0, 0.5 - 0.2 * 3], abs=1e-6)
    assert high[0].tolist() == pytest.approx([0.1 * e, 0.1 + 0.1 * e, 0.5 + 0.2 * 3 * e], abs=1e-6)
    with pytest.raises(ValueError, match=r'prior=0\.01 needs a ConvTower, not ScoreTower'):
        PointHead(
            dict(type='ConvTower', embed_dims=DIMS), score_tower=dict(type='ScoreTower', embed_dims=DIMS), prior=0.01
        )


def test_highlights_under_mismatched_sentences_are_scored():
    model = tiny_model(CONFIG, {})
    data = model.data_preprocessor(make_batch())
    losses = model(**data, mode='loss')
    assert losses['loss_saliency_negative'] > 0
    assert isinstance(model.criterion.losses['saliency_negative'], SaliencyNegativeLoss)
    assert model.eval()(data['inputs']).negative_saliency is None
