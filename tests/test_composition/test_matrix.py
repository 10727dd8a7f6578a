"""Every component on every baseline, and all of them at once, from configs alone."""

import pytest
import torch
from mmengine.config import Config

from mmvmr.composition import AlreadyThereError, CompositionError, component_names, compose
from mmvmr.structures import FrameMatch
from mmvmr.utils.setup import register_all_modules

from .bases import BASELINES, build, loss_of, make_batch, predictions_of, write_base
from .test_switched_off import assert_same_model

pytestmark = pytest.mark.slow

#: Components that only mean something beside another one.
NEEDS = {'sa.init_loss': 'sa.anchors'}
#: What a baseline has already, or cannot have, with a word of the message.
REFUSED = {
    **{(name, 'bm.learnable_spans'): 'learned spans already' for name in ('qd_detr', 'cg_detr', 'bam_detr')},
    **{(name, 'bm.learnable_spans'): 'learned spans already' for name in ('uvcom', 'tr_detr')},
    ('sa_detr', 'bm.learnable_spans'): 'predicted spans',
    **{('sa_detr', f'sa.{name}'): 'already' for name in ('anchors', 'noise', 'gaussian', 'enhance', 'alignment')},
    ('sa_detr', 'sa.init_loss'): 'already',
    **{
        (name, 'sim.bias'): 'no attention from video to text'
        for name in ('moment_detr', 'cg_detr', 'eatr', 'uvcom', 'tr_detr', 'sa_detr', 'bm_detr')
    },
    ('cg_detr', 'r2.refinement'): 'adds learned tokens to the text tokens',
    **{('bm_detr', f'bm.{name}'): 'already' for name in ('negative_query', 'learnable_spans', 'alignment')},
}
#: Two of them and sa.anchors are the same queries; the third is without the vectors that sim.stream and
#: causal.front_door take; the last one and gmr.existence are the same head.
EXCLUDED = {'bm.learnable_spans', 'sim.anchors', 'r2.refinement', 'causal.relevance'}
#: Components of methods with moment queries, and of the data.
PARTS = [part for part in component_names() if not part.startswith('flash.')]
PAIRS = [(name, part) for name in BASELINES for part in PARTS if (name, part) not in REFUSED]


def everything(name):
    """All components that a baseline takes."""
    return [part for part in PARTS if (name, part) not in REFUSED and part not in EXCLUDED]


def check(cfg, views=()):
    """The model of a config trains, predicts, and does not depend on the batch."""
    model, batch = build(cfg), make_batch(cfg)
    assert {sample.view for sample in batch['data_samples']} == {'main', *views}
    losses = loss_of(model, batch)
    assert all(torch.isfinite(value) for value in losses.values()), losses
    sum(losses.values()).backward()
    assert not [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert not [name for name, p in model.named_parameters() if not torch.isfinite(p.grad).all()]
    inputs = {name: batch['inputs'][name][:3] for name in ('video', 'text')}
    inputs['video'] = [video[: len(video) - 7 * row] for row, video in enumerate(inputs['video'])]
    together = predictions_of(model, inputs)
    for row, video in enumerate(inputs['video']):
        (alone,) = predictions_of(model, {'video': [video], 'text': [inputs['text'][row]]})
        for one, wanted in zip(alone, together[row], strict=True):
            torch.testing.assert_close(one, wanted, atol=2e-5, rtol=1e-4)
    samples = model(**model.data_preprocessor(batch), mode='predict')
    assert all(len(sample.pred_instances.windows) for sample in samples)
    return losses


VIEWS = {
    'td.synthesizer': {'synthesis'},
    'bm.temporal_shift': {'shift'},
    'gmr.false_premise': {'false_premise'},
    'la.moment_mix': {'foreground_mix'},  # moments of synthetic videos are too short to fill the others
}
#: Synthetic moments last some seconds.
OPTIONS = {'la.moment_mix': {'piece': 1.0}, 'r2.refinement': {'layers': 2, 'tokens': 2}}


@pytest.mark.parametrize(('name', 'part'), PAIRS)
def test_pair(bases, name, part):
    parts = [part, *([NEEDS[part]] if part in NEEDS else [])]
    check(compose(bases[name], parts, {part: OPTIONS.get(part, {})}), VIEWS.get(part, ()))


def all_on(bases, name):
    """A baseline with everything that it takes."""
    parts = everything(name)
    return compose(bases[name], parts, {part: OPTIONS[part] for part in parts if part in OPTIONS})


@pytest.mark.parametrize('name', BASELINES)
def test_all_at_once(bases, name):
    losses = check(all_on(bases, name), set().union(*VIEWS.values()))
    assert {'loss_frame_guidance', 'loss_alignment'} <= set(losses)


@pytest.mark.parametrize('name', BASELINES)
def test_losses_of_further_sets(bases, name):
    """Every query that is added is supervised, on models with losses on their final layer alone (BM-DETR) too."""
    parts = [part for part in ('sa.anchors', 'sa.init_loss', 'sa.noise') if (name, part) not in REFUSED]
    cfg = compose(bases[name], parts)
    sets = {loss.split('.')[0] for loss in loss_of(build(cfg), make_batch(cfg))}
    assert {f'loss_{kind}_{loss}' for kind in ('init', 'noise') for loss in ('span', 'giou')} <= sets


@pytest.mark.parametrize('name', BASELINES)
def test_weighted_views(bases, name):
    cfg = all_on(bases, name)
    cfg.model.criterion.view_weights = dict(main=1.0, synthesis=0.5, shift=0.25, false_premise=0.5)
    losses = loss_of(build(cfg), make_batch(cfg))
    assert {'loss_span', 'loss_span@synthesis', 'loss_span@shift'} <= set(losses)
    assert any(loss.endswith('@false_premise') for loss in losses)
    assert all(torch.isfinite(value) for value in losses.values()), losses


@pytest.mark.parametrize(('name', 'part'), REFUSED)
def test_refused(bases, name, part):
    with pytest.raises(CompositionError, match=f'^{part}: .*{REFUSED[name, part]}'):
        compose(bases[name], [part])


@pytest.mark.parametrize('name', [name for name in BASELINES if name != 'sa_detr'])
def test_no_loss_on_anchors_that_nothing_predicts(bases, name):
    with pytest.raises(CompositionError, match=r'add sa\.anchors'):
        compose(bases[name], ['sa.init_loss'])


@pytest.fixture(scope='module')
def dense(tmp_path_factory):
    """Tiny configs of methods without moment queries on synthetic data."""
    register_all_modules()
    folder = tmp_path_factory.mktemp('dense')
    return {name: Config.fromfile(write_base(name, folder)) for name in ('snag', 'univtg', 'r2_tuning')}


TD = ['td.synthesizer', 'td.dynamics']


@pytest.mark.parametrize('name', ['snag', 'univtg'])
def test_td_on_points(dense, name):
    check(compose(dense[name], TD), {'synthesis'})


@pytest.mark.parametrize('part', ['bm.alignment', 'sa.alignment', 'bm.negative_query'])
def test_sentences_and_clips_on_points(dense, part):
    assert len(check(compose(dense['univtg'], [part]))) > len(check(dense['univtg']))
    if part == 'bm.negative_query':
        with pytest.raises(CompositionError, match='encodes a video once for all its sentences'):
            compose(dense['snag'], [part])
        return
    assert len(check(compose(dense['snag'], [part]))) > len(check(dense['snag']))


def test_alignment_on_snag_compares_clips_with_the_pooled_sentence(dense):
    """Clips of the batch alone, without the padding of the pyramid; a stride has no clips to compare."""
    cfg = compose(dense['snag'], ['sa.alignment'])
    model, batch = build(cfg), make_batch(cfg)
    inputs = model.data_preprocessor(batch)['inputs']
    outputs = model.predict_sets(inputs)
    memory = outputs.memory
    assert memory.fused.shape[1] == inputs['video'].shape[1] <= memory.video.feat.shape[1]
    assert memory.sentence.shape == (len(inputs['text']), memory.fused.shape[2])
    assert memory.text.feat.shape[-1] != memory.fused.shape[2]
    strided = Config(dense['snag'].to_dict())
    strided.model.shared.input_stride = 2
    with pytest.raises(CompositionError, match='a point of the finest level stands for 2 clips'):
        compose(strided, ['sa.alignment'])


@pytest.mark.parametrize('name', ['snag', 'univtg'])
def test_weights_of_short_moments_on_points(dense, name):
    batch = make_batch(dense[name])
    plain = loss_of(build(dense[name]), batch)
    weighed = loss_of(build(compose(dense[name], ['la.length_weight'], {'la.length_weight.sigma': 1e6})), batch)
    assert weighed['loss_span'].item() == pytest.approx(2 * plain['loss_span'].item(), rel=1e-5)
    assert weighed['loss_foreground'].item() == pytest.approx(plain['loss_foreground'].item(), rel=1e-5)


FLASH = ['flash.layering', 'flash.score', 'flash.clip_score']


@pytest.mark.parametrize('parts', [*([part] for part in FLASH), FLASH])
def test_flash_on_points(dense, parts):
    plain = check(dense['univtg'])
    losses = check(compose(dense['univtg'], parts))
    assert ('loss_clip_score' in losses) == ('flash.clip_score' in parts)
    if 'flash.layering' in parts:
        assert losses['loss_span'] != plain['loss_span']


#: What refines clips in several layers of an encoder takes: all that goes onto points, but for the pyramid that it has.
ON_LAYERS = [*VIEWS, 'td.dynamics', 'bm.negative_query', 'bm.alignment', 'sa.alignment', 'la.length_weight']
ON_LAYERS += ['gmr.existence', 'flash.score', 'flash.clip_score', 'causal.relevance']


@pytest.mark.parametrize('part', ON_LAYERS)
def test_on_layers_of_a_frozen_encoder(dense, part):
    losses = check(compose(dense['r2_tuning'], [part], {part: OPTIONS.get(part, {})}), VIEWS.get(part, ()))
    assert {'loss_offset', 'loss_video_calibration', 'loss_layer_calibration'} <= set(losses)


def test_layers_on_points(dense):
    parts, options = ['r2.refinement', 'bm.negative_query'], {'r2.refinement': OPTIONS['r2.refinement']}
    assert 'loss_frame_guidance' in check(compose(dense['univtg'], parts, options))
    for name, reason in (('snag', 'encodes a video once for all its sentences'), ('r2_tuning', 'refined .* already')):
        with pytest.raises(CompositionError, match=rf'^r2\.refinement: .*{reason}'):
            compose(dense[name], ['r2.refinement'])


def test_unmatched_text_brings_its_layers_along(dense):
    """The second pass of the matcher refines clips with the layers of the other sentence."""
    cfg = compose(dense['r2_tuning'], ['bm.negative_query'])
    model, batch = build(cfg), make_batch(cfg)
    plain = loss_of(model, batch)['loss_frame_guidance']
    text = [None if words is None else words.clone() for words in batch['inputs']['neg_text']]
    assert any(words is not None for words in text)
    channels = text[0].shape[-1] // 2
    for words in text:
        if words is not None:
            words[:, :channels] = words[:, :channels].flip(-1)  # of the first layer; the tokens are those of the last
    batch['inputs']['neg_text'] = text
    assert loss_of(model, batch)['loss_frame_guidance'] != plain


def test_points_of_a_pyramid_see_weighted_clips(dense):
    """BM-DETR's weights reach what predicts: the finest level is made of the clips after their weighting."""
    cfg = compose(dense['r2_tuning'], ['bm.negative_query'])
    model = build(cfg).eval()
    memory = model.predict_sets(model.data_preprocessor(make_batch(cfg))['inputs']).memory
    weights = memory.extra(FrameMatch, 'test').attention
    assert (weights.amax(1) - weights.amin(1) > 1e-4).any()
    length = memory.video.feat.shape[1]
    torch.testing.assert_close(memory.levels[0].feat[:, :length], memory.video.feat.relu())


def test_flash_on_a_pyramid(dense):
    assert 'loss_clip_score' in check(compose(dense['snag'], ['flash.score', 'flash.clip_score']))
    with pytest.raises(AlreadyThereError, match='several temporal resolutions already'):
        compose(dense['snag'], ['flash.layering'])
    refined = compose(dense['univtg'], ['flash.score'])
    with pytest.raises(AlreadyThereError, match='refined already'):
        compose(refined, ['flash.score'])


@pytest.mark.parametrize('name', ['snag', 'univtg'])
def test_causal_on_points(dense, name):
    check(compose(dense[name], ['causal.front_door']))
    if name == 'snag':
        with pytest.raises(CompositionError, match='encodes a video once for all its sentences, which pairs'):
            compose(dense[name], ['causal.relevance'])
        return
    losses = check(compose(dense[name], ['causal.front_door', 'causal.relevance', 'flash.layering']))
    assert losses['loss_existence'] > 0


@pytest.mark.parametrize('name', ['snag', 'univtg'])
def test_td_switched_off_on_points(dense, name):
    cfg = compose(dense[name], TD, {'td.dynamics.beta': 1})
    cfg.train_dataloader.dataset.pipeline.augment.synthesis = None
    assert_same_model(dense[name], cfg, r'fusion\.(?=fusion)')


def test_synthesized_videos_have_the_length_of_all_others(dense):
    base = Config(dense['snag'].to_dict())
    base.train_dataloader.dataset.pipeline.load = dict(type='LoadResampledFeatures', length=24)
    batch = make_batch(compose(base, TD))
    views = [sample.view for sample in batch['data_samples']]
    assert views.count('synthesis') == views.count('main') == 4
    assert {len(video) for video in batch['inputs']['video']} == {24}
    for sample in batch['data_samples']:
        assert sample.clip_len * sample.num_clips == pytest.approx(sample.duration)
        start, end = sample.relevant_windows[0]
        center, width = sample.gt_instances.spans[0]
        assert (center - width / 2).item() * sample.duration == pytest.approx(start, abs=1e-4)
        assert (center + width / 2).item() * sample.duration == pytest.approx(end, abs=1e-4)
