"""Checkpoints of R2-Tuning hold weights and no options: sizes come from them and from what all of them share."""

import pytest
import torch

from mmvmr.conversion import METHODS
from mmvmr.conversion.convert import convert
from mmvmr.conversion.downloads import read_registry
from mmvmr.registry import MODELS
from mmvmr.utils.config import read_config
from mmvmr.utils.errors import UserError

METHOD = METHODS['r2_tuning']
SIZES = {'video_channels': 768, 'text_channels': 512}


def norm_and_linear(name, *places):
    return [f'{name}.{place}.{part}' for place in places for part in ('weight', 'bias')]


def official_names(levels=4):
    """Names of all parameters of the official model."""
    names = ['adapter.gate', 'adapter.scale', 'pooling.att.weight', 'coef']
    for name in ('adapter.video_map', 'adapter.query_map'):
        names += norm_and_linear(name, 0, 2, 4, 6)
    names += norm_and_linear('adapter', 'v_map', 'q_map')
    for attention in ('self_att', 'cross_att'):
        names += norm_and_linear(f'adapter.tem.{attention}', *'qkvm')
        names += norm_and_linear('adapter.tem', f'{attention}_norm')
    names += norm_and_linear('adapter.tem', 'ffn_norm', 'ffn.mapping.0', 'ffn.mapping.2')
    for level in range(1, levels):
        for step in range(level):
            names += norm_and_linear(f'pyramid.blocks.{level}', 5 * step + 1, 5 * step + 3)
    return names + norm_and_linear('class_head.module', 1, 3) + norm_and_linear('coord_head.module', 1, 3)


@pytest.fixture(scope='module')
def shipped():
    """The shipped model, and its weights under their official names."""
    torch.manual_seed(0)
    model = MODELS.build(read_config('r2_tuning_qvhl').model)
    weights = dict(model.named_parameters())
    state = {name: weights[METHOD.rename(name)].detach().clone() for name in official_names()}
    assert len(state) == len(weights)
    return model, state


def test_a_checkpoint_without_options(shipped, tmp_path):
    model, state = shipped
    others = {'loss._loss_sal.scale': torch.ones(1), 'clip.visual.proj': torch.ones(2, 2)}
    torch.save({'state_dict': {**state, **others}, 'meta': {'epoch': 30}}, tmp_path / 'official.pth')
    converted, config = convert('r2_tuning', tmp_path / 'official.pth', None)
    for name, value in model.named_parameters():
        assert torch.equal(converted[name], value)
    assert config['projector']['video_dims'] == 4 * 50 * 768 + 2
    assert config['encoder']['encoder']['encoder']['fusion']['padding'] == 'include'


def test_downloads_are_evaluated_as_the_official_configs_say(shipped, tmp_path):
    _, state = shipped
    torch.save({'state_dict': {f'module.{key}': value for key, value in state.items()}}, tmp_path / 'official.pth')
    for name, rounding, suppression in (
        ('r2_tuning_qvhl', 2.0, 'HardNMS'),
        ('r2_tuning_charades', 0.1, 'SoftNMS'),
    ):
        _, config = convert('r2_tuning', tmp_path / 'official.pth', None, read_registry()[name].options)
        assert (config['postprocessor']['round_to'], config['postprocessor']['nms']['type']) == (rounding, suppression)


def test_options_are_those_of_the_shipped_configs():
    """But for what only the official code does, and windows rounded to clips, which is an option of the data set."""
    for name, changes in (
        ('r2_tuning_qvhl', {'unit': 2}),
        (
            'r2_tuning_charades',
            {
                'adapter_cfg': {**METHOD.defaults['adapter_cfg'], 'dropout': 0.35},
                'loss_cfg': {**METHOD.defaults['loss_cfg'], 'loss_sal': {'loss_weight': 0.01}},
                'nms_cfg': {'type': 'linear'},
                'unit': 0.1,
            },
        ),
    ):
        mapped = METHOD.model_config({**METHOD.defaults, **SIZES, **changes}).to_dict()
        assert mapped['encoder']['encoder']['encoder']['fusion'].pop('padding') == 'include'
        expected = read_config(name).model.to_dict()
        fusion = expected['encoder']['encoder']['encoder']['fusion']
        assert fusion.pop('padding', 'exclude') == 'exclude'
        assert mapped == expected


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'strides': [1, 2, 3]}, 'strides'),
        ({'adapter_cfg': {**METHOD.defaults['adapter_cfg'], 'use_tef': False}}, 'use_tef'),
    ],
)
def test_options_that_nothing_here_implements(change, message):
    with pytest.raises(ValueError, match=message):
        METHOD.model_config({**METHOD.defaults, **SIZES, **change})


def test_other_methods_still_ask_for_their_options(tmp_path):
    torch.save({'state_dict': {'x': torch.ones(1)}}, tmp_path / 'flash.pth')
    with pytest.raises(UserError, match=r'holds no options: give the opt\.json'):
        convert('flash_vtg', tmp_path / 'flash.pth', None)
