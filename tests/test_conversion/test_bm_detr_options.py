"""Official options of BM-DETR as config changes, and its recordings beside the model."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from parity.comparison import check_data, check_functions
from parity.groups import Tolerances
from parity.methods import RECORDINGS
from testing import make_batch
from torch import nn

import mmvmr.models  # noqa: F401
from mmvmr.conversion import METHODS
from mmvmr.registry import MODELS
from mmvmr.utils.io import read_json

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
OPTIONS = dict(
    hidden_dim=256,
    nheads=8,
    dim_feedforward=1024,
    v_feat_dim=2818,
    t_feat_dim=512,
    num_queries=10,
    enc_layers=3,
    dec_layers=3,
    set_cost_span=1,
    set_cost_giou=8,
    set_cost_class=8,
    span_loss_coef=1,
    giou_loss_coef=8,
    label_loss_coef=8,
    class_loss_coef=1,
    eos_coef=0.1,
    lw_saliency=1.0,
    saliency_margin=0.2,
    lw_prob_loss_coef=2.0,
    lw_contrastive_loss_coef=3.0,
    contrastive_hdim=256,
    temperature=0.07,
    max_v_l=75,
    clip_length=2,
    max_q_l=32,
)


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        ('official_qvhl', {}),
        (
            'official_charades',
            dict(additional_losses=['shifting'], lw_saliency=4.0, lw_contrastive_loss_coef=1.0, clip_length=1),
        ),
    ],
)
def test_official_configs_are_the_official_option_map(name, options):
    mapped = METHODS['bm_detr'].model_config({**OPTIONS, **options})
    ours = Config.fromfile(CONFIGS / 'bm_detr' / f'bm_detr_{name}.py').model
    models = [MODELS.build(cfg) for cfg in (ours, mapped)]
    shapes = [{key: value.shape for key, value in model.state_dict().items()} for model in models]
    assert shapes[0] == shapes[1]
    assert str(models[0]) == str(models[1])
    for part in ('encoder', 'postprocessor', 'criterion'):
        flat = [dict(plain_options(getattr(model, part))) for model in models]
        assert flat[0] == flat[1]
    weights = [model.criterion.view_weights for model in models]
    assert weights[0] == weights[1] == ({'main': 0.5, 'shift': 0.5} if options else {'main': 1.0})


def plain_options(module):
    """Numbers, strings and such that the modules below keep."""
    for name, part in module.named_modules():
        for key, value in vars(part).items():
            if isinstance(value, (str, int, float, tuple)) and not key.startswith('_'):
                yield f'{name}.{key}', value


@pytest.mark.parametrize(
    ('change', 'check'),
    [
        (dict(use_txt_pos=True), lambda m: m.projector.text_position is not None),
        (dict(transformer_activation='gelu'), lambda m: isinstance(m.decoder.layers[0].ffn.activation, nn.GELU)),
        (dict(n_input_proj=3), lambda m: len(m.projector.video) == 3),
        (dict(lw_contrastive_loss_coef=0), lambda m: m.criterion.losses['alignment'].weight == 0),
        (dict(contrastive_hdim=12), lambda m: m.criterion.losses['alignment'].text_projection.out_features == 12),
        (dict(prob_thd=2.0), lambda m: m.criterion.losses['frame_guidance'].target == 2),
        (dict(enc_layers=1), lambda m: len(m.encoder.encoder.layers.layers) == 1),
    ],
)
def test_official_options(change, check):
    small = dict(hidden_dim=16, nheads=2, dim_feedforward=24, v_feat_dim=10, t_feat_dim=8)
    model = MODELS.build(METHODS['bm_detr'].model_config({**OPTIONS, **small, **change}))
    assert check(model)
    batch = make_batch()
    batch['inputs']['neg_text'] = [torch.randn(5, 8), None, torch.randn(9, 8), None]
    losses = model(**model.data_preprocessor(batch), mode='loss')
    assert sum(losses.values()).isfinite()


def test_official_options_that_are_refused():
    for change in (dict(pre_norm=True), dict(span_loss_type='ce'), dict(position_embedding='learned')):
        with pytest.raises(ValueError, match=next(iter(change))):
            METHODS['bm_detr'].model_config({**OPTIONS, **change})


@pytest.mark.parametrize(
    ('file', 'name', 'group'),
    [
        ('temporal_shift.npz', '6.shifted_span_label', 'temporal shifting'),
        ('outputs.npz', 'extra.sine256_out', 'sine code'),
        ('targets.npz', 'shifting.match_labels', 'data pipeline'),
        ('inputs.npz', 'qv.neg_src_txt', 'data pipeline'),
    ],
)
def test_a_changed_recording_is_noticed(shared_dir, tmp_path, file, name, group):
    """Parts of a recording beside the model are compared too."""
    folder = tmp_path / 'bm_detr'
    shutil.copytree(shared_dir / 'parity' / 'bm_detr', folder)
    folder.chmod(0o755)
    arrays = dict(np.load(folder / file))
    arrays[name] = arrays[name] + arrays[name].dtype.type(1)
    (folder / file).unlink()
    np.savez(folder / file, **arrays)
    config = read_json(folder / 'config.json')
    groups = [
        check_data(RECORDINGS['bm_detr'], folder, config),
        *check_functions(RECORDINGS['bm_detr'], folder, config, Tolerances()),
    ]
    assert [(g.name, g.where) for g in groups if not g.passed] == [(group, name)]


def test_other_draws_are_refused(shared_dir, tmp_path):
    folder = tmp_path / 'bm_detr'
    shutil.copytree(shared_dir / 'parity' / 'bm_detr', folder)
    folder.chmod(0o755)
    draws = read_json(folder / 'draws.json')
    shift = next(draw for draw in draws[0] if draw['fn'] == 'sample' and draw['k'] == 1 and draw['pop'][0] == 0)
    shift['pop'] = [*shift['pop'], len(shift['pop'])]  # a place at the very end
    (folder / 'draws.json').unlink()
    (folder / 'draws.json').write_text(json.dumps(draws))
    with pytest.raises(ValueError, match='draws otherwise than recorded'):
        check_data(RECORDINGS['bm_detr'], folder, read_json(folder / 'config.json'))
