"""Similarity given to models: the stream, the anchors, the bias, and the hook that fits them."""

import dataclasses

import pytest
import torch
from mmengine.config import Config
from testing import make_batch, shrink

import mmvmr.engine
import mmvmr.models  # noqa: F401
from mmvmr.composition import CompositionError, compose
from mmvmr.engine.hooks import FitHook
from mmvmr.models.encoders import DummyTokenEncoder, SimilarityEncoder
from mmvmr.models.fusions import SimilarityBias
from mmvmr.models.query_initializers import SimilarityAnchorQueryInitializer
from mmvmr.models.task_modules import RollNegativeSampler
from mmvmr.registry import MODELS
from mmvmr.structures import ClipSimilarity, Features, Memory, Tokens, to_start_end

CONFIGS = 'configs'
GIVEN = dict(type='SimilarityMap', channels=(0, 2), text_dims=2, kind='given')


def ones(*shape):
    return torch.ones(shape, dtype=torch.bool)


@MODELS.register_module(force=True)
class PlainMemory(torch.nn.Module):
    """An encoder that hands on what it gets."""

    def forward(self, features, targets=None):
        return Memory(features.video, features.video, features.text)


def features(clips, tokens):
    """Projected clips and words are zeros of two channels, raw ones as given."""
    raw, text = torch.tensor(clips), torch.tensor(tokens)
    return Features(
        video=Tokens(torch.zeros(*raw.shape[:2], 2), ones(*raw.shape[:2])),
        text=Tokens(torch.zeros(*text.shape[:2], 2), ones(*text.shape[:2]), raw=text),
        raw_video=Tokens(raw, ones(*raw.shape[:2])),
    )


def fitted(module):
    for part in module.modules():
        if hasattr(part, 'fitted'):
            part.fitted.fill_(True)
    return module


# Cosines with (1, 0): 1, 1, 0, 0.
CLIPS = [[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]]


def test_the_stream_by_hand():
    encoder = fitted(SimilarityEncoder(dict(type='PlainMemory'), GIVEN, embed_dims=2, smooth=1))
    torch.nn.init.zeros_(encoder.embed.bias)
    encoder.embed.weight.data = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    memory = encoder(features(CLIPS, [[[3.0, 0.0]]]))
    # Mean 0.5, deviation 0.5: relative similarity 1, 1, -1, -1; saturated tanh(2).
    assert memory.extra(ClipSimilarity, 'test').scores[0].tolist() == pytest.approx([1, 1, -1, -1])
    assert memory.video.feat[0, :, 0].tolist() == pytest.approx([1, 1, -1, -1])
    assert memory.video.feat[0, :, 1].tolist() == pytest.approx([0.96403] * 2 + [-0.96403] * 2, abs=1e-4)


def test_another_sentence_is_compared_anew():
    """A negative sentence must not see the similarity of the right one."""
    encoder = fitted(SimilarityEncoder(dict(type='PlainMemory'), GIVEN, embed_dims=2, smooth=1))
    both = features(CLIPS * 2, [[[3.0, 0.0]], [[0.0, 1.0]]])
    scores = encoder(both).extra(ClipSimilarity, 'test').scores
    targets = type('Targets', (), {'video_index': torch.tensor([0, 1])})()
    rolled, _ = RollNegativeSampler()(both, targets)
    swapped = encoder(dataclasses.replace(both, text=rolled)).extra(ClipSimilarity, 'test').scores
    assert torch.equal(swapped, scores.flip(0)) and not torch.equal(scores[0], scores[1])


def test_without_the_stream_clips_stay():
    encoder = fitted(SimilarityEncoder(dict(type='PlainMemory'), GIVEN, embed_dims=2, stream=False))
    memory = encoder(features(CLIPS, [[[1.0, 0.0]]]))
    assert (memory.video.feat == 0).all() and memory.find(ClipSimilarity) is not None


@MODELS.register_module(force=True)
class LevelsFirst(torch.nn.Module):
    """A late encoder of two levels, the second with half the points, all zeros."""

    late = True

    def video(self, clips):
        return [clips, Tokens(clips.feat[:, ::2], clips.mask[:, ::2])]

    def forward(self, features, targets=None, levels=None):
        levels = self.video(features.video) if levels is None else levels
        levels = [Tokens(x.feat[features.rows], x.mask[features.rows]) for x in levels]
        return Memory(levels[0], levels[0], features.text, levels=levels)


def test_late_encoders_get_the_stream_on_every_level():
    encoder = fitted(SimilarityEncoder(dict(type='LevelsFirst'), GIVEN, embed_dims=2, smooth=1))
    torch.nn.init.zeros_(encoder.embed.bias)
    encoder.embed.weight.data = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    # One video of three clips and padding for two sentences: cosines 1, 1, 0 and 0, 0, 1.
    given = features([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [9.0, 9.0]]], [[[3.0, 0.0]], [[0.0, 2.0]]])
    given.video.mask[0, 3] = given.raw_video.mask[0, 3] = False
    given.rows = torch.tensor([0, 0])
    assert encoder.late
    memory = encoder(given)
    high, low = 0.5**0.5, -(2**0.5)  # mean 2 / 3, deviation sqrt(2) / 3
    finest, coarse = (level.feat[..., 0] for level in memory.levels)
    assert torch.allclose(finest, torch.tensor([[high, high, low, 0.0], [-high, -high, -low, 0.0]]), atol=1e-5)
    assert torch.allclose(coarse, torch.tensor([[high, low / 2], [-high, -low / 2]]), atol=1e-5)
    assert memory.video is memory.levels[0] and memory.context is memory.levels[0]
    # The same from videos that were encoded before, whose projected clips are not there any more.
    before = encoder(dataclasses.replace(given, video=None), levels=encoder.video(given.video))
    assert all(torch.equal(a.feat, b.feat) for a, b in zip(before.levels, memory.levels))


def test_added_tokens_of_a_sentence_are_not_compared():
    """Dummies of CG-DETR have no input; negatives bring along what belongs to them."""
    inner = fitted(SimilarityEncoder(dict(type='PlainMemory'), GIVEN, embed_dims=2, smooth=1))
    given = features(CLIPS, [[[3.0, 0.0], [2.0, 1.0]]])
    expected = inner(given).extra(ClipSimilarity, 'test').scores
    layers = dict(type='TransformerEncoder', num_layers=1, layer=dict(type='EncoderLayer'))
    layers['layer'].update(embed_dims=2, num_heads=1, ffn_dims=4)
    outer = DummyTokenEncoder(2, 3, layers, dict(type='PlainMemory'))
    outer.encoder = inner
    memory = outer(given)
    assert memory.text.feat.shape[1] == 5
    assert torch.equal(memory.extra(ClipSimilarity, 'test').scores, expected)


def test_lost_inputs_are_an_error():
    encoder = SimilarityEncoder(dict(type='PlainMemory'), GIVEN, embed_dims=2)
    whole = features(CLIPS, [[[1.0, 0.0]]])
    with pytest.raises(ValueError, match='before projection'):
        encoder(dataclasses.replace(whole, text=dataclasses.replace(whole.text, raw=None)))


def test_anchors_by_hand():
    scores = torch.tensor([[-1.0, -1.0, 1.0, 1.0, 1.0, -1.0]])
    tokens = Tokens(torch.zeros(1, 6, 4), ones(1, 6))
    memory = Memory(tokens, tokens)
    initializer = SimilarityAnchorQueryInitializer(num_queries=3, embed_dims=4)
    with pytest.raises(ValueError, match=r'sim\.stream or sim\.anchors'):
        initializer(memory)
    changes = torch.tensor([[0.0, 0.0, 0.0, 0.0, 9.0, 0.0, 0.0]])
    memory.add(ClipSimilarity(scores, changes))
    queries = initializer(memory)
    assert torch.allclose(to_start_end(queries.anchors[0, 0]) * 6, torch.tensor([2.0, 5.0]))
    assert queries.content.shape == (1, 3, 4) and queries.groups[0].stop == 3
    # A scene change before clip 4 is worth more than the clip after it.
    initializer.boundary = 1.0
    assert torch.allclose(to_start_end(initializer(memory).anchors[0, 0]) * 6, torch.tensor([2.0, 4.0]))


def test_the_bias_by_hand():
    bias = fitted(SimilarityBias(GIVEN, num_heads=2, scale=3.0))
    # Two clips and two tokens: cosines 1, 0; -1, 0.
    given = features([[[2.0, 0.0], [-1.0, 0.0]]], [[[1.0, 0.0], [0.0, 5.0]]])
    logits = bias(given)(torch.ones(1, 2, 2, 2))
    assert torch.allclose(logits, torch.tensor([[4.0, 1.0], [-2.0, 1.0]]).expand(1, 2, 2, 2))


@pytest.mark.parametrize(
    'names', [['sim.stream'], ['sim.anchors'], ['sim.bias'], ['sim.stream', 'sim.anchors', 'sim.bias']]
)
def test_components_train(names):
    cfg = compose(f'{CONFIGS}/qd_detr/qd_detr_msrvtt_joined.py', names)
    model = cfg.model
    model.shared.update(embed_dims=16, num_heads=2, ffn_dims=16)
    built = MODELS.build(model).train()
    maps = [part for part in built.modules() if hasattr(part, 'fitted')]
    assert maps and all((part.first, part.stop) == (0, 1280) for part in maps)


@pytest.mark.parametrize('base', ['cg_detr', 'univtg', 'flash_vtg', 'causal_vtg', 'snag'])
def test_the_stream_goes_onto_other_methods(base):
    """It changes what they predict, and its weights learn."""
    cfg = compose(f'{CONFIGS}/{base}/{base}_clip_charades.py', ['sim.stream'])
    model = fitted(MODELS.build(shrink(cfg.model))).eval()
    batch = model.data_preprocessor(make_batch())
    encoder = next(part for part in model.modules() if isinstance(part, SimilarityEncoder))
    torch.manual_seed(0)
    with torch.no_grad():
        encoder.similarity.video_map.normal_()
        scores = model.predict_sets(batch['inputs']).final.logits
        encoder.embed.weight.normal_()
        assert not torch.allclose(model.predict_sets(batch['inputs']).final.logits, scores, atol=1e-4)
    losses = model.train()(**batch, mode='loss')
    sum(value for value in losses.values()).backward()
    assert encoder.embed.weight.grad.abs().sum() > 0


def test_options_choose_the_stream():
    options = {'sim.stream.stream': 'conse', 'sim.stream.kind': 'given'}
    cfg = compose(f'{CONFIGS}/qd_detr/qd_detr_msrvtt_joined.py', ['sim.stream'], options)
    encoder = cfg.model.encoder
    assert encoder.type == 'NegativePairEncoder' and encoder.encoder.type == 'SimilarityEncoder'
    assert tuple(encoder.encoder.similarity.channels) == (1280, 1664) and 'penalty' not in encoder.encoder.similarity


def test_one_map_for_stream_and_anchors():
    cfg = compose(f'{CONFIGS}/sa_detr/sa_detr_msrvtt_joined.py', ['sim.anchors', 'sim.stream'])
    inner = cfg.model.encoder.encoder
    assert inner.type == 'SimilarityEncoder' and inner.encoder.type == 'MultiModalAlignEncoder'
    assert cfg.model.query_initializer.direct.type == 'SimilarityAnchorQueryInitializer'


@pytest.mark.parametrize(
    ('base', 'name', 'options', 'message'),
    [
        ('sa_detr/sa_detr_clip_charades.py', 'sim.bias', {}, 'no attention from video to text'),
        ('univtg/univtg_clip_charades.py', 'sim.anchors', {}, 'MomentDetector'),
        ('mmn/mmn_clip_charades.py', 'sim.stream', {}, 'no clips that have seen a sentence'),
        ('r2_tuning/r2_tuning_qvhl.py', 'sim.stream', {}, 'inputs of this model are layers or token numbers'),
        (
            'qd_detr/qd_detr_clip_charades.py',
            'sim.stream',
            {'sim.stream.stream': 'clap'},
            "stream is 'clap', but feature_spec has the streams clip: name one",
        ),
    ],
)
def test_where_they_do_not_go(base, name, options, message):
    with pytest.raises(CompositionError, match=message):
        compose(f'{CONFIGS}/{base}', [name], options)


def test_the_hook_fits_once():
    calls = []

    class Part(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer('fitted', torch.tensor(False))

        def fit(self, dataset):
            calls.append(len(dataset))
            self.fitted.fill_(True)

    from mmvmr.datasets import ConcatDataset, SyntheticMoments

    pipeline = Config.fromfile(f'{CONFIGS}/_base_/datasets/synthetic.py').train_dataloader.dataset.pipeline
    dataset = SyntheticMoments('train', pipeline, num_videos=2)
    loader = type('Loader', (), {'dataset': dataset})()
    logger = type('Logger', (), {'info': lambda self, text: calls.append(text)})()
    runner = type('Runner', (), {'model': Part(), 'train_dataloader': loader, 'logger': logger})()
    for _ in range(2):
        FitHook().before_train(runner)
    assert calls[0] == len(dataset) and 'fitted on' in calls[1] and len(calls) == 2
    # A part that another one has fitted already is fitted once.
    outer, calls[:] = Part(), []
    outer.inner = Part()
    outer.fit = lambda given: (outer.inner.fit(given), outer.fitted.fill_(True))
    runner.model = outer
    FitHook().before_train(runner)
    assert calls[0] == len(dataset) and len(calls) == 2
    # All data sets count where there are several.
    config = dict(type='SyntheticMoments', split='train', pipeline=pipeline)
    loader.dataset = ConcatDataset([dict(config, num_videos=2), dict(config, num_videos=3)])
    runner.model, calls[:] = Part(), []
    FitHook().before_train(runner)
    assert calls[0] == len(loader.dataset) > len(dataset)
    last = len(loader.dataset) - 1
    assert loader.dataset.loaded(last)['qid'] == loader.dataset.rows[last]['qid']
    runner.model, loader.dataset = Part(), [1, 2]
    with pytest.raises(ValueError, match='annotated moments'):
        FitHook().before_train(runner)
