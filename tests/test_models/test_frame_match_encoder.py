"""Frame matching of BM-DETR around any encoder, and what its inputs need."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from testing import make_batch, make_samples, make_targets, shrink
from torch import nn

import mmvmr.models  # noqa: F401
from mmvmr.models.data_preprocessor import MomentDataPreprocessor
from mmvmr.models.encoders import FrameMatchEncoder
from mmvmr.registry import MODELS
from mmvmr.structures import ClipScores, Features, FrameMatch, Memory, Tokens

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
HOSTS = ('moment_detr', 'qd_detr', 'cg_detr', 'bam_detr', 'eatr', 'uvcom', 'tr_detr', 'sa_detr')


@MODELS.register_module()
class _SumEncoder(nn.Module):
    """Adds the mean word to every clip; the context is the joint sequence. Counts its passes."""

    passes = 0

    def forward(self, features, targets=None):
        self.passes += 1
        text = features.text
        mean = (text.feat * text.mask[..., None]).sum(1, keepdim=True) / text.mask.sum(1)[:, None, None]
        video = features.video.replace(features.video.feat + mean)
        return Memory(video=video, context=video.join(text), text=text)


@MODELS.register_module()
class _Given(nn.Module):
    """The first channel of a clip is its probability."""

    def __init__(self, embed_dims):
        super().__init__()

    def forward(self, feat):
        return feat[..., 0]


def tokens(*rows):
    """Sequences of one channel, padded."""
    length = max(map(len, rows))
    feat = torch.tensor([[*row, *[9.0] * (length - len(row))] for row in rows]).unsqueeze(-1)
    return Tokens(feat, torch.tensor([[i < len(row) for i in range(length)] for row in rows]))


def encode(features, targets=True, **options):
    encoder = FrameMatchEncoder(dict(type='_SumEncoder'), 1, dict(type='_Given'), **options)
    return encoder(features, make_targets((2,), (1,)) if targets else None), encoder.encoder


FEATURES = Features(video=tokens([0.1, 0.3], [0.2]), text=tokens([0.2], [0.4, 0.6]))
NEGATIVE = Tokens(torch.tensor([[[0.1], [0.3], [0.2]], [[7.0], [7.0], [7.0]]]), torch.tensor([[True] * 3, [False] * 3]))


def with_negative(features=FEATURES, negative=NEGATIVE):
    return Features(video=features.video, text=features.text, negative_text=negative)


def test_joint_probability_and_attention():
    memory, inner = encode(with_negative())
    # Sample 0 has a negative with mean 0.2, sample 1 has none: p = p+.
    expected = torch.tensor([[0.3 * (1 - 0.3), 0.5 * (1 - 0.5)], [0.7, 0.0]])
    torch.testing.assert_close(memory.find(FrameMatch).prob, expected)
    assert memory.find(FrameMatch).mask.tolist() == [[True, True], [True, False]]
    weight = memory.find(FrameMatch).attention
    torch.testing.assert_close(weight[0], expected[0].softmax(0))
    assert weight[1].tolist() == [1.0, 0.0]  # padding takes no part
    torch.testing.assert_close(memory.video.feat[0, :, 0], torch.tensor([0.3, 0.5]) * weight[0])
    torch.testing.assert_close(memory.context.feat[:, :2], memory.video.feat)
    torch.testing.assert_close(memory.context.feat[:, 2:], FEATURES.text.feat)  # words as they were
    assert inner.passes == 2


def test_inference_is_one_pass():
    memory, inner = encode(with_negative(), targets=False)
    torch.testing.assert_close(memory.find(FrameMatch).prob, torch.tensor([[0.3, 0.5], [0.7, 0.0]]))
    assert inner.passes == 1


def test_a_batch_without_negatives_is_one_pass():
    memory, inner = encode(FEATURES)
    torch.testing.assert_close(memory.find(FrameMatch).prob, torch.tensor([[0.3, 0.5], [0.7, 0.0]]))
    assert inner.passes == 1


def test_options_of_the_attention():
    plain, _ = encode(FEATURES, decoder_reads='plain')
    torch.testing.assert_close(plain.context.feat[0, :2, 0], torch.tensor([0.3, 0.5]))
    assert plain.video.feat[0, 0, 0] < 0.3
    clips, _ = encode(FEATURES, attention='clips')
    torch.testing.assert_close(clips.find(FrameMatch).attention.sum(1), torch.tensor([2.0, 1.0]))
    padded, _ = encode(FEATURES, padding='include')
    torch.testing.assert_close(padded.find(FrameMatch).attention[1], torch.tensor([0.7, 0.0]).softmax(0))
    with pytest.raises(ValueError, match="decoder_reads='no'"):
        encode(FEATURES, decoder_reads='no')


def test_positions_of_negative_words_reach_the_encoder():
    class Positions(nn.Module):
        def forward(self, features, targets=None):
            return Memory(video=features.video.replace(features.text.position()[:, :2]), context=features.video)

    text = Tokens(torch.zeros(2, 2, 1), torch.ones(2, 2, dtype=torch.bool), torch.full((2, 2, 1), 0.25))
    negative = Tokens(torch.zeros(2, 3, 1), torch.tensor([[True] * 3, [False] * 3]), torch.full((2, 3, 1), 0.5))
    encoder = FrameMatchEncoder(dict(type='_SumEncoder'), 1, dict(type='_Given'))
    encoder.encoder = Positions()
    video = Tokens(torch.zeros(2, 2, 1), torch.ones(2, 2, dtype=torch.bool))
    memory = encoder(Features(video, text, negative), make_targets((2, 2), (1, 1)))
    torch.testing.assert_close(memory.find(FrameMatch).prob[:, 0], torch.tensor([0.25 * 0.5, 0.25]))


def wrapped(host, **options):
    cfg = Config.fromfile(CONFIGS / host / f'{host}_qvhl.py').model
    cfg.encoder = dict(type='FrameMatchEncoder', encoder=cfg.encoder, **options)
    cfg.criterion.losses.frame_guidance = dict(type='FrameGuidanceLoss', weight=1.0)
    torch.manual_seed(0)
    return MODELS.build(shrink(cfg))


def batch_with_negatives(lengths=(5, None, 9, 2)):
    batch = make_batch()
    generator = torch.Generator().manual_seed(5)
    batch['inputs']['neg_text'] = [None if n is None else torch.randn(n, 8, generator=generator) for n in lengths]
    return batch


@pytest.mark.parametrize('host', HOSTS)
def test_around_every_encoder(host):
    model = wrapped(host)
    batch = model.data_preprocessor(batch_with_negatives())
    losses = model(**batch, mode='loss')
    sum(losses.values()).backward()
    assert losses['loss_frame_guidance'].isfinite()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []
    model.eval()
    with torch.no_grad():
        outputs = model(batch['inputs'])
        for row, length in enumerate((13, 9, 6, 1)):
            parts = {name: [f[row]] for name, f in make_batch()['inputs'].items()}
            alone = model(model.data_preprocessor({'inputs': parts})['inputs'])
            match, whole = (each.memory.find(FrameMatch) for each in (alone, outputs))
            torch.testing.assert_close(match.prob[0], whole.prob[row, :length])
            torch.testing.assert_close(match.attention[0], whole.attention[row, :length])
            torch.testing.assert_close(alone.final.spans[0], outputs.final.spans[row], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize('host', HOSTS)
def test_training_does_not_depend_on_the_batch(host):
    """The probability of a sample is that of the sample alone, whether or not others have a negative."""
    model = wrapped(host).eval()
    whole = batch_with_negatives()
    with torch.no_grad():
        together = model.encoder(model.projector(model.data_preprocessor(whole)['inputs']), make_targets())
        together = together.find(FrameMatch).prob
        samples = make_samples()
        for row, length in enumerate((13, 9, 6, 1)):
            parts = {name: [features[row]] for name, features in whole['inputs'].items() if features[row] is not None}
            inputs = model.data_preprocessor({'inputs': parts, 'data_samples': samples[row : row + 1]})['inputs']
            alone = model.encoder(model.projector(inputs), make_targets((length,), (1,))).find(FrameMatch).prob
            torch.testing.assert_close(alone[0], together[row, :length], atol=1e-5, rtol=1e-4)


def test_negatives_of_the_host_are_weighed_as_inference_would():
    model = wrapped('qd_detr').eval()
    inputs = model.data_preprocessor(make_batch())['inputs']
    with torch.no_grad():
        memory = model.encoder(model.projector(inputs), make_targets())
        rolled = {**inputs, 'text': inputs['text'].roll(-1, 0), 'text_mask': inputs['text_mask'].roll(-1, 0)}
        other = model.encoder(model.projector(rolled))
    torch.testing.assert_close(memory.negative.video.feat, other.video.feat, atol=1e-6, rtol=1e-4)


def test_scores_taken_from_plain_clips_are_weighed():
    model = wrapped('tr_detr').eval()
    inputs = model.data_preprocessor(make_batch())['inputs']
    with torch.no_grad():
        features = model.projector(inputs)
        plain, weighed = model.encoder.encoder(features), model.encoder(features)
        scores, _ = model.encoder.encoder.clip_scores(weighed.video.feat)
    torch.testing.assert_close(weighed.find(ClipScores).scores, scores, atol=1e-6, rtol=1e-4)
    assert not torch.allclose(plain.find(ClipScores).scores, weighed.find(ClipScores).scores)


def test_preprocessor_fills_what_only_some_samples_have():
    done = MomentDataPreprocessor()(batch_with_negatives((5, None, 9, 2)))['inputs']
    assert done['neg_text'].shape == (4, 9, 8)
    assert done['neg_text_mask'].sum(1).tolist() == [5, 0, 9, 2]
    assert not done['neg_text'][1].any()
    batch = make_batch()
    batch['inputs']['text'][2] = None
    with pytest.raises(ValueError, match="1 of 4 samples of the batch have no input 'text'"):
        MomentDataPreprocessor()(batch)


def test_encoder_positions_are_scaled_by_the_content():
    cfg = dict(type='TransformerEncoder', num_layers=2, layer=dict(type='EncoderLayer', embed_dims=8, num_heads=2))
    scaled = MODELS.build({**cfg, 'position_scale': dict(type='ContentScale', embed_dims=8)}).eval()
    x, mask, pos = torch.randn(1, 4, 8), torch.ones(1, 4, dtype=torch.bool), torch.randn(1, 4, 8)
    expected = x
    for layer in scaled.layers:
        expected = layer(expected, mask, pos * scaled.position_scale(expected))
    torch.testing.assert_close(scaled(x, mask, pos), expected)
