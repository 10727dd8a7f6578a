"""Official checkpoints of MMN: with DistilBERT in them, and with options in YAML."""

import json

import pytest
import torch
import yaml
from parity.recording import load_arrays

from mmvmr.conversion import METHODS
from mmvmr.conversion.checkpoints import read_options
from mmvmr.registry import MODELS

METHOD = METHODS['mmn']


@pytest.fixture
def recorded(shared_dir):
    folder = shared_dir / 'parity' / 'mmn'
    return load_arrays(folder / 'state_dict.npz'), json.loads((folder / 'config.json').read_text())['args']


def test_options_in_yaml(tmp_path, recorded):
    (tmp_path / 'config.yml').write_text(yaml.safe_dump(recorded[1]))
    assert read_options(tmp_path / 'config.yml') == recorded[1]
    (tmp_path / 'config.yml').write_text('a: [1')
    with pytest.raises(ValueError, match='not valid YAML'):
        read_options(tmp_path / 'config.yml')
    (tmp_path / 'config.yml').write_text('- 1')
    with pytest.raises(ValueError, match='expected an object of options, found list'):
        read_options(tmp_path / 'config.yml')


def test_recorded_weights_have_no_text_encoder(recorded):
    state, args = recorded
    config = METHOD.model_config({**args, **METHOD.hints(state)})
    assert config.projector.text_encoder is None
    METHOD.load(MODELS.build(config), state)


def test_weights_with_a_text_encoder(recorded):
    transformers = pytest.importorskip('transformers')
    state, args = recorded
    # The published architecture: its parameters, and a constant of older versions of the package.
    config = transformers.AutoConfig.for_model('distilbert')
    with torch.device('meta'):
        names = transformers.AutoModel.from_config(config).state_dict()
    bert = {f'module.text_encoder.bert.{name}': torch.empty_like(v, device='meta') for name, v in names.items()}
    bert['module.text_encoder.bert.embeddings.position_ids'] = torch.arange(512).unsqueeze(0)
    state = {**{f'module.{name}': value for name, value in state.items()}, **bert}
    options = {**args, **METHOD.hints({key.removeprefix('module.'): value for key, value in state.items()})}
    with torch.device('meta'):
        model = MODELS.build(METHOD.model_config(options))
    converted = METHOD.convert(state)
    converted.pop(None, None)
    assert set(converted) == set(model.state_dict())
    assert all(value.shape == model.state_dict()[name].shape for name, value in converted.items())
    assert model.projector.text_dims == 1


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(TEXT_ENCODER=dict(NAME='LSTM')), "official option NAME='LSTM' is not implemented"),
        (dict(FEAT2D=dict(NAME='dense', POOLING_COUNTS=[3])), "FEAT2D.NAME='dense'"),
    ],
)
def test_options_that_do_not_exist(recorded, change, message):
    args = recorded[1]
    args['MODEL']['MMN'].update(change)
    with pytest.raises(ValueError, match=message):
        METHOD.model_config(args)


def test_map_by_convolutions(recorded):
    state, args = recorded
    args['MODEL']['MMN']['FEAT2D']['NAME'] = 'conv'
    for step in range(11):
        state[f'feat2d.convs.{step}.weight'] = torch.zeros(32, 32, 3 if step == 7 else 2)
        state[f'feat2d.convs.{step}.bias'] = torch.zeros(32)
    METHOD.load(MODELS.build(METHOD.model_config(args)), state)
