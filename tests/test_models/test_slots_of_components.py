"""Slots that components fill on methods that were made without them, and what is refused there."""

import pytest
import torch
from testing import make_batch, make_targets, tiny_model

from mmvmr.models.decoders import SequentialEnhance
from mmvmr.models.layers import QueryCrossAttention
from mmvmr.models.layers.query_position import QueryPosition
from mmvmr.models.losses import QualityMarginLoss
from mmvmr.models.query_initializers import (
    DualPathQueryInitializer,
    DynamicAnchorQueryInitializer,
    LearnedQueryInitializer,
    MomentQueryInitializer,
    NoiseQueryGenerator,
    SentenceSlotQueryInitializer,
)
from mmvmr.registry import MODELS
from mmvmr.structures import (
    DenoisingPairs,
    Memory,
    PredictionSet,
    Tokens,
    point_distances_to_start_end,
    spans_to_point_distances,
    to_start_end,
)

CONFIGS = 'configs/{0}/{0}_qvhl.py'
MODULATOR = dict(decoder=dict(layer=dict(cross_attn=dict(modulator=dict(type='GaussianModulator')))))
DYNAMIC = dict(type='DynamicAnchorQueryInitializer', num_queries=10)


def memory(batch=4, length=5, dims=8):
    torch.manual_seed(0)
    video = Tokens(torch.randn(batch, length, dims), torch.ones(batch, length, dtype=torch.bool))
    return Memory(video, video)


def small(repo_dir, method, changes):
    return tiny_model(repo_dir / CONFIGS.format(method), changes)


def test_a_block_that_needs_spans_is_refused_at_build(repo_dir):
    for changes, name in (
        (MODULATOR, 'GaussianModulator'),
        (dict(decoder=dict(layer=dict(enhance=dict(type='SpanEnhance')))), 'SpanEnhance'),
    ):
        with pytest.raises(ValueError, match=f'{name} needs queries with anchors, but model.decoder.position'):
            small(repo_dir, 'moment_detr', changes)


def test_a_mask_over_clips_and_words_is_refused_at_the_first_batch(repo_dir):
    model = small(repo_dir, 'eatr', MODULATOR)
    with pytest.raises(ValueError, match=r'GaussianModulator relates spans to clips.*VideoContextEncoder'):
        model(**model.data_preprocessor(make_batch()), mode='predict')


def test_noise_beside_queries_without_anchors_is_refused_at_build():
    direct = dict(type='LearnedQueryInitializer', num_queries=3, embed_dims=8)
    with pytest.raises(ValueError, match='noise queries need direct queries with anchors'):
        DualPathQueryInitializer(direct, dict(type='NoiseQueryGenerator', embed_dims=8))
    assert isinstance(DualPathQueryInitializer(direct).direct, LearnedQueryInitializer)


def test_anchors_of_another_initializer_are_refused_at_build(repo_dir):
    with pytest.raises(ValueError, match='num_queries=7 for 10 queries'):
        small(repo_dir, 'eatr', dict(query_initializer=dict(anchors=dict(DYNAMIC, num_queries=7))))
    with pytest.raises(ValueError, match='makes queries without anchors'):
        small(repo_dir, 'eatr', dict(query_initializer=dict(anchors=dict(DYNAMIC, type='LearnedQueryInitializer'))))


def test_plain_cross_attention_is_modulated():
    class Halve(torch.nn.Module):
        def forward(self, logits, anchors, mask):
            assert anchors.shape == (4, 3, 2)
            assert mask.shape == (4, 5)
            return logits / 2

    source = memory()
    torch.manual_seed(1)
    attention = QueryCrossAttention(8, 2, 0.0)
    content, pos, anchors = torch.randn(4, 3, 8), torch.randn(4, 3, 8), torch.rand(4, 3, 2)
    plain = attention(content, QueryPosition(pos, pos), source.video, anchors)
    attention.modulator = Halve()
    halved = attention(content, QueryPosition(pos, pos), source.video, anchors)
    assert not torch.allclose(plain, halved)
    with torch.no_grad():
        attention.attn.in_proj_weight[:8] *= 2
    torch.testing.assert_close(attention(content, QueryPosition(pos, pos), source.video, anchors), plain)


def test_slots_keep_their_content_and_take_anchors():
    source, slots = memory(), dict(type='SlotAttention', embed_dims=8, num_iters=1, hidden_dims=8, num_layers=1)
    torch.manual_seed(1)
    own = SentenceSlotQueryInitializer(3, 8, dict(slots))
    torch.manual_seed(1)
    taking = SentenceSlotQueryInitializer(
        3, 8, dict(slots), anchors=dict(type='DynamicAnchorQueryInitializer', num_queries=3, embed_dims=8)
    )
    assert 'anchors.weight' in own.state_dict()
    assert not [key for key in taking.state_dict() if key.startswith('anchors')]
    one, other = own(source), taking(source)
    assert torch.equal(one.content, other.content)  # what is learned beside it starts at zero
    assert not torch.equal(one.anchors, other.anchors)
    assert [s.name for s in other.init_sets] == ['init']
    with torch.no_grad():
        taking.source.content += 1
    torch.testing.assert_close(taking(source).content, one.content + 1)


def test_boundary_states_take_spans():
    source = memory()
    anchors = dict(type='DynamicAnchorQueryInitializer', num_queries=3, embed_dims=8)
    module = MomentQueryInitializer(3, 8, anchors=anchors)
    assert sorted(module.state_dict())[-1] == 'states.weight'
    assert 'moments.weight' not in module.state_dict()
    queries = module(source)
    assert queries.anchors.shape == (4, 3, 2)
    assert torch.equal(queries.content, module.states.weight.expand(4, -1, -1))
    with torch.no_grad():
        module.source.content[:] = torch.arange(8.0)
    added = module(source).content - queries.content
    torch.testing.assert_close(added[0, 0], torch.arange(8.0).repeat(3))


def test_events_and_predicted_anchors_are_sets_of_their_own(repo_dir):
    model = small(repo_dir, 'eatr', dict(query_initializer=dict(anchors=DYNAMIC)))
    outputs = model.train()
    batch = model.data_preprocessor(make_batch(), training=True)
    targets = make_targets()
    outputs = model.predict_sets(batch['inputs'], targets)
    assert [s.name for s in outputs.sets[:2]] == ['event', 'init']
    event, init = outputs.sets[:2]
    assert event.targets is not None
    assert init.targets is None
    assert init.spans is outputs.queries.anchors


def test_noise_beside_moments():
    torch.manual_seed(0)
    module = MomentQueryInitializer(3, 8)
    queries, targets = module(memory()), make_targets()
    noise = NoiseQueryGenerator(8, num_groups=2, positive_scale=0.0, negative_scale=0.0)
    found = noise(queries, targets)
    assert found.anchors.shape[-1] == 3
    assert found.content.shape == (4, found.anchors.shape[1], 24)
    group = found.groups[1]
    for row, column in (group.matched_gt >= 0).nonzero().tolist():
        window = point_distances_to_start_end(found.anchors[row, 3 + column])
        wanted = to_start_end(targets.spans[row, group.matched_gt[row, column]]).clamp(0, 1)
        torch.testing.assert_close(window, wanted, atol=1e-3, rtol=0)
    assert (group.matched_gt >= 0).sum() == 2 * targets.span_mask.sum()


def test_spans_to_point_distances():
    spans = torch.tensor([[0.5, 0.5], [0.9, 0.4]])
    torch.testing.assert_close(spans_to_point_distances(spans), torch.tensor([[0.5, 0.25, 0.25], [0.85, 0.15, 0.15]]))


def test_the_margin_holds_between_foreground_probabilities_where_there_is_no_quality():
    logits = torch.tensor([[[0.0, 0.0], [2.0, 0.0]]])
    negative = torch.tensor([[1, -1]])
    found = PredictionSet('noise', torch.rand(1, 2, 2), logits=logits, extras=(DenoisingPairs(negative),))
    loss = QualityMarginLoss(margin=0.4)
    expected = 0.4 + torch.tensor(2.0).sigmoid() - 0.5
    torch.testing.assert_close(loss(found, None, None), expected)
    found.quality = torch.tensor([[0.5, 0.4]])
    torch.testing.assert_close(loss(found, None, None), torch.tensor(0.3))


def test_enhance_blocks_in_a_row():
    @MODELS.register_module('AddOneForTest', force=True)
    class AddOne(torch.nn.Module):
        def forward(self, content, memory, anchors, attn_mask=None):
            return content * 2 + 1

    try:
        one = dict(type='AddOneForTest')
        content = torch.ones(1, 2, 3)
        assert (SequentialEnhance(dict(a=one, b=one))(content, None, None) == 7).all()
        assert (SequentialEnhance(dict(a=None, b=one))(content, None, None) == 3).all()
    finally:
        MODELS.module_dict.pop('AddOneForTest')


def test_dynamic_anchors_of_any_memory_need_no_token():
    assert DynamicAnchorQueryInitializer(3, 8)(memory()).anchors.shape == (4, 3, 2)
