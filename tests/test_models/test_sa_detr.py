"""SA-DETR as a whole: training step, inference, batch invariance, its parts on baselines."""

import copy
from pathlib import Path

import pytest
import torch
from testing import make_batch, tiny_model

from mmvmr.models.targets import build_targets

REPO = Path(__file__).resolve().parents[2]
SA = REPO / 'configs/sa_detr/sa_detr_qvhl.py'
MODELS = REPO / 'configs/_base_/models'
CONFIGS = sorted((REPO / 'configs/sa_detr').glob('*.py'))
TRANSFERRED = [REPO / f'configs/qd_detr/qd_detr_{name}_qvhl.py' for name in ('dynamic_anchor', 'gaussian')]

# The content of the first layer is zero at the first step, so that the weights which multiply it get no gradient yet.
FIRST_STEP = ('decoder.layers.0.self_attn', 'decoder.layers.0.norm1', 'decoder.layers.0.cross_attn.query_content')


def losses_of(model, batch=None):
    torch.manual_seed(1)
    return model(**model.data_preprocessor(batch or make_batch()), mode='loss')


def outputs_of(model, batch):
    with torch.no_grad():
        return model(**model.data_preprocessor(batch), mode='tensor')


def ids(path):
    return path.stem


@pytest.mark.parametrize('path', [*CONFIGS, *TRANSFERRED], ids=ids)
def test_every_config_trains_all_parameters_and_predicts(path):
    model = tiny_model(path)
    losses = losses_of(model)
    assert all(value.isfinite() for value in losses.values())
    sum(losses.values()).backward()
    missing = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert missing == []
    idle = [n for n, p in model.named_parameters() if p.grad.abs().sum() == 0 and not n.startswith(FIRST_STEP)]
    assert idle == []
    batch = make_batch()
    for sample in model.eval()(**model.data_preprocessor(batch), mode='predict'):
        assert sample.pred_instances.windows.shape == (10, 2)
        assert sample.pred_instances.scores.diff().max() <= 0
        assert sample.pred_saliency.shape == (sample.num_clips,)


def test_every_group_and_layer_has_its_losses():
    names = set(losses_of(tiny_model(SA)))
    layers = {f'loss_{kind}{layer}' for kind in ('span', 'giou', 'quality') for layer in ('', '.0')}
    init = {f'loss_init_{kind}.init.0' for kind in ('span', 'giou')}
    noise = {f'loss_noise_{kind}.noise.{layer}' for kind in ('span', 'giou', 'quality') for layer in (0, 1)}
    align = {'loss_video_text', 'loss_clip_local', 'loss_clip_intra', 'loss_clip_inter'}
    assert names == layers | init | noise | align | {f'loss_saliency_{k}' for k in ('margin', 'rank', 'negative')}


@pytest.mark.parametrize('moments', [(0, 0, 0, 0), (0, 2, 0, 0)])
def test_samples_without_moments_leave_losses_and_gradients_finite(moments):
    model = tiny_model(SA)
    losses = losses_of(model, make_batch(moments=moments))
    assert all(value.isfinite() for value in losses.values())
    sum(losses.values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    if not sum(moments):
        assert losses['loss_noise_span.noise.1'] == losses['loss_span'] == losses['loss_noise_quality.noise.0'] == 0


def test_one_sample_alone_trains():
    model = tiny_model(SA)
    losses = losses_of(model, make_batch((7,), (3,), (1,)))
    assert all(value.isfinite() for value in losses.values())


def test_evaluation_is_independent_of_the_rest_of_the_batch():
    model = tiny_model(SA).eval()
    batch = make_batch()
    together = outputs_of(model, batch)
    for row, (video, text, sample) in enumerate(zip(*batch['inputs'].values(), batch['data_samples'])):
        alone = outputs_of(model, dict(inputs=dict(video=[video], text=[text]), data_samples=[sample]))
        for found, expected in (
            (together.final.spans[row], alone.final.spans[0]),
            (together.final.quality[row], alone.final.quality[0]),
            (together.queries.init_sets[0].spans[row], alone.queries.init_sets[0].spans[0]),
            (together.saliency[row, : len(video)], alone.saliency[0]),
        ):
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_noise_queries_do_not_reach_the_direct_ones():
    """Same weights without dropout: the predictions of the direct group are equal with and without noise."""
    model = tiny_model(SA, dict(projector=dict(input_dropout=0.0), shared=dict(dropout=0.0)))
    batch = model.data_preprocessor(make_batch())
    targets = build_targets(batch['data_samples'], batch['inputs']['video_mask'])
    with torch.no_grad():
        noisy = model.predict_sets(batch['inputs'], targets)
        plain = model.predict_sets(batch['inputs'])
    assert noisy.decoded.hidden.shape[2] == 10 + 5 * 2 * 3
    assert plain.decoded.hidden.shape[2] == 10
    torch.testing.assert_close(noisy.final.spans, plain.final.spans, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(noisy.final.quality, plain.final.quality, atol=1e-6, rtol=1e-6)


WITHOUT_NOISE = dict(losses=dict(noise_span=None, noise_giou=None, noise_quality=None))


def test_empty_slots_are_the_baseline_bit_by_bit():
    """Modulator None, enhance None and noise None: the same numbers as a model that never heard of them."""
    sa = dict(decoder=dict(layer=dict(enhance=None, cross_attn=dict(modulator=None))), criterion=WITHOUT_NOISE)
    neutral = tiny_model(SA, dict(sa, query_initializer=dict(noise=None)))
    bare = tiny_model(
        SA,
        dict(
            sa,
            decoder=dict(
                layer=dict(
                    _delete_=True,
                    type='DecoderLayer',
                    self_attn=dict(type='QuerySelfAttention'),
                    cross_attn=dict(type='ConditionalCrossAttention'),
                )
            ),
            query_initializer=dict(_delete_=True, type='DynamicAnchorQueryInitializer', num_queries=10),
        ),
    )
    renamed = {k.replace('query_initializer.direct', 'query_initializer'): v for k, v in neutral.state_dict().items()}
    bare.load_state_dict(renamed)
    for training in (True, False):
        a, b = losses_of(neutral.train(training)), losses_of(bare.train(training))
        assert a.keys() == b.keys()
        assert all((a[name] == b[name]).all() for name in a)


# SA-DETR's components as changes to any set-prediction baseline: configs only.
SPAN_DECODER = dict(
    refiner=dict(type='AnchorRefiner'),
    position=dict(_delete_=True, type='SpanQueryPosition'),
    layer=dict(cross_attn=dict(_delete_=True, type='ConditionalCrossAttention')),
)
COMPONENTS = {
    'anchors': dict(query_initializer=dict(_delete_=True, type='DynamicAnchorQueryInitializer', num_queries=10)),
    'noise': dict(
        query_initializer=dict(
            _delete_=True,
            type='DualPathQueryInitializer',
            direct=dict(type='DynamicAnchorQueryInitializer', num_queries=10),
            noise=dict(type='NoiseQueryGenerator'),
        ),
        criterion=dict(losses=dict(noise=dict(type='SpanL1Loss', weight=10.0, sets=('noise',)))),
    ),
    'gaussian': dict(decoder=dict(layer=dict(cross_attn=dict(modulator=dict(type='GaussianModulator'))))),
    'enhance': dict(decoder=dict(layer=dict(enhance=dict(type='SpanEnhance')))),
    'alignment': dict(
        criterion=dict(
            losses=dict(
                video_text=dict(type='VideoTextContrastiveLoss'),
                local=dict(type='ClipTextLocalLoss'),
                intra=dict(type='ClipTextIntraLoss'),
                inter=dict(type='ClipTextInterLoss'),
            )
        )
    ),
}


def on_moment_detr(changes):
    """Moment-DETR has no anchors and a joint context: it takes SA-DETR's decoder position and clips as context."""
    changes = copy.deepcopy(changes)
    model = copy.deepcopy(COMPONENTS['anchors'])
    model['decoder'] = {**SPAN_DECODER, **changes.pop('decoder', {})}
    model['decoder']['layer'] = {
        **model['decoder']['layer'],
        'cross_attn': {**SPAN_DECODER['layer']['cross_attn'], **model['decoder']['layer'].get('cross_attn', {})},
    }
    stack = dict(type='TransformerEncoder', num_layers=2, layer=dict(type='EncoderLayer'))
    model['moment_head'] = dict(span=dict(_delete_=True, type='RefinedSpanHead'))
    joint = dict(type='JointEncoder', layers=stack)
    model['encoder'] = dict(_delete_=True, type='VideoContextEncoder', encoder=joint)
    return {**model, **changes}


@pytest.mark.parametrize('component', COMPONENTS)
@pytest.mark.parametrize('baseline', ['moment_detr', 'qd_detr', 'sa_detr'])
def test_components_compose_with_baselines(component, baseline):
    changes = dict(COMPONENTS[component])
    if (component, baseline) == ('anchors', 'sa_detr'):  # in place of queries with noise
        changes['criterion'] = WITHOUT_NOISE
    model = tiny_model(MODELS / f'{baseline}.py', on_moment_detr(changes) if baseline == 'moment_detr' else changes)
    losses = losses_of(model)
    assert all(value.isfinite() for value in losses.values())
    sum(losses.values()).backward()
    if baseline != 'sa_detr':
        assert [name for name, p in model.named_parameters() if p.grad is None] == []
    samples = model.eval()(**model.data_preprocessor(make_batch()), mode='predict')
    assert all(sample.pred_instances.windows.isfinite().all() for sample in samples)
