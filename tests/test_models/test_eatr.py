"""EaTR: pseudo events, slots, gated fusion, official options, the model as a whole."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from testing import make_batch, shrink, tiny_model

import mmvmr.models  # noqa: F401
from mmvmr.conversion import METHODS
from mmvmr.models.decoders import GatedFusion
from mmvmr.models.layers import masked_max
from mmvmr.models.task_modules import PseudoEvents
from mmvmr.models.task_modules.pseudo_events import change
from mmvmr.registry import MODELS
from mmvmr.structures import Memory, Tokens

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
DEFAULT = CONFIGS / 'eatr/eatr_qvhl.py'
OFFICIAL = CONFIGS / 'eatr/eatr_official_qvhl.py'


def scenes(*lengths, dims=6):
    """A video whose scenes are orthogonal."""
    return torch.cat([torch.eye(dims)[index].expand(length, -1) for index, length in enumerate(lengths)])


def padded(*videos):
    lengths = torch.tensor([len(v) for v in videos])
    video = torch.nn.utils.rnn.pad_sequence(list(videos), batch_first=True)
    return video, torch.arange(video.shape[1]) < lengths[:, None]


def events_of(module, video, mask):
    spans, exists = module(video, mask)
    return [row[found] for row, found in zip(spans, exists)]


def test_parameters_equal_the_card():
    model = MODELS.build(Config.fromfile(OFFICIAL).model)
    text_position = 8704  # which the official code carries along and never uses
    assert sum(p.numel() for p in model.parameters()) + text_position == 8_972_812


def test_change_is_the_checkerboard_correlation():
    video = torch.randn(2, 9, 4, generator=torch.Generator().manual_seed(0))
    unit = video / (video.norm(dim=2, keepdim=True) + 1e-8)
    similarity = torch.nn.functional.pad(unit @ unit.transpose(1, 2), (2, 2, 2, 2))
    side = torch.tensor([1.0, 1.0, 0.0, -1.0, -1.0])
    slow = [[(similarity[b, t : t + 5, t : t + 5] * side * side[:, None]).sum() for t in range(9)] for b in range(2)]
    torch.testing.assert_close(change(video), torch.tensor(slow), atol=1e-5, rtol=1e-5)


def test_events_are_the_scenes():
    video, mask = padded(scenes(6, 8, 6), scenes(5, 5), scenes(1))
    first, second, third = events_of(PseudoEvents(), video, mask)
    # A cut changes the two clips beside it alike: both are boundaries.
    cuts = torch.tensor([0.0, 5, 6, 13, 14, 19]) / 20
    torch.testing.assert_close(first, torch.stack(((cuts[1:] + cuts[:-1]) / 2, cuts[1:] - cuts[:-1]), dim=-1))
    assert second[:, 1].sum().item() == pytest.approx(0.9)
    assert third.shape == (0, 2)
    spans, exists = PseudoEvents()(*padded(scenes(1)))  # nothing but padding
    assert spans.tolist() == [[[0.5, 1.0]]] and exists.tolist() == [[False]]


def test_events_do_not_depend_on_the_batch():
    generator = torch.Generator().manual_seed(1)
    videos = [torch.randn(n, 5, generator=generator) for n in (20, 3, 2, 13, 1)]
    video, mask = padded(*videos)
    video[~mask] = 7.0  # whatever padding holds
    together = events_of(PseudoEvents(), video, mask)
    for row, alone in zip(together, videos):
        torch.testing.assert_close(row, events_of(PseudoEvents(), alone[None], torch.ones(1, len(alone)).bool())[0])
        assert (row[:, 1] > 0).all()
        assert row[:, 1].sum().item() == pytest.approx((len(alone) - 1) / len(alone))


def test_official_events_equal_ours_for_full_videos_but_for_the_bogus_one():
    video = torch.randn(3, 15, 5, generator=torch.Generator().manual_seed(2))
    mask = torch.ones(3, 15, dtype=torch.bool)
    ours, official = events_of(PseudoEvents(), video, mask), events_of(PseudoEvents('batch'), video, mask)
    assert official[1][0, 1] == pytest.approx(-14 / 15)
    torch.testing.assert_close(ours, [official[0], official[1][1:], official[2]])
    even = events_of(PseudoEvents('batch'), video[:2], mask[:2])
    torch.testing.assert_close(even, ours[:2])
    with pytest.raises(ValueError, match=r"PseudoEvents: scope='video' is unknown"):
        PseudoEvents('video')


def test_official_events_may_begin_in_padding():
    """Changes of 4, 1, 2, 8, 8, 2, 1 and 4, of which the ends of the two valid clips become the largest."""
    video, mask = scenes(4, 4)[None], torch.arange(8)[None] < 2
    assert PseudoEvents('batch').boundaries(video, mask).nonzero()[:, 1].tolist() == [0, 1, 3, 4]
    assert PseudoEvents().boundaries(video, mask).nonzero()[:, 1].tolist() == [0, 1]


def test_gated_fusion_against_its_formula():
    torch.manual_seed(0)
    block = GatedFusion(8, dropout=0.0, attn_dropout=0.0)
    tokens = Tokens(torch.randn(2, 4, 8), torch.ones(2, 4, dtype=torch.bool))
    memory = Memory(video=tokens, context=tokens, sentence=torch.randn(2, 8))
    content = torch.randn(2, 3, 8)
    value = torch.nn.functional.linear(
        memory.sentence, block.cross_attn.in_proj_weight[16:], block.cross_attn.in_proj_bias[16:]
    )
    read = block.cross_attn.out_proj(value)[:, None]
    mixed = content + read
    gated = (content * read).sigmoid() * block.self_attn(mixed, mixed, mixed)
    torch.testing.assert_close(block(content, memory, None), block.norm(block.linear(gated).relu() + content))
    # A query that nobody may see changes nobody else.
    allowed = torch.tensor([[True, True, False], [True, True, False], [True, True, True]])[None]
    other = content.clone()
    other[:, 2] = 9.0
    first, second = (block(c, memory, None, allowed)[:, :2] for c in (content, other))
    torch.testing.assert_close(first, second)


def test_masked_max():
    feat = torch.tensor([[[-2.0], [-1.0], [5.0]]])
    assert masked_max(feat, torch.tensor([[True, True, False]])).tolist() == [[-1.0]]


@pytest.mark.parametrize('layers', [1, 3])
@pytest.mark.parametrize('path', [DEFAULT, OFFICIAL], ids=['default', 'official'])
def test_every_parameter_trains(path, layers):
    model = tiny_model(path, {'decoder': {'num_layers': layers}})
    for mlp in (model.query_initializer.mlp, model.decoder.refiner.mlp):
        torch.nn.init.normal_(mlp.layers[-1].weight)  # zero at the start, so that nothing before it learns yet
    losses = model(**model.data_preprocessor(make_batch()), mode='loss')
    assert {'loss_event_span.event.0', 'loss_event_giou.event.0', 'loss_label'} <= set(losses)
    assert ('loss_label.0' in losses) == (layers > 1)
    sum(losses.values()).backward()
    # Highlight scores are compared with each other: their common bias cancels.
    gradients = {n: p.grad for n, p in model.named_parameters() if n != 'saliency_head.linear.bias'}
    assert [name for name, g in gradients.items() if g is None or not g.isfinite().all() or g.abs().sum() == 0] == []


def test_events_start_in_the_middle_and_are_what_queries_start_from():
    model = tiny_model(DEFAULT).eval()
    batch = model.data_preprocessor(make_batch())
    with torch.no_grad():
        outputs = model(batch['inputs'])
    assert (outputs.queries.anchors == 0.5).all()
    assert outputs.queries.init_sets[0].targets is None  # inference searches no events
    assert [s.name for s in outputs.sets] == ['event', *['direct'] * 3]


def test_official_config_depends_on_the_batch_and_the_default_does_not():
    together = make_batch()
    alone = {name: features[2:3] for name, features in together['inputs'].items()}
    for path, same in ((DEFAULT, True), (OFFICIAL, False)):
        model = tiny_model(path).eval()
        for mlp in (model.query_initializer.mlp, model.decoder.refiner.mlp):
            torch.nn.init.normal_(mlp.layers[-1].weight)
        with torch.no_grad():
            batch = model(model.data_preprocessor(together)['inputs'])
            single = model(model.data_preprocessor({'inputs': alone})['inputs'])
        for found, wanted in ((single.final.spans, batch.final.spans), (single.final.logits, batch.final.logits)):
            assert torch.allclose(found[0], wanted[2], atol=1e-5) == same
        torch.testing.assert_close(single.saliency[0], batch.saliency[2, :6], atol=1e-5, rtol=1e-5)


def test_noise_queries_and_enhance_of_sa_detr():
    cfg = shrink(Config.fromfile(DEFAULT).model)
    cfg.encoder = dict(type='VideoContextEncoder', encoder=cfg.encoder)
    cfg.decoder.layer.enhance = dict(type='SpanEnhance', num_points=4)
    cfg.query_initializer = dict(
        type='DualPathQueryInitializer',
        direct=cfg.query_initializer,
        noise=dict(type='NoiseQueryGenerator', num_groups=2),
    )
    cfg.criterion.losses['noise_span'] = dict(type='SpanL1Loss', sets=('noise',))
    model = MODELS.build(cfg)
    kinds = [type(layer.enhance).__name__ for layer in model.decoder.layers]
    assert kinds == ['GatedFusion', 'SpanEnhance', 'SpanEnhance']
    losses = model(**model.data_preprocessor(make_batch()), mode='loss')
    assert losses['loss_noise_span.noise.2'].isfinite()
    sum(losses.values()).backward()


def test_slots_without_events_are_an_error():
    cfg = shrink(Config.fromfile(DEFAULT).model)
    cfg.encoder = cfg.encoder.encoder
    model = MODELS.build(cfg)
    with pytest.raises(ValueError, match='written by EventContextEncoder: wrap'):
        model(**model.data_preprocessor(make_batch()), mode='loss')
    assert model.eval()(**model.data_preprocessor(make_batch()), mode='predict')


def test_official_options():
    args = dict(hidden_dim=32, nheads=4, dim_feedforward=48, v_feat_dim=10, t_feat_dim=8, num_queries=7, enc_layers=1)
    args |= dict(dec_layers=2, set_cost_span=10, set_cost_giou=1, set_cost_class=4, lw_saliency=1.0, num_slot_iter=2)
    args |= dict(span_loss_coef=8, giou_loss_coef=2, label_loss_coef=4, eos_coef=0.1, saliency_margin=0.2)
    args |= dict(event_coef=2.0, aux_loss=False)
    method = METHODS['eatr']
    model = MODELS.build(method.model_config(args))
    assert model.query_initializer.attention.num_iters == 2
    weights = {name: loss.weight for name, loss in model.criterion.losses.items()}
    assert weights == dict(span=8, giou=2, label=4, event_span=16.0, event_giou=4.0, saliency_margin=1.0)
    losses = model(**model.data_preprocessor(make_batch()), mode='loss')
    assert 'loss_span.0' not in losses
    for name, value in (('query_dim', 3), ('contrastive_align_loss', True)):
        with pytest.raises(ValueError, match=f'{name}={value!r} is not implemented'):
            method.model_config({**args, name: value})
