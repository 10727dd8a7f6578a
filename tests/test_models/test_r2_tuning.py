"""Layers of a frozen encoder in R2-Tuning: projection, refinement, calibration; the recording compares the whole."""

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from testing import make_batch, make_targets, tiny_model
from torch import nn

from mmvmr.models import LayerContrastLoss
from mmvmr.models.encoders import LayerPoolEncoder
from mmvmr.models.fusions import RecurrentLayerFusion, RefinementLayer
from mmvmr.models.heads import LevelSaliencyHead
from mmvmr.models.layers import AttentionPool
from mmvmr.models.projectors import LayerProjector
from mmvmr.structures import Features, LayerStates, Memory, PredictionSet, Tokens

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
LAYERS, TOKENS, CHANNELS, WORD_CHANNELS, DIMS = 3, 4, 5, 2, 8


class Unrefined(nn.Module):
    """Leaves clips as they were pooled."""

    def forward(self, x, pos, mask, text, text_mask):
        return x


def tokens(x, mask=None, **kwargs):
    x = torch.as_tensor(x)
    mask = torch.ones(x.shape[:2], dtype=torch.bool) if mask is None else torch.as_tensor(mask)
    return Tokens(x, mask, **kwargs)


def layered(video, text, text_mask=None):
    """Features of clips (B, L, K, P, D) and text tokens (B, Lt, K, D)."""
    video, text = torch.as_tensor(video), torch.as_tensor(text)
    return Features(
        tokens(video[:, :, -1, 0], layers=video, pos=torch.zeros_like(video[:, :, -1, 0])),
        tokens(text[:, :, -1], text_mask, layers=text),
    )


def test_every_token_of_every_layer_is_projected_alone():
    torch.manual_seed(0)
    projector = LayerProjector(
        LAYERS * TOKENS * CHANNELS + 2, LAYERS * WORD_CHANNELS, DIMS, LAYERS, TOKENS, input_dropout=0.0
    )
    video, text = torch.randn(2, 6, LAYERS * TOKENS * CHANNELS + 2), torch.randn(2, 7, LAYERS * WORD_CHANNELS)
    masks = {f'{name}_mask': torch.ones(2, length, dtype=torch.bool) for name, length in (('video', 6), ('text', 7))}
    features = projector({'video': video, 'text': text, **masks})
    assert features.video.layers.shape == (2, 6, LAYERS, TOKENS, DIMS)
    assert features.text.layers.shape == (2, 7, LAYERS, DIMS)
    for k in range(LAYERS):
        for p in range(TOKENS):
            start = (k * TOKENS + p) * CHANNELS
            vector = torch.cat((video[1, 4, start : start + CHANNELS], video[1, 4, -2:]))  # with its endpoints
            torch.testing.assert_close(features.video.layers[1, 4, k, p], projector.video(vector))
        vector = text[0, 5, k * WORD_CHANNELS : (k + 1) * WORD_CHANNELS]
        torch.testing.assert_close(features.text.layers[0, 5, k], projector.text(vector))
    assert torch.equal(features.video.feat, features.video.layers[:, :, -1, 0])
    assert torch.equal(features.text.feat, features.text.layers[:, :, -1])


@pytest.mark.parametrize(
    ('dims', 'message'),
    [
        (
            (61, 6),
            r'video_dims=61: 59 numbers without temporal endpoint features are no 3 feature_layers x 4 frame_tok',
        ),
        ((62, 7), r'text_dims=7: 7 numbers are no 3 feature_layers; set both'),
        ((2, 6), 'video_dims=2: 0 numbers'),
    ],
)
def test_features_that_hold_no_such_layers(dims, message):
    with pytest.raises(ValueError, match=message):
        LayerProjector(*dims, DIMS, LAYERS, TOKENS)


def by_hand(words, scales, gates=(), padding='exclude', mask=None, train=True):
    """One clip of one channel: frame tokens 1 and 3 in the last layer, 5 and 5 in the one before it."""
    fusion = RecurrentLayerFusion(1, dict(type='RefinementLayer', embed_dims=1, num_heads=1), len(scales), padding)
    for linear in (fusion.frame, fusion.word):
        nn.init.ones_(linear.weight), nn.init.zeros_(linear.bias)
    fusion.scale.data = torch.atanh(torch.tensor(scales))
    if gates:
        fusion.gate.data = torch.logit(torch.tensor(gates))
    fusion.layer = Unrefined()
    fusion.train(train)
    frames = [[[5.0], [5.0]], [[1.0], [3.0]]][-len(scales) :]
    text = [[[[word]] * len(scales) for word in words]]
    (((clip,),),) = fusion(layered([[frames]], text, mask)).video.feat.tolist()
    return clip


def test_pooling_and_gates_by_hand():
    # A word of 0 weights both tokens alike: 1 + 0.5 * ((1 + 3) / 2 + 0).
    assert by_hand([0.0], [0.5]) == pytest.approx(2.0)
    # Words of ln 3 / 2 and of its negative: weights (1, 3) / 4 and (3, 1) / 4, of which the first is larger.
    word = math.log(3) / 2
    assert by_hand([-word, word], [0.5]) == pytest.approx(1 + 0.5 * (2.5 + word))
    # The layer before: 5 + 0.2 * 5 = 6, mixed with what the last layer gave, 2.
    assert by_hand([0.0], [0.2, 0.5], [0.75]) == pytest.approx(0.75 * 6 + 0.25 * 2)


def test_padded_text_tokens_are_not_the_maximum():
    mask = [[True, False]]
    assert by_hand([0.0, 100.0], [0.5], mask=mask) == by_hand([0.0], [0.5])
    assert by_hand([0.0, 100.0], [0.5], mask=mask, padding='include') == pytest.approx(1 + 0.5 * (3 + 100))
    evaluated = by_hand([0.0, 100.0], [0.5], mask=mask, padding='include', train=False)
    assert evaluated == by_hand([0.0], [0.5])  # an answer never depends on the other sentences of the batch


def test_refinement_equals_the_loop():
    torch.manual_seed(0)
    fusion = RecurrentLayerFusion(DIMS, dict(type='RefinementLayer', embed_dims=DIMS, num_heads=2), LAYERS).eval()
    for parameter in (fusion.scale, fusion.gate):
        parameter.data.normal_()
    clips, words = (5, 3), (4, 6)
    video, text = torch.randn(2, 5, LAYERS, TOKENS, DIMS), torch.randn(2, 6, LAYERS, DIMS)
    masks = [torch.arange(max(counts)) < torch.tensor(counts)[:, None] for counts in (clips, words)]
    pos = torch.randn(2, 5, DIMS)
    features = Features(
        Tokens(video[:, :, -1, 0], masks[0], pos, layers=video), Tokens(text[:, :, -1], masks[1], layers=text)
    )
    fused = fusion(features)
    torch.testing.assert_close(fused.text.feat, text[:, :, 0])
    for b, (length, count) in enumerate(zip(clips, words)):
        state = None
        for k in (2, 1, 0):
            tokens_of_text = text[b, :count, k]
            rows = []
            for frame in video[b, :length, k]:
                pooled = []
                for word in tokens_of_text:
                    logits = torch.stack([fusion.word(word) @ fusion.frame(token) for token in frame]) / DIMS**0.5
                    weights = logits.exp() / logits.exp().sum()
                    pooled.append(sum(w * token for w, token in zip(weights, frame)) + word)
                best = torch.stack(pooled).max(0).values
                rows.append(frame[0] + torch.tanh(fusion.scale[k]) * best)
            clip = torch.stack(rows)
            if state is not None:
                gate = 1 / (1 + (-fusion.gate[k]).exp())
                clip = gate * clip + (1 - gate) * state
            ones = [torch.ones(1, n, dtype=torch.bool) for n in (length, count)]
            state = fusion.layer(clip[None], pos[b : b + 1, :length], ones[0], tokens_of_text[None], ones[1])[0]
        torch.testing.assert_close(fused.video.feat[b, :length], state, atol=1e-5, rtol=1e-5)


def test_refinement_layer_is_cross_attention_then_self_attention():
    """Against the attention of torch."""
    torch.manual_seed(0)
    layer = RefinementLayer(DIMS, num_heads=2, ffn_dims=12).eval()
    x, pos, text = torch.randn(1, 5, DIMS), torch.randn(1, 5, DIMS), torch.randn(1, 4, DIMS)
    mask, text_mask = torch.tensor([[True] * 3 + [False] * 2]), torch.tensor([[True] * 2 + [False] * 2])

    def attention(ours, query, key, value, valid):
        theirs = nn.MultiheadAttention(DIMS, 2, batch_first=True)
        parts = (ours.query, ours.key, ours.value)
        theirs.in_proj_weight.data = torch.cat([part.weight for part in parts])
        theirs.in_proj_bias.data = torch.cat([part.bias for part in parts])
        theirs.out_proj = ours.out_proj
        return theirs(query, key, value, key_padding_mask=~valid)[0]

    y = layer.norm1(x + attention(layer.cross_attn, x + pos, text, text, text_mask))
    y = layer.norm2(y + attention(layer.self_attn, y + pos, y + pos, y, mask))
    y = layer.norm3(y + layer.ffn.linear2(layer.ffn.linear1(y).relu()))
    torch.testing.assert_close(layer(x, pos, mask, text, text_mask), y, atol=1e-6, rtol=1e-5)


def test_refinement_without_layers_says_which_projector_makes_them():
    fusion = RecurrentLayerFusion(DIMS, dict(type='RefinementLayer', embed_dims=DIMS, num_heads=2), LAYERS)
    features = layered(torch.randn(1, 4, 2, TOKENS, DIMS), torch.randn(1, 3, LAYERS, DIMS))
    with pytest.raises(ValueError, match=r'refines 3 layers, but clips have 2 and text tokens 3: set model\.projector'):
        fusion(features)
    encoder = LayerPoolEncoder(
        dict(type='FusionEncoder', fusion=dict(type='NoFusion')), dict(type='AttentionPool', embed_dims=DIMS)
    )
    with pytest.raises(ValueError, match='LayerPoolEncoder needs the layers of LayerProjector'):
        encoder(Features(tokens(torch.zeros(1, 4, DIMS)), tokens(torch.zeros(1, 3, DIMS))))


def test_sentences_of_all_layers_are_pooled_alike():
    torch.manual_seed(0)
    encoder = LayerPoolEncoder(
        dict(type='FusionEncoder', fusion=dict(type='NoFusion')), dict(type='AttentionPool', embed_dims=DIMS)
    )
    video, text = torch.randn(2, 4, LAYERS, TOKENS, DIMS), torch.randn(2, 3, LAYERS, DIMS)
    mask = torch.tensor([[True, True, False], [True, True, True]])
    memory = encoder(layered(video, text, mask))
    states = memory.extra(LayerStates, 'test')
    assert isinstance(encoder.pool, AttentionPool)
    torch.testing.assert_close(states.clips, video[:, :, :, 0])
    for b, count in enumerate((2, 3)):
        for k in range(LAYERS):
            words = text[b, :count, k]
            weights = (words @ encoder.pool.score.weight[0]).softmax(0)
            torch.testing.assert_close(states.sentences[b, k], weights @ words)
    torch.testing.assert_close(memory.sentence, states.sentences[:, 0])


X, Y, TILTED = [1.0, 0.0], [0.0, 1.0], [0.6, 0.8]


def states_of(clips, sentences):
    """Outputs with one clip per sample (B, K, D) and its sentences (B, K, D)."""
    extra = LayerStates(torch.tensor(clips).unsqueeze(1), torch.tensor(sentences))
    memory = Memory(None, None, extras=(extra,))
    return SimpleNamespace(memory=memory)


def one_clip(rated):
    """Targets whose only clip is relevant, or not."""
    targets = make_targets(clips=[1] * len(rated), moments=[1] * len(rated))
    targets.saliency[:, 0] = torch.tensor(rated)
    targets.clips[:, 0] = torch.tensor(rated) > 0
    return targets


def test_calibration_over_the_samples_by_hand():
    """Two layers of two samples: cosines (1, 0.6; 0, 0.8) in the first layer, (1, 0; 0, 1) in the second."""
    outputs = states_of([[X, X], [Y, Y]], [[X, X], [TILTED, Y]])
    loss = LayerContrastLoss(over='samples', temperature=1.0)(outputs, one_clip([1.0, 1.0]))

    def missing(right, wrong):
        return math.log(1 + math.exp(wrong - right))

    first = [missing(1, 0.6) + missing(0.8, 0.0), missing(1, 0.0) + missing(0.8, 0.6)]  # by clips, by sentences
    second = [2 * missing(1, 0), 2 * missing(1, 0)]
    assert loss.item() == pytest.approx((sum(first) / 4 + sum(second) / 4) / 2, rel=1e-6)
    # The second sample has no relevant clip: its sentence is still one to choose from, its clip is none.
    alone = LayerContrastLoss(over='samples', temperature=1.0)(outputs, one_clip([1.0, 0.0]))
    assert alone.item() == pytest.approx((missing(1, 0.6) + missing(1, 0.0)) / 2 / 2, rel=1e-6)


def test_calibration_over_the_layers_by_hand():
    """A sample whose layers are its only alternatives; lengths do not count, the temperature does."""
    outputs = states_of([[X, Y], [X, Y]], [[X, TILTED], [[2.0, 0.0], [0.0, 3.0]]])
    loss = LayerContrastLoss(over='layers', temperature=0.5)(outputs, one_clip([1.0, 1.0]))

    def missing(right, wrong):
        return math.log(1 + math.exp((wrong - right) / 0.5))

    first = (missing(1, 0.6) + missing(0.8, 0.0) + missing(1, 0.0) + missing(0.8, 0.6)) / 4
    assert loss.item() == pytest.approx((first + missing(1, 0)) / 2, rel=1e-6)
    with pytest.raises(ValueError, match="over='clips'"):
        LayerContrastLoss(over='clips')


def test_highlights_are_the_best_point_over_a_clip_times_the_cosine():
    """Five clips: two points of the second level, the last of which the fifth clip takes; the third level has none."""
    probability = torch.tensor([[0.1, 0.5, 0.3, 0.2, 0.1, 0.4, 0.25, 0.9, 0.9]])
    masks = [[True] * 5, [True, True, False], [False]]
    levels = [tokens(torch.tensor([[X, TILTED, X, X, X]]), masks[:1])]
    levels += [tokens(torch.zeros(1, len(mask), 2), [mask]) for mask in masks[1:]]
    memory = Memory(levels[0], levels[0], sentence=torch.tensor([X]), levels=levels)
    sets = [PredictionSet('point', None, final=True, logits=probability.logit().unsqueeze(-1))]
    found = LevelSaliencyHead()(memory, sets)
    assert found[0].tolist() == pytest.approx([0.4, 0.5 * 0.6, 0.3, 0.25, 0.25])
    # Points of the third level are four clips apart.
    levels = [tokens(torch.tensor([[X] * count])) for count in (8, 4, 2)]
    scores = torch.tensor([[0.1] * 12 + [0.2, 0.9]])
    sets = [PredictionSet('point', None, final=True, logits=scores.logit().unsqueeze(-1))]
    memory = Memory(levels[0], levels[0], sentence=torch.tensor([X]), levels=levels)
    assert LevelSaliencyHead()(memory, sets)[0].tolist() == pytest.approx([0.2] * 4 + [0.9] * 4)
    memory.sentence = None
    with pytest.raises(ValueError, match='LevelSaliencyHead needs a pooled sentence'):
        LevelSaliencyHead()(memory, sets)


ADAPTER = {
    'shared': {'feature_layers': 2, 'frame_tokens': 2},
    'projector': {'_delete_': True, 'type': 'LayerProjector', 'video_dims': 10, 'text_dims': 8, 'input_dropout': 0.0},
}
FUSION = {'type': 'RecurrentLayerFusion', 'layer': {'type': 'RefinementLayer'}}


@pytest.mark.parametrize(
    ('method', 'encoder'),
    [
        ('qd_detr', {'encoder': {'fusion': {'_delete_': True, **FUSION}}}),
        ('tr_detr', {'fusion': {'_delete_': True, **FUSION}}),
        ('moment_detr', {'fusion': FUSION}),
        ('univtg', {'encoder': {'fusion': FUSION}}),
    ],
)
def test_the_adapter_is_the_fusion_of_other_methods(method, encoder):
    model = tiny_model(CONFIGS / '_base_' / 'models' / f'{method}.py', {**ADAPTER, 'encoder': encoder})
    losses = model(**model.data_preprocessor(make_batch(), training=True), mode='loss')
    sum(losses.values()).backward()
    fusion = next(module for module in model.modules() if isinstance(module, RecurrentLayerFusion))
    assert fusion.gate.grad.abs().sum() > 0 and fusion.scale.grad.abs().sum() > 0
    assert not [name for name, parameter in model.named_parameters() if parameter.grad is None]
    samples = model.eval()(**model.data_preprocessor(make_batch()), mode='predict')
    assert all(torch.isfinite(sample.pred_instances.windows).all() for sample in samples)


def test_heads_and_layers_that_cannot_be():
    with pytest.raises(ValueError, match='ProjectedAttention: embed_dims is 8, num_heads 3: expected a multiple'):
        RefinementLayer(8, num_heads=3)
    with pytest.raises(ValueError, match='are no 0 feature_layers'):
        LayerProjector(2 * 3 * 4 + 2, 2 * 4, 8, feature_layers=0)
