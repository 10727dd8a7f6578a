"""TD-DETR as a whole: sizes, official options and checkpoints, the official layer."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from testing import make_batch, shrink, tiny_model

from mmvmr.conversion import METHODS
from mmvmr.models.builder import fill_shared
from mmvmr.models.layers import frame_differences
from mmvmr.registry import MODELS

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
TEXT_POSITION = 8_704  # txt_position_embed of the official code, which nothing reads
SCRIPT = dict(
    hidden_dim=256,
    nheads=8,
    dim_feedforward=1024,
    v_feat_dim=2818,
    t_feat_dim=512,
    num_queries=10,
    dset_name='hl',
    clip_length=2,
    enc_layers=4,
    dec_layers=4,
    beta=0.7,
    lw_saliency=1.0,
    saliency_margin=0.2,
    eos_coef=0.1,
    **{f'set_cost_{name}': cost for name, cost in (('span', 1.0), ('giou', 10.0), ('class', 4.0))},
    **{f'{name}_loss_coef': weight for name, weight in (('span', 1.0), ('giou', 10.0), ('label', 4.0))},
)


def _count(cfg):
    with torch.device('meta'):
        return sum(parameter.numel() for parameter in MODELS.build(cfg).parameters())


@pytest.mark.parametrize(('layers', 'official'), [(2, 8_377_381), (3, 11_669_288), (4, 14_961_195)])
def test_official_parameter_counts(layers, official):
    """The card's 8.38, 11.67 and 14.96 M."""
    cfg = METHODS['td_detr'].model_config({**SCRIPT, 'enc_layers': layers, 'dec_layers': layers})
    assert _count(cfg) + TEXT_POSITION == official


def test_count_of_the_second_path():
    plain = _count(Config.fromfile(CONFIGS / 'qd_detr/qd_detr_clip_charades.py').model)
    both = _count(Config.fromfile(CONFIGS / 'td_detr/td+qd_detr_clip_charades.py').model)
    projection, layer = 2 * (2 * 256 + 256 * 256 + 256), 789_761
    assert both - plain == 256 + projection + layer


@pytest.mark.parametrize(('name', 'script'), [('qvhl', {}), ('charades', dict(dset_name='charades', clip_length=1))])
def test_official_config_is_the_official_option_map(name, script):
    if name == 'charades':
        script = dict(script, enc_layers=3, dec_layers=3, lw_saliency=4.0, set_cost_span=10.0, set_cost_giou=1.0)
        script |= dict(span_loss_coef=10.0, giou_loss_coef=1.0)
    named = METHODS['td_detr'].model_config({**SCRIPT, **script})
    found = Config.fromfile(CONFIGS / f'td_detr/td_detr_official_{name}.py').model
    for part in ('encoder', 'decoder', 'query_initializer', 'moment_head', 'saliency_head'):
        assert found[part] == named[part], part
    assert found.postprocessor.to_dict() == {**named.postprocessor.to_dict(), 'half_saliency': True}
    for loss, cfg in found.criterion.losses.items():
        assert cfg.weight == named.criterion.losses[loss].weight, loss
    assert found.criterion.assigner == named.criterion.assigner


@pytest.mark.parametrize(
    ('change', 'check'),
    [
        (dict(beta=0.3), lambda m: m.encoder.encoder.fusion.layers[0].beta == 0.3),
        (dict(aux_loss=False), lambda m: m.criterion.losses['span'].final_only),
        (dict(dset_name='tvsum'), lambda m: m.criterion.assigner is None and 'span' not in m.criterion.losses),
        (dict(dset_name='tacos'), lambda m: tuple(m.postprocessor.clamp) == (0, 1500)),
        (dict(use_txt_pos=True, max_q_l=40), lambda m: m.projector.text_position is not None),
        (dict(n_input_proj=3, num_queries=7), lambda m: len(m.projector.video) == 3),
    ],
)
def test_official_options(change, check):
    small = dict(hidden_dim=16, nheads=2, dim_feedforward=24, v_feat_dim=10, t_feat_dim=8, enc_layers=2, dec_layers=2)
    model = MODELS.build(METHODS['td_detr'].model_config({**SCRIPT, **small, **change}))
    assert check(model)
    losses = model(**model.data_preprocessor(make_batch(), training=True), mode='loss')
    assert sum(losses.values()).isfinite()


def test_official_options_that_are_refused():
    for change in (dict(pre_norm=True), dict(contrastive_align_loss=True), dict(span_loss_type='ce')):
        with pytest.raises(ValueError, match=next(iter(change))):
            METHODS['td_detr'].model_config({**SCRIPT, **change})


def _layer(beta):
    torch.manual_seed(0)
    cfg = dict(type='DynamicsCrossLayer', beta=beta)
    return MODELS.build(fill_shared(cfg, dict(embed_dims=8, num_heads=2, ffn_dims=12, dropout=0.0))).eval()


def test_official_layer_weighs_the_residual():
    layer = _layer(0.6)
    x, pos, words, start = torch.randn(2, 5, 8), torch.randn(2, 5, 8), torch.randn(2, 3, 8), torch.randn(8)
    mask = torch.tensor([[True, True, False], [True, True, True]])
    aligned = layer.dynamics_attn(layer.projection(frame_differences(x + pos, start)), words, words, mask)
    mixed = 0.6 * x + 0.4 * aligned + layer.cross_attn(x + pos, words, words, mask)
    expected = layer.norm2(mixed + layer.ffn(layer.norm1(mixed)))
    torch.testing.assert_close(layer(x, pos, words, words, mask, start), expected)
    with pytest.raises(ValueError, match='beta=-1'):
        _layer(-1)


def test_official_masks_can_be_those_of_each_sample():
    """With ``mask_layout='sample'`` the official layer does not depend on the batch either."""
    model = tiny_model(CONFIGS / 'td_detr/td_detr_official_qvhl.py').eval()
    model.encoder.encoder.fusion.mask_layout = 'sample'
    batch = make_batch()
    with torch.no_grad():
        together = model(model.data_preprocessor(batch)['inputs'])
        for row in range(len(batch['inputs']['video'])):
            inputs = {name: [features[row]] for name, features in batch['inputs'].items()}
            alone = model(model.data_preprocessor({'inputs': inputs})['inputs'])
            torch.testing.assert_close(alone.final.spans[0], together.final.spans[row], atol=1e-5, rtol=1e-4)


def test_one_start_vector_for_all_layers():
    model = MODELS.build(shrink(Config.fromfile(CONFIGS / 'td_detr/td_detr_official_charades.py').model)).train()
    losses = model(**model.data_preprocessor(make_batch(), training=True), mode='loss')
    sum(losses.values()).backward()
    starts = [name for name, parameter in model.named_parameters() if name.endswith('start')]
    assert starts == ['encoder.encoder.fusion.start']
    assert model.encoder.encoder.fusion.start.grad.abs().sum() > 0
