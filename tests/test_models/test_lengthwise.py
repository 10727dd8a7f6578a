"""Queries and matching by classes of length, against one assignment for every class."""

import json
from pathlib import Path

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch.nn.utils.rnn import pad_sequence

from mmvmr.models.query_initializers import LearnedAnchorQueryInitializer, LengthwiseQueryInitializer
from mmvmr.models.task_modules import HungarianAssigner, LengthwiseAssigner
from mmvmr.structures import Memory, MomentTargets, PredictionSet, Tokens

DATA = Path(__file__).parents[1] / 'data' / 'parity'
COSTS = dict(span=dict(type='SpanL1Cost', weight=10.0), giou=dict(type='SpanGIoUCost', weight=1.0))


def problem(seed, batch=3, queries=6, moments=5, clips=40):
    """Random predictions and moments of videos of 40, 30 and 20 clips."""
    torch.manual_seed(seed)
    exists = torch.arange(clips) < torch.tensor([[40], [30], [20]])
    truth = MomentTargets(
        spans=torch.rand(batch, moments, 2) * 0.6 + 0.1,
        span_mask=torch.arange(moments) < torch.tensor([[5], [3], [0]]),
        saliency=torch.zeros(batch, clips),
        clips=torch.zeros(batch, clips, dtype=torch.bool),
        pairs=torch.full((batch, 2, 1), -1),
        clip_mask=exists,
        video_index=torch.arange(batch),
        views=['main'] * batch,
    )
    return PredictionSet('direct', torch.rand(batch, queries, 2), final=True), truth


@pytest.mark.parametrize('seed', range(5))
def test_every_class_is_matched_alone(seed):
    predictions, truth = problem(seed)
    bounds = [8.0, 16.0]
    (found,) = LengthwiseAssigner(COSTS, bounds)([predictions], truth)
    cost = HungarianAssigner(COSTS)._cost(predictions, truth.spans, truth)
    wanted = []
    for sample in range(3):
        for kind, (low, high) in enumerate([(0, 8), (8, 16), (16, 1e9)]):
            length = truth.spans[sample, :, 1] * truth.clip_mask[sample].sum()
            columns = [g for g in range(5) if truth.span_mask[sample, g] and low < length[g] <= high]
            block = cost[sample, 2 * kind : 2 * kind + 2][:, columns]
            wanted += [(sample, 2 * kind + r, columns[c]) for r, c in zip(*linear_sum_assignment(block))]
    assert sorted(zip(*(x.tolist() for x in (found.batch, found.query, found.gt)))) == sorted(wanted)
    torch.testing.assert_close(found.spans, truth.spans[found.batch, found.gt])


def test_a_moment_as_long_as_the_bound_belongs_below_it():
    predictions, truth = problem(0, batch=3)
    truth.spans[:] = torch.tensor([0.5, 10 / 30])  # in the second video, of 30 clips
    (found,) = LengthwiseAssigner(COSTS, [10.0])([predictions], truth)
    assert set(found.query[found.batch == 1].tolist()) == {0, 1, 2}
    assert set(found.query[found.batch == 0].tolist()) == {3, 4, 5}


def test_other_sets_are_matched_as_usual():
    predictions, truth = problem(1)
    predictions.name = 'event'
    (found,) = LengthwiseAssigner(COSTS, [8.0])([predictions], truth)
    (usual,) = HungarianAssigner(COSTS)([predictions], truth)
    assert found.query.tolist() == usual.query.tolist() and found.gt.tolist() == usual.gt.tolist()


@pytest.mark.parametrize('case', json.loads((DATA / 'la_detr_matching.json').read_text()))
def test_pairs_of_the_official_matcher(case):
    """Sixteen queries in four classes, on QVHighlights; the official code was run on the same numbers."""
    costs = {**COSTS, 'label': dict(type='ForegroundCost', weight=4.0)}
    _, targets = problem(0, moments=7, clips=75)
    spans = [[[(start + end) / 300, (end - start) / 150] for start, end in sample] for sample in case['windows']]
    targets.spans = pad_sequence([torch.tensor(sample) for sample in spans], batch_first=True, padding_value=0.5)
    targets.span_mask = torch.arange(targets.spans.shape[1]) < torch.tensor([[len(sample)] for sample in spans])
    targets.clip_mask = torch.ones(3, 75, dtype=torch.bool)
    found = PredictionSet('direct', torch.tensor(case['spans']), final=True, logits=torch.tensor(case['logits']))
    (pairs,) = LengthwiseAssigner(costs, [6.9, 16.0, 27.5])([found], targets)
    assert sorted(map(list, zip(*(x.tolist() for x in (pairs.batch, pairs.query, pairs.gt))))) == case['pairs']


def test_wrong_options():
    predictions, truth = problem(0)
    with pytest.raises(ValueError, match='6 queries for 4 classes'):
        LengthwiseAssigner(COSTS, [1, 2, 3])([predictions], truth)
    for bounds in ([], [0, 1], [3, 2], [2, 2]):
        with pytest.raises(ValueError, match='ascending order'):
            LengthwiseAssigner(COSTS, bounds)


def test_queries_repeat_with_the_vector_of_their_class():
    video = Tokens(torch.zeros(2, 5, 4), torch.ones(2, 5, dtype=torch.bool))
    memory = Memory(video=video, context=video)
    inner = dict(type='LearnedAnchorQueryInitializer', num_queries=3, embed_dims=4)
    module = LengthwiseQueryInitializer(inner, num_classes=2, embed_dims=4)
    assert isinstance(module.initializer, LearnedAnchorQueryInitializer)
    queries = module(memory)
    for row in range(6):
        assert queries.content[1, row].tolist() == module.classes.weight[row // 3].tolist()
        assert queries.anchors[1, row].tolist() == module.initializer.anchors.weight[row % 3].sigmoid().tolist()
    (group,) = queries.groups
    assert (group.name, group.start, group.stop) == ('direct', 0, 6)
