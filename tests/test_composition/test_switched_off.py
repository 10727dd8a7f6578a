"""A component that is switched off leaves the baseline as it was, bit by bit."""

import re

import pytest
import torch

from mmvmr.composition import compose

from .bases import BASELINES, build, loss_of, make_batch, predictions_of

#: Config keys that switch a component off, and what its wrapper puts into the names of parameters.
LOSSES = 'model.criterion.losses'
AUGMENT = 'train_dataloader.dataset.pipeline.augment'
NOISE = {f'{LOSSES}.noise_{name}': None for name in ('span', 'giou', 'quality')}
MODULATOR = 'model.decoder.layer.cross_attn.modulator'
OFF = {
    'td.synthesizer': ({f'{AUGMENT}.synthesis': None}, ''),
    'td.dynamics': ({'fusion.beta': 1}, r'fusion\.(?=fusion)'),
    'bm.temporal_shift': ({f'{AUGMENT}.shift': None}, ''),
    'bm.alignment': ({f'{LOSSES}.alignment': None}, ''),
    'sa.noise': ({'model.query_initializer.noise': None, **NOISE}, r'(?<=query_initializer\.)direct\.'),
    'sa.gaussian': ({MODULATOR: None}, ''),
    'sa.enhance': ({'model.decoder.layer.enhance': None}, ''),
    'sa.alignment': (
        {f'{LOSSES}.{name}': None for name in ('video_text', 'clip_local', 'clip_intra', 'clip_inter')},
        '',
    ),
}


def inner_path(cfg):
    """Dotted path of the encoder inside all wrappers."""
    path, node = 'model.encoder', cfg.model.encoder
    while 'encoder' in node:
        path, node = f'{path}.encoder', node['encoder']
    return path


@pytest.mark.parametrize('part', OFF)
@pytest.mark.parametrize('name', ['qd_detr', 'cg_detr', 'bam_detr', 'uvcom', 'tr_detr'])
def test_off(bases, name, part):
    base = bases[name]
    changes, wrapper = OFF[part]
    changes = {key.replace('fusion.beta', f'{inner_path(base)}.fusion.beta'): value for key, value in changes.items()}
    own = base.model.criterion.losses
    cfg = compose(base, [part])
    cfg.merge_from_dict({key: value for key, value in changes.items() if own.get(key.rsplit('.', 1)[1]) is None})
    assert_same_model(base, cfg, wrapper)


@pytest.mark.parametrize('name', BASELINES)
def test_nothing(bases, name):
    cfg = compose(bases[name], [])
    assert cfg.to_dict() == bases[name].to_dict()
    assert cfg is not bases[name]


def assert_same_model(base, cfg, wrapper=''):
    plain, other = build(base), build(cfg)
    state = plain.state_dict()
    renamed = {re.sub(wrapper, '', key): key for key in other.state_dict()}
    assert list(renamed) == list(state)
    other.load_state_dict({renamed[key]: value for key, value in state.items()})
    wanted, found = make_batch(base), make_batch(cfg)
    for one, same in zip(wanted['inputs'].values(), found['inputs'].values(), strict=True):
        assert all(map(torch.equal, one, same))
    losses, others = loss_of(plain, wanted), loss_of(other, found)
    assert {key: value.item() for key, value in losses.items()} == {k: v.item() for k, v in others.items()}
    inputs = {key: wanted['inputs'][key][:3] for key in ('video', 'text')}
    for row, same in zip(predictions_of(plain, inputs), predictions_of(other, inputs), strict=True):
        assert all(map(torch.equal, row, same))


@pytest.mark.parametrize('name', ['moment_detr', 'eatr'])
def test_what_a_component_brings_stays_when_it_is_switched_off(bases, name):
    """Where a baseline has no anchors or a joint context, switching off leaves those that the component needs."""
    cfg = compose(bases[name], ['sa.gaussian'])
    cfg.merge_from_dict({MODULATOR: None})
    assert 'VideoContextEncoder' in str(cfg.model.encoder)
    loss_of(build(cfg), make_batch(cfg))
