"""Weights of views, and which rows of the outputs belong to a sample."""

import copy
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from testing import make_batch, make_targets, tiny_model

import mmvmr.models  # noqa: F401
from mmvmr.models.criterion import select_rows
from mmvmr.models.targets import build_targets
from mmvmr.structures import (
    Decoded,
    DenoisingPairs,
    Extra,
    Features,
    Memory,
    MismatchedPairs,
    Outputs,
    PredictionSet,
    Queries,
    QueryGroup,
    Tokens,
    batch_axis,
)

CONFIG = Path(__file__).resolve().parents[2] / 'configs/_base_/models/moment_detr.py'
BATCH = 4


def tokens(*lead):
    return Tokens(torch.rand(*lead, 3), torch.ones(*lead, dtype=torch.bool))


@dataclass(frozen=True)
class Declared(Extra):
    """Tensors with samples along the first, the second and no axis."""

    clips: Tokens
    moments: torch.Tensor = field(metadata=batch_axis(1))
    table: torch.Tensor = field(metadata=batch_axis(None))


def outputs_of(layers=2, queries=5, attn_mask=None, extras=()):
    """Outputs of four samples with random content."""
    video, text = tokens(BATCH, 13), tokens(BATCH, 7)
    negative = Memory(video, video, extras=(MismatchedPairs(torch.rand(BATCH) > 0.5),))
    block = QueryGroup('noise', 0, queries, matched_gt=torch.randint(3, (BATCH, queries)))
    pairs = DenoisingPairs(torch.randint(3, (BATCH, queries)))
    return Outputs(
        features=Features(video, text),
        memory=Memory(video, video, negative=negative, extras=extras),
        queries=Queries(torch.rand(BATCH, queries, 3), groups=[block], attn_mask=attn_mask),
        decoded=Decoded(torch.rand(layers, BATCH, queries, 3)),
        sets=[PredictionSet('noise', torch.rand(BATCH, queries, 2), final=True, extras=(pairs,))],
        saliency=torch.rand(BATCH, 13),
    )


@pytest.mark.parametrize('rows', [[2], [0, 3], []])
@pytest.mark.parametrize('layers', [2, BATCH])  # as many layers as samples
@pytest.mark.parametrize('queries', [5, BATCH])  # as many queries as samples
def test_select_rows(rows, layers, queries):
    mask = torch.rand(BATCH, queries, queries) > 0.5
    declared = Declared(tokens(BATCH, 6), torch.rand(layers, BATCH, queries), torch.rand(BATCH, 3))
    full = outputs_of(layers, queries, mask, (declared,))
    targets = make_targets()
    targets.views = ['a', 'b', 'c', 'd']
    kept, selected = select_rows(full, targets, rows)
    assert torch.equal(kept.decoded.hidden, full.decoded.hidden[:, rows])
    assert torch.equal(kept.memory.find(Declared).moments, declared.moments[:, rows])
    assert kept.memory.find(Declared).table is declared.table  # common to all samples
    pairs = [
        (kept.features.video.feat, full.features.video.feat),
        (kept.queries.attn_mask, mask),
        (kept.memory.find(Declared).clips.feat, declared.clips.feat),
        (kept.memory.negative.find(MismatchedPairs).valid, full.memory.negative.find(MismatchedPairs).valid),
        (kept.queries.content, full.queries.content),
        (kept.queries.groups[0].matched_gt, full.queries.groups[0].matched_gt),
        (kept.sets[0].spans, full.sets[0].spans),
        (kept.sets[0].find(DenoisingPairs).negative, full.sets[0].find(DenoisingPairs).negative),
        (kept.saliency, full.saliency),
        (selected.spans, targets.spans),
        (selected.pairs, targets.pairs),
    ]
    for found, whole in pairs:
        assert torch.equal(found, whole[rows])
    assert selected.views == [targets.views[row] for row in rows]
    assert full.queries.attn_mask is mask and full.decoded is not None  # what was given is left alone


def test_select_rows_names_what_has_no_samples():
    with pytest.raises(
        ValueError, match=r'MismatchedPairs.valid has shape \(7,\), expected the 4 samples of the batch along axis 0'
    ):
        select_rows(outputs_of(extras=(MismatchedPairs(torch.rand(7)),)), make_targets(), [0])


def test_samples_of_one_source_video_share_a_number():
    batch = make_batch(moments=(1, 1, 1, 1))
    names = [{'vid': 'a_0_8'}, {'vid': 'b'}, {'vid': 'a_8_16'}, {'vid': 'join-b-1', 'clip_vid': 'b'}]
    for sample, name in zip(batch['data_samples'], names):
        sample.set_metainfo(name)
    mask = torch.ones(4, max(len(sample.gt_clips) for sample in batch['data_samples']), dtype=torch.bool)
    first, second, third, fourth = build_targets(batch['data_samples'], mask).video_index.tolist()
    assert first == third != second == fourth


@pytest.fixture
def step():
    """Criterion, outputs and targets of four samples; the middle two are of another view."""
    model = tiny_model(CONFIG).eval()
    batch = model.data_preprocessor(make_batch(moments=(3, 1, 2, 1)), training=True)
    targets = build_targets(batch['data_samples'], batch['inputs']['video_mask'])
    targets.views = ['main', 'noisy', 'noisy', 'main']
    return model.criterion, model.predict_sets(batch['inputs'], targets), targets


def test_without_weights_means_are_joint(step):
    criterion, outputs, targets = step
    losses = criterion(outputs, targets)
    assert not any('@' in name for name in losses)
    targets.views = ['main'] * 4
    assert losses == criterion(outputs, targets)


def test_every_weighted_view_has_its_own_means(step):
    criterion, outputs, targets = step
    alone = {
        view: criterion(*select_rows(outputs, targets, rows)) for view, rows in (('main', [0, 3]), ('noisy', [1, 2]))
    }
    criterion = copy.copy(criterion)
    criterion.view_weights = {'main': 1.0, 'noisy': 0.5, 'absent': 3.0}
    losses = criterion(outputs, targets)
    assert set(losses) == {*alone['main'], *(f'{name}@noisy' for name in alone['noisy'])}
    for name, value in alone['main'].items():
        assert losses[name] == value
        assert losses[f'{name}@noisy'] == 0.5 * alone['noisy'][name]


def test_views_without_a_weight_are_left_out(step):
    criterion, outputs, targets = step
    alone = criterion(*select_rows(outputs, targets, [0, 3]))
    criterion.view_weights = {'main': 1.0}
    assert criterion(outputs, targets) == alone
