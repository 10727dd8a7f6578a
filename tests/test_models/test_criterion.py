"""Weights of views, and which rows of the outputs belong to a sample."""

import copy
from pathlib import Path

import pytest
import torch
from testing import make_batch, make_targets, tiny_model
from torch import nn

import mmvmr.models  # noqa: F401
from mmvmr.models.criterion import select_rows
from mmvmr.models.targets import build_targets
from mmvmr.structures import (
    Decoded,
    Features,
    Memory,
    Outputs,
    PredictionSet,
    Queries,
    QueryGroup,
    Tokens,
)

CONFIG = Path(__file__).resolve().parents[2] / 'configs/_base_/models/moment_detr.py'
BATCH = 4


def tokens(*lead):
    return Tokens(torch.rand(*lead, 3), torch.ones(*lead, dtype=torch.bool))


def outputs_of(layers=2, queries=5, attn_mask=None, aux=None, decoded_aux=None):
    """Outputs of four samples with random content."""
    video, text = tokens(BATCH, 13), tokens(BATCH, 7)
    negative = Memory(video, video, aux={'valid': torch.rand(BATCH) > 0.5})
    block = QueryGroup('noise', 0, queries, matched_gt=torch.randint(3, (BATCH, queries)))
    info = {'negative': torch.randint(3, (BATCH, queries))}
    return Outputs(
        features=Features(video, text),
        memory=Memory(video, video, negative=negative, aux=aux or {}),
        queries=Queries(torch.rand(BATCH, queries, 3), groups=[block], attn_mask=attn_mask),
        decoded=Decoded(torch.rand(layers, BATCH, queries, 3), aux=decoded_aux or {}),
        sets=[PredictionSet('noise', torch.rand(BATCH, queries, 2), final=True, info=info)],
        saliency=torch.rand(BATCH, 13),
    )


@pytest.mark.parametrize('rows', [[2], [0, 3], []])
@pytest.mark.parametrize('layers', [2, BATCH])  # as many layers as samples
@pytest.mark.parametrize('queries', [5, BATCH])  # as many queries as samples
def test_select_rows(rows, layers, queries):
    mask = torch.rand(queries, queries) > 0.5
    aux = {'table': nn.Parameter(torch.rand(BATCH, 3)), 'clips': tokens(BATCH, 6)}
    full = outputs_of(layers, queries, mask, aux, {'moments': torch.rand(layers, BATCH, queries, 3)})
    targets = make_targets()
    targets.views = ['a', 'b', 'c', 'd']
    kept, selected = select_rows(full, targets, rows)
    assert torch.equal(kept.decoded.hidden, full.decoded.hidden[:, rows])
    assert torch.equal(kept.decoded.aux['moments'], full.decoded.aux['moments'][:, rows])
    assert kept.queries.attn_mask is mask  # common to all samples
    assert kept.memory.aux['table'] is aux['table']
    pairs = [
        (kept.features.video.feat, full.features.video.feat),
        (kept.memory.aux['clips'].feat, aux['clips'].feat),
        (kept.memory.negative.aux['valid'], full.memory.negative.aux['valid']),
        (kept.queries.content, full.queries.content),
        (kept.queries.groups[0].matched_gt, full.queries.groups[0].matched_gt),
        (kept.sets[0].spans, full.sets[0].spans),
        (kept.sets[0].info['negative'], full.sets[0].info['negative']),
        (kept.saliency, full.saliency),
        (selected.spans, targets.spans),
        (selected.pairs, targets.pairs),
    ]
    for found, whole in pairs:
        assert torch.equal(found, whole[rows])
    assert selected.views == [targets.views[row] for row in rows]
    assert full.queries.attn_mask is mask and full.decoded is not None  # what was given is left alone


def test_select_rows_of_a_mask_per_sample():
    mask = torch.rand(BATCH, BATCH, BATCH) > 0.5
    kept, _ = select_rows(outputs_of(queries=BATCH, attn_mask=mask), make_targets(), [1, 3])
    assert torch.equal(kept.queries.attn_mask, mask[[1, 3]])


def test_select_rows_names_what_has_no_samples():
    with pytest.raises(ValueError, match=r'the 4 samples of the batch in dimension 0 .* shape \(7, 3\): expand it'):
        select_rows(outputs_of(aux={'table': torch.rand(7, 3)}), make_targets(), [0])


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
