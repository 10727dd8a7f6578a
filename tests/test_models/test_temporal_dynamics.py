"""Temporal dynamics around every fusion."""

import copy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from testing import make_batch, shrink, tiny_model

from mmvmr.models.builder import fill_shared
from mmvmr.models.layers import frame_differences
from mmvmr.registry import MODELS
from mmvmr.structures import Features, Tokens

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
BASELINES = ('moment_detr', 'qd_detr', 'cg_detr', 'bam_detr', 'eatr', 'uvcom', 'tr_detr', 'sa_detr')
SHARED = dict(embed_dims=8, num_heads=2, ffn_dims=12, dropout=0.0)


def encoder_with_fusion(cfg):
    """The config of the innermost encoder, where a fusion lives or could live."""
    while 'encoder' in cfg:
        cfg = cfg.encoder
    return cfg


def with_dynamics(name, **options):
    cfg = Config.fromfile(CONFIGS / name / f'{name}_qvhl.py').model
    inner = encoder_with_fusion(cfg.encoder)
    inner.fusion = dict(type='TemporalDynamicsFusion', fusion=inner.get('fusion'), **options)
    return shrink(cfg)


def build(cfg, seed=0):
    torch.manual_seed(seed)
    return MODELS.build(copy.deepcopy(cfg))


def _features(lengths=(5, 3), words=(4, 2), seed=0, lead=0):
    generator = torch.Generator().manual_seed(seed)

    def tokens(lengths, lead=0):
        mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
        feat = torch.randn(len(lengths), max(lengths), 8, generator=generator)
        return Tokens(feat, mask, torch.randn(feat.shape, generator=generator), lead)

    return Features(tokens(lengths, lead), tokens(words))


def _fusion(beta=0.7, fusion=None, **options):
    torch.manual_seed(0)
    fusion = fusion or dict(type='TextToVideoFusion', num_layers=2, layer=dict(type='CrossEncoderLayer'))
    return MODELS.build(fill_shared(dict(type='TemporalDynamicsFusion', beta=beta, fusion=fusion, **options), SHARED))


def test_frame_differences():
    feat, start = torch.tensor([[[1.0], [4.0], [9.0]]]), torch.tensor([0.5])
    assert frame_differences(feat, start).flatten().tolist() == [0.5, 3.0, 5.0]
    assert frame_differences(feat[:, :0], start).shape == (1, 0, 1)


@pytest.mark.parametrize('beta', [0.0, 0.3, 0.7])
def test_both_paths_are_aligned_and_mixed(beta):
    fusion, features = _fusion(beta).eval(), _features()
    video = fusion.fusion(features).video.feat
    changes = fusion.projection(frame_differences(features.video.feat, fusion.start))
    aligned = fusion.dynamics(Features(features.video.replace(changes), features.text)).video.feat
    torch.testing.assert_close(fusion(features).video.feat, beta * video + (1 - beta) * aligned)


def test_learned_tokens_take_no_part():
    fusion, features = _fusion().eval(), _features(lead=1)
    out = fusion(features).video.feat
    assert torch.equal(out[:, 0], fusion.fusion(features).video.feat[:, 0])
    features.video.feat[:, 0] = 99.0  # no difference of a clip to the token
    torch.testing.assert_close(fusion(features).video.feat[:, 1:], out[:, 1:])
    alone = Features(Tokens(features.video.feat[:, :1], features.video.mask[:, :1], None, 1), features.text)
    assert torch.equal(fusion(alone).video.feat, fusion.fusion(alone).video.feat)


def test_default_path_takes_the_shared_arguments():
    fusion = _fusion()
    layer = fusion.dynamics.layers[0]
    assert len(fusion.dynamics.layers) == 1
    assert layer.ffn.linear1.out_features == 12
    assert layer.cross_attn.num_heads == 2
    with pytest.raises(ValueError, match=r'beta=1.5, expected a weight'):
        _fusion(1.5)


@pytest.mark.parametrize('text_dims', [8, 6])
def test_changes_of_a_video_are_projected_once_for_all_its_sentences(text_dims):
    inner = dict(type='ModulatedCrossFusion', text_embed_dims=text_dims, num_layers=1, path_dropout=0.0)
    fusion = _fusion(fusion=inner, text_embed_dims=text_dims).eval()
    assert fusion.late
    rows = torch.tensor([0, 0, 1])
    words = _features(words=(4, 2, 3)).text
    text = Tokens(words.feat[..., :text_dims], words.mask, words.pos[..., :text_dims])
    features = Features(_features().video, text, rows=rows)
    counted = []
    fusion.projection.register_forward_hook(lambda module, inputs, output: counted.append(len(output)))
    together = fusion(features)
    assert counted == [2]
    assert together.rows is None
    assert len(together.video.feat) == 3
    apart = fusion(features.paired()).video.feat
    torch.testing.assert_close(together.video.feat, apart)


@pytest.mark.parametrize('name', BASELINES)
def test_beta_one_is_the_baseline_bit_by_bit(name):
    baseline = tiny_model(CONFIGS / name / f'{name}_qvhl.py')
    model = build(with_dynamics(name, beta=1.0))
    weights = list(model.state_dict().values())
    assert all(torch.equal(a, b) for a, b in zip(weights, baseline.state_dict().values(), strict=True))
    losses = []
    for net in (baseline, model):
        torch.manual_seed(3)
        losses.append(net(**net.data_preprocessor(make_batch(), training=True), mode='loss'))
    assert losses[0].keys() == losses[1].keys()
    assert all(torch.equal(losses[0][key], losses[1][key]) for key in losses[0])


@pytest.mark.parametrize('name', BASELINES)
def test_every_baseline_trains_with_dynamics(name):
    model = build(with_dynamics(name)).train()
    losses = model(**model.data_preprocessor(make_batch(), training=True), mode='loss')
    assert all(torch.isfinite(value) for value in losses.values())
    sum(losses.values()).backward()
    assert not [key for key, parameter in model.named_parameters() if parameter.grad is None]
    start = next(p for key, p in model.named_parameters() if key.endswith('fusion.start'))
    assert start.grad.abs().sum() > 0


@pytest.mark.parametrize('name', BASELINES)
def test_batch_invariance(name):
    model = build(with_dynamics(name)).eval()
    batch = make_batch()
    with torch.no_grad():
        together = model(model.data_preprocessor(batch)['inputs'])
        for row in range(len(batch['inputs']['video'])):
            inputs = {key: [features[row]] for key, features in batch['inputs'].items()}
            alone = model(model.data_preprocessor({'inputs': inputs})['inputs'])
            torch.testing.assert_close(alone.final.spans[0], together.final.spans[row], atol=1e-5, rtol=1e-4)
            length = len(inputs['video'][0])
            torch.testing.assert_close(alone.saliency[0], together.saliency[row, :length], atol=1e-5, rtol=1e-4)


def test_both_directions_as_another_reading():
    """Text tokens that attend to clips and to dynamics as well: all parameters train, and the text changes."""
    both = dict(type='SharedCrossFusion', num_layers=2, layer=dict(type='CrossEncoderLayer'))
    model = build(with_dynamics('qd_detr', dynamics=dict(both))).train()
    losses = model(**model.data_preprocessor(make_batch(), training=True), mode='loss')
    sum(losses.values()).backward()
    assert not [key for key, parameter in model.named_parameters() if parameter.grad is None]
    fusion = _fusion(fusion=dict(both), dynamics=dict(both)).eval()
    features = _features()
    assert not torch.equal(fusion(features).text.feat, features.text.feat)
