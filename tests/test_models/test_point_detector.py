"""Late fusion: a video is encoded once for all of its sentences, window by window if it is long."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from testing import make_targets, shrink, tiny_model

from mmvmr.models.detectors.sliding_windows import Place
from mmvmr.registry import MODELS
from mmvmr.structures import MomentDataSample

CONFIG = Path(__file__).resolve().parents[2] / 'configs' / '_base_' / 'models' / 'snag.py'
SMALL = {
    'shared': {'text_embed_dims': 12},
    'encoder': {'video': {'arch': (1, 0, 3), 'max_length': 32}, 'text': {'num_layers': 1}},
    'point_head': {'num_levels': 3},
    'point_generator': {'max_length': 32},
    # Untrained heads: every point is a candidate.
    'postprocessor': {'min_score': 0.0, 'min_width': 0.0},
}
SENTENCES = 7


class Calls:
    """How often a module ran, and on how many rows and positions at most."""

    def __init__(self, module):
        self.count = self.rows = self.length = 0
        module.register_forward_hook(self._called)

    def _called(self, module, args, output):
        self.count += 1
        self.rows = max(self.rows, args[0].feat.shape[0])
        self.length = max(self.length, args[0].feat.shape[1])


def _model(**changes):
    model = tiny_model(CONFIG, {**SMALL, **changes})
    with torch.no_grad():
        model.point_head.offset.out.conv.bias.fill_(0.5)
    return model.eval(), Calls(model.encoder.video)


def _inputs(model, videos=1, clips=32, sentences=SENTENCES):
    generator = torch.Generator().manual_seed(1)
    return {
        'video': torch.randn(videos, clips, model.projector.video.in_features, generator=generator),
        'video_mask': torch.ones(videos, clips, dtype=torch.bool),
        'text': torch.randn(sentences, 5, model.projector.text.in_features, generator=generator),
        'text_mask': torch.arange(5) < torch.randint(1, 6, (sentences, 1), generator=generator),
        'video_index': torch.arange(sentences) * videos // sentences,
    }


def _samples(inputs):
    clips = inputs['video'].shape[1]
    meta = {'duration': 2.0 * clips, 'num_clips': clips, 'clip_len': 2.0}
    return [MomentDataSample(metainfo=meta) for _ in inputs['text']]


def _predicted(model, inputs):
    with torch.no_grad():
        return [sample.pred_instances for sample in model.predict(inputs, _samples(inputs))]


@pytest.mark.parametrize('videos', [1, 3])
def test_training_encodes_every_video_once(videos):
    model, calls = _model()
    model.train()
    inputs = _inputs(model, videos)
    outputs = model.predict_sets(inputs, make_targets([32] * SENTENCES, [1] * SENTENCES))
    assert (calls.count, calls.rows) == (1, videos)
    assert outputs.final.logits.shape[0] == SENTENCES
    outputs.final.logits.sum().backward()
    assert model.projector.video.weight.grad.abs().sum() > 0


@pytest.mark.parametrize('max_queries', [None, 1, 3])
def test_inference_encodes_every_video_once(max_queries):
    whole, _ = _model()
    model, calls = _model(max_queries=max_queries)
    model.load_state_dict(whole.state_dict())
    inputs = _inputs(model, videos=2)
    found = _predicted(model, inputs)
    assert (calls.count, calls.rows) == (1, 2)
    for ours, theirs in zip(found, _predicted(whole, inputs)):
        assert torch.allclose(ours.windows, theirs.windows, atol=1e-4)
        assert torch.allclose(ours.scores, theirs.scores, atol=1e-6)


def test_sentences_do_not_influence_each_other():
    model, _ = _model()
    inputs = _inputs(model)
    together = _predicted(model, inputs)
    for row in range(SENTENCES):
        one = {**inputs, **{name: inputs[name][row : row + 1] for name in ('text', 'text_mask', 'video_index')}}
        (alone,) = _predicted(model, one)
        assert torch.allclose(alone.windows, together[row].windows, atol=1e-4)


@pytest.mark.parametrize('clips', [32, 90, 200])
def test_a_long_video_is_never_encoded_whole(clips):
    """The number of passes is that of the windows and not of sentences; none sees more than one window."""
    model, calls = _model(windows=dict(type='SlidingWindows', size=32, stride=20))
    inputs = _inputs(model, clips=clips)
    found = _predicted(model, inputs)
    starts = model.windows.starts(clips)
    assert starts[-1] + 32 == clips
    assert (calls.count, calls.rows, calls.length) == (len(starts), 1, 32)
    ends = torch.cat([instances.windows for instances in found])
    assert bool((ends >= 0).all() & (ends <= 2.0 * clips).all())


def test_windows_see_what_a_short_video_would():
    """The candidates of a window are those of its clips as a video of their own, moved to their place."""
    model, _ = _model(windows=dict(type='SlidingWindows', size=32))
    inputs = _inputs(model, clips=64)
    with torch.no_grad():
        long = model.windows(model, inputs).final
        for number in range(2):
            part = slice(32 * number, 32 * (number + 1))
            short = {**inputs, 'video': inputs['video'][:, part], 'video_mask': inputs['video_mask'][:, part]}
            alone = model.postprocessor.reduce(model.predict_sets(short).final)
            count = alone.spans.shape[1]
            spans = long.spans[:, number * count : (number + 1) * count]
            assert torch.allclose(spans[..., 0] * 64, alone.spans[..., 0] * 32 + 32 * number, atol=1e-3)
            assert torch.allclose(spans[..., 1] * 64, alone.spans[..., 1] * 32, atol=1e-3)


def test_a_moment_exists_where_any_window_has_one():
    head = dict(type='ExistenceHead', source='clips')
    model, _ = _model(windows=dict(type='SlidingWindows', size=32, stride=20), existence_head=head)
    inputs, parts = _inputs(model, clips=72), []
    with torch.no_grad():
        for start in (0, 20, 40):
            window = {name: inputs[name][:, start : start + 32] for name in ('video', 'video_mask')}
            place = Place(torch.full((SENTENCES,), 72), start)
            parts.append(model.predict_sets({**inputs, **window}, place=place).existence.probability)
        best = torch.stack(parts).amax(0)
        assert (best > parts[0]).any()
        model.existence_head.threshold.copy_(best.median())
        samples = model.predict(inputs, _samples(inputs))
    found = torch.tensor([sample.pred_existence for sample in samples])
    torch.testing.assert_close(found, best, atol=1e-5, rtol=1e-4)
    assert {sample.pred_accepted for sample in samples} == {True, False}


@pytest.mark.parametrize('windows', [None, dict(type='SlidingWindows', size=24, stride=16)])
def test_similarity_of_videos_that_were_encoded_before(windows):
    """Stream and existence head compare the input of a video, which is there where only its levels go on as well."""
    config, given = Config.fromfile(CONFIG).model, dict(type='SimilarityMap', kind='given')
    config.encoder = dict(type='SimilarityEncoder', similarity=dict(given), encoder=config.encoder)
    config.existence_head = dict(type='ExistenceHead', source='clips', similarity=dict(given))
    config = shrink(config, {**SMALL, 'encoder': {'encoder': SMALL['encoder']}, 'windows': windows})
    torch.manual_seed(0)
    model = MODELS.build(config).eval()
    for part in model.modules():
        if hasattr(part, 'fitted'):
            part.fitted.fill_(True)
    model.existence_head.level_weight.fill_(1.0)
    with torch.no_grad():
        model.point_head.offset.out.conv.bias.fill_(0.5)
    inputs, calls = _inputs(model, videos=2), Calls(model.encoder.encoder.video)
    whole = _samples(inputs)
    with torch.no_grad():
        model.predict(inputs, whole)
        model.max_queries, count = 3, calls.count
        parts = model.predict(inputs, _samples(inputs))
    assert calls.count == 2 * count  # every window of every video once, for all sentences
    for ours, theirs in zip(parts, whole):
        assert torch.allclose(ours.pred_instances.scores, theirs.pred_instances.scores, atol=1e-6)
        assert ours.pred_existence == pytest.approx(theirs.pred_existence, abs=1e-6)
    model.encoder.embed.weight.data.zero_()
    with torch.no_grad():
        without = model.predict(inputs, _samples(inputs))
    assert not torch.allclose(without[0].pred_instances.scores, whole[0].pred_instances.scores, atol=1e-4)
