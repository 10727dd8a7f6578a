"""Existence head and false premises on every kind of detector, from configs alone."""

import math

import pytest
import torch
from mmengine.config import Config
from run_helpers import REPO

from mmvmr.composition import AlreadyThereError, CompositionError, compose
from mmvmr.datasets import moment_collate
from mmvmr.datasets.collate import video_collate
from mmvmr.models.criterion import select_rows
from mmvmr.models.targets import build_targets
from mmvmr.registry import DATASETS, MODELS

from .bases import BASELINES, build, loss_of, make_batch

PARTS = ['gmr.false_premise', 'gmr.existence']
TRAINED = {'gmr.existence.source': 'clips'}
DENSE = {
    'snag': 'snag/snag_clip_charades.py',
    'univtg': 'univtg/univtg_clip_charades.py',
    'mmn': 'mmn/mmn_clip_charades.py',
}


def dense(name):
    """A dense baseline on synthetic data, whose widths it takes."""
    cfg = Config.fromfile(REPO / 'configs' / DENSE[name])
    synthetic = Config.fromfile(REPO / 'configs/_base_/datasets/synthetic.py')
    cfg.feature_spec = synthetic.feature_spec
    cfg.train_dataloader.dataset = synthetic.train_dataloader.dataset
    spec = dict(num_videos=3, video_dim=8, text_dim=384, clip_len=1.0, context_correlation=0.0)
    cfg.train_dataloader.dataset.update(spec)
    cfg.model.projector.update(video_dims=10, text_dims=384)
    return cfg


@pytest.mark.parametrize('name', BASELINES)
def test_set_prediction(bases, name):
    cfg = compose(bases[name], PARTS, TRAINED)
    model, batch = build(cfg), make_batch(cfg)
    views = [sample.view for sample in batch['data_samples']]
    assert views == ['main'] * 4 + ['false_premise'] * 4
    assert all(len(sample.gt_instances.spans) == 0 for sample in batch['data_samples'][4:])
    losses = loss_of(model, batch)
    assert all(torch.isfinite(value) for value in losses.values()), losses
    sum(losses.values()).backward()
    assert not [name for name, parameter in model.named_parameters() if parameter.grad is None]
    samples = model.eval()(**model.data_preprocessor(batch), mode='predict')
    assert all(0 < sample.pred_existence < 1 for sample in samples)
    assert [sample.pred_accepted for sample in samples] == [sample.pred_existence > 0.5 for sample in samples]


@pytest.mark.parametrize('name', BASELINES)
def test_span_losses_do_not_see_false_premises(bases, name):
    """Losses of spans are those of the samples that have moments, whatever else is in the batch."""
    cfg = compose(bases[name], PARTS, TRAINED)
    model, batch = build(cfg).eval(), make_batch(cfg)
    data = model.data_preprocessor(batch)
    targets = build_targets(data['data_samples'], data['inputs']['video_mask'])
    assert targets.described.tolist() == [True] * 4 + [False] * 4
    outputs = model.predict_sets(data['inputs'], targets)
    together, alone = (
        {key: value for key, (_, value) in model.criterion.terms(*pair).items()}
        for pair in ((outputs, targets), select_rows(outputs, targets, [0, 1, 2, 3]))
    )
    of_pairs = ('span', 'giou', 'video_text', 'video_sentence', 'moment_sentence', 'alignment')
    seen = [key for key in together if key.split('.')[0] in of_pairs]
    assert len(seen) >= 2
    for key in seen:
        torch.testing.assert_close(together[key], alone[key])


@pytest.mark.parametrize('name', DENSE)
def test_dense(name):
    cfg = compose(dense(name), PARTS, {'gmr.existence.source': 'candidates'} if name == 'mmn' else TRAINED)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    first, second = dataset.rows[0]['vid'], dataset.rows[-1]['vid']
    groups = [tuple(i for i, row in enumerate(dataset.rows) if row['vid'] == vid) for vid in (first, second)]
    collate = moment_collate if name == 'univtg' else video_collate
    batch = collate([dataset[group] for group in groups])
    views = [sample.view for sample in batch['data_samples']]
    assert views.count('false_premise') == views.count('main') == sum(map(len, groups))
    model = MODELS.build(cfg.model)
    model.existence_head.similarity.fit(dataset)
    losses = loss_of(model, batch)
    assert all(torch.isfinite(value) for value in losses.values()), losses
    sum(losses.values()).backward()
    head = dict(model.existence_head.named_parameters())
    assert all(parameter.grad.abs().sum() > 0 for parameter in head.values())
    samples = model.eval()(**model.data_preprocessor(batch), mode='predict')
    assert all(0 < sample.pred_existence < 1 for sample in samples)


@pytest.mark.parametrize('name', ['tr_detr', 'uvcom', 'cg_detr', 'bm_detr'])
def test_a_batch_of_false_premises_has_no_pairs(bases, name):
    cfg = compose(bases[name], PARTS, TRAINED)
    model, batch = build(cfg), make_batch(cfg)
    batch = {
        'inputs': {key: values[4:] for key, values in batch['inputs'].items()},
        'data_samples': batch['data_samples'][4:],
    }
    losses = loss_of(model, batch)
    assert all(torch.isfinite(value) for value in losses.values()), losses
    of_pairs = [key for key, loss in model.criterion.losses.items() if getattr(loss, 'described_only', False)]
    assert of_pairs and all(losses[f'loss_{key}'] == 0 for key in of_pairs)


def test_labels_of_the_loss(bases):
    """Four moments and four false premises, a head that always says 0.8: -(log 0.8 + log 0.2) / 2."""
    cfg = compose(bases['qd_detr'], PARTS, {'gmr.existence.weight': 3.0, 'gmr.existence.similarity': None})
    model, batch = build(cfg), make_batch(cfg)
    last = model.existence_head.mlp.layers[-1]
    last.weight.data.zero_()
    last.bias.data.fill_(math.log(4.0))
    assert loss_of(model, batch)['loss_existence'].item() == pytest.approx(-1.5 * (math.log(0.8) + math.log(0.2)))
    del cfg.train_dataloader.dataset.pipeline.augment['false_premise']
    plain = make_batch(cfg)
    assert loss_of(model, plain)['loss_existence'].item() == pytest.approx(-3 * math.log(0.8), rel=1e-5)


def test_calibration_is_part_of_the_weights(bases):
    model = build(compose(bases['qd_detr'], ['gmr.existence'], {'gmr.existence.similarity': None}))
    state = model.state_dict()
    assert state['existence_head.temperature'] == 1 and state['existence_head.threshold'] == 0.5
    model.existence_head.mlp.layers[-1].weight.data.zero_()
    model.existence_head.mlp.layers[-1].bias.data.fill_(2 * math.log(3.0))
    model.load_state_dict({**model.state_dict(), 'existence_head.temperature': torch.tensor(2.0)})
    model.existence_head.threshold.fill_(0.7)
    batch = make_batch(compose(bases['qd_detr'], ['gmr.false_premise']))
    samples = model.eval()(**model.data_preprocessor(batch), mode='predict')
    assert [sample.pred_existence for sample in samples] == pytest.approx([0.75] * 8)  # 3 / (3 + 1)
    assert all(sample.pred_accepted for sample in samples)
    model.existence_head.threshold.fill_(0.8)
    samples = model(**model.data_preprocessor(batch), mode='predict')
    assert not any(sample.pred_accepted for sample in samples)


def test_without_the_parts_nothing_changes(bases):
    model = build(bases['qd_detr'])
    assert model.existence_head is None and not [key for key in model.state_dict() if 'existence' in key]
    samples = model.eval()(**model.data_preprocessor(make_batch(bases['qd_detr'])), mode='predict')
    assert samples[0].get('pred_existence') is None


def test_twice(bases):
    with pytest.raises(AlreadyThereError, match='existence_head is a ExistenceHead already'):
        compose(compose(bases['qd_detr'], ['gmr.existence']), ['gmr.existence'])


def test_a_head_in_closed_form_adds_nothing_to_train(bases):
    plain = build(bases['qd_detr'])
    cfg = compose(bases['qd_detr'], ['gmr.existence'])
    assert cfg.model.existence_head.source == 'similarity'
    assert 'existence' not in cfg.model.criterion.losses
    model, batch = build(cfg), make_batch(cfg)
    assert [name for name, _ in model.named_parameters()] == [name for name, _ in plain.named_parameters()]
    losses = model(**model.data_preprocessor(batch, True), mode='loss')
    assert not any('existence' in name for name in losses)
    with torch.no_grad():
        assert model.eval()(**model.data_preprocessor(batch, False), mode='predict')[0].pred_existence == 0.5


@pytest.mark.parametrize(
    ('base', 'source'),
    [('mmn/mmn_clip_charades', 'candidates'), ('univtg/univtg_qvhl', 'clips'), ('qd_detr/qd_detr_qvhl', 'queries')],
)
def test_a_head_looks_at_the_similarity_where_there_is_one(base, source):
    """As published it looks at what the model makes, and is trained."""
    path = REPO / 'configs' / f'{base}.py'
    cfg = compose(path, ['gmr.existence'])
    assert cfg.model.existence_head.source == 'similarity' and 'embed_dims' not in cfg.model.existence_head
    assert 'existence' not in cfg.model.criterion.losses
    cfg = compose(path, ['gmr.existence'], {'gmr.existence.similarity': None})
    assert cfg.model.existence_head.get('source', 'queries') == source and 'existence' in cfg.model.criterion.losses


@pytest.mark.parametrize('base', ['mmn/mmn_charades', 'r2_tuning/r2_tuning_qvhl'])
def test_token_numbers_and_layers_of_an_encoder_have_no_similarity(base):
    path = REPO / 'configs' / f'{base}.py'
    cfg = compose(path, ['gmr.existence'])
    assert 'similarity' not in cfg.model.existence_head and 'existence' in cfg.model.criterion.losses
    with pytest.raises(CompositionError, match='without similarity there is nothing that source=similarity could'):
        compose(path, ['gmr.existence'], {'gmr.existence.source': 'similarity'})
    with pytest.raises(CompositionError, match="similarity='cca' would change nothing"):
        compose(path, ['gmr.existence'], {'gmr.existence.similarity': 'cca'})


def test_existence_does_not_depend_on_padding(bases):
    cfg = compose(bases['qd_detr'], PARTS, {'gmr.existence.source': 'clips'})
    model, batch = build(cfg).eval(), make_batch(cfg)
    inputs = {name: batch['inputs'][name][:2] for name in ('video', 'text')}
    inputs['video'] = [inputs['video'][0], inputs['video'][1][:-9]]
    with torch.no_grad():
        both = model(model.data_preprocessor({'inputs': inputs})['inputs']).existence.logits
        alone = {name: values[1:] for name, values in inputs.items()}
        single = model(model.data_preprocessor({'inputs': alone})['inputs']).existence.logits
    torch.testing.assert_close(both[1:], single, atol=1e-5, rtol=1e-4)


def test_loss_without_head(bases):
    cfg = bases['qd_detr'].copy()
    cfg = Config(cfg.to_dict())
    cfg.model.criterion.losses.existence = dict(type='ExistenceLoss')
    with pytest.raises(ValueError, match=r'ExistenceLoss needs model\.existence_head'):
        loss_of(build(cfg), make_batch(cfg))
