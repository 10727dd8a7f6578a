"""TR-DETR: its blocks and losses against loops, its defaults against its published slips, parameters."""

import math

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from testing import make_batch, make_targets, tiny_model

from mmvmr.models.encoders import ReciprocalEncoder
from mmvmr.models.fusions import ContextQueryFusion, SequentialFusion
from mmvmr.models.heads import MomentGuidedSaliencyHead
from mmvmr.models.heads.guided_saliency_head import best_query, best_window
from mmvmr.models.losses import ClipTextLocalLoss, FocalForegroundLoss, VideoTextContrastiveLoss
from mmvmr.models.task_modules import Matched
from mmvmr.registry import MODELS
from mmvmr.structures import ClipScores, Features, Memory, Outputs, PredictionSet, Tokens

D = 6
STACK = dict(type='TransformerEncoder', num_layers=1, layer=dict(type='EncoderLayer', embed_dims=D, num_heads=2))


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture
def config(repo_dir):
    return repo_dir / 'configs' / 'tr_detr' / 'tr_detr_qvhl.py'


def tokens(lengths, width):
    """A sequence whose padding holds large numbers."""
    mask = torch.arange(width) < torch.tensor(lengths)[:, None]
    return Tokens(torch.where(mask[..., None], torch.randn(len(lengths), width, D), 50.0), mask)


def test_context_query_fusion_against_loops():
    fusion = ContextQueryFusion(D).eval()
    video, text = tokens((5, 3), 5), tokens((2, 4), 4)
    found = fusion(Features(video, text)).video.feat
    for b, (clips, words) in enumerate(((5, 2), (3, 4))):
        v, t = video.feat[b, :clips], text.feat[b, :words]
        score = torch.zeros(clips, words)
        for i in range(clips):
            for j in range(words):
                score[i, j] = fusion.clip(v[i]) + fusion.word(t[j]) + (fusion.product[0, 0] * v[i]) @ t[j]
        rows, columns = score.softmax(1), score.softmax(0)
        pooled = fusion.pool.score(t).softmax(0).t() @ t
        for i in range(clips):
            read = sum(rows[i, j] * t[j] for j in range(words))
            near = sum(rows[i, j] * columns[k, j] * v[k] for j in range(words) for k in range(clips))
            gathered = fusion.gather(torch.cat((v[i], read, v[i] * read, v[i] * near)))
            expected = fusion.join(torch.cat((gathered, pooled[0]))).relu()
            torch.testing.assert_close(found[b, i], expected, atol=1e-5, rtol=1e-4)


def test_sequential_fusion():
    stages = dict(a=dict(type='ContextQueryFusion', embed_dims=D, dropout=0.0), b=None, c=dict(type='NoFusion'))
    fusion = SequentialFusion(stages)
    assert list(fusion.stages) == ['a', 'c']
    features = Features(tokens((3,), 3), tokens((2,), 2))
    torch.testing.assert_close(fusion(features).video.feat, fusion.stages['a'](features).video.feat)


@pytest.mark.parametrize('padding', ['exclude', 'include'])
def test_reciprocal_encoder_against_its_definition(padding):
    encoder = ReciprocalEncoder(D, dict(type='NoFusion'), STACK, padding=padding).eval()
    video = tokens((5, 3), 5)
    memory = encoder(Features(video, tokens((2, 2), 2)))
    first = encoder.layers(video.feat, video.mask, video.position())

    def score(clip):
        return encoder.score(clip).sum() / math.sqrt(D)

    for b, length in enumerate((5, 5) if padding == 'include' else (5, 3)):
        weight = torch.stack([score(clip) for clip in first[b, :length]]).softmax(0)
        mixed = first[b : b + 1, :length] + weight[:, None] * video.feat[b : b + 1, :length]
        mask = video.mask[b : b + 1, :length]
        expected = encoder.layers(mixed, mask, torch.zeros_like(mixed))[0]
        valid = int(video.mask[b].sum())
        torch.testing.assert_close(memory.video.feat[b, :valid], expected[:valid], atol=1e-5, rtol=1e-4)
    highlights = memory.find(ClipScores)
    found = highlights.scores + highlights.bias[:, None]
    torch.testing.assert_close(found, encoder.score(memory.video.feat).sum(-1) / math.sqrt(D), atol=1e-5, rtol=1e-4)
    with pytest.raises(ValueError, match="padding='some'"):
        ReciprocalEncoder(D, {}, {}, padding='some')


def test_wrapped_start_is_a_python_slice():
    head, clips = MomentGuidedSaliencyHead(D, start='wrap'), list(range(7))
    for start in range(-9, 10):
        for end in range(start, 10):
            first, stop = head.place(torch.tensor([[start + 0.3, end + 0.7]]), torch.tensor([7]))
            assert clips[first:stop] == clips[start : end + 1], (start, end)


def test_clamped_start_is_inside_the_video():
    head = MomentGuidedSaliencyHead(D)
    for start in range(-9, 10):
        for end in range(start, 10):
            first, stop = head.place(torch.tensor([[start + 0.3, end + 0.7]]), torch.tensor([7]))
            assert first == min(max(start, 0), 6)
            assert stop == min(max(end, int(first)), 6) + 1


def prediction(spans, logits=None, quality=None):
    return [PredictionSet('direct', spans - 1, 0), PredictionSet('direct', spans, 1, True, logits, quality)]


def test_best_window():
    spans = torch.rand(2, 3, 2)
    logits = torch.tensor([[[0.0, 1.0], [2.0, 1.0], [3.0, 4.0]], [[5.0, 5.0], [0.0, 0.0], [9.0, 8.0]]])
    assert best_query(prediction(spans, logits)[1]).tolist() == [1, 2]
    assert best_query(prediction(spans, quality=torch.tensor([[0.1, 0.2, 0.9]]))[1]).tolist() == [2]
    window = best_window(prediction(spans, logits))
    center, width = spans[0, 1]
    torch.testing.assert_close(window[0], torch.stack((center - width / 2, center + width / 2)))


@pytest.mark.parametrize(('padding', 'start'), [('exclude', 'clamp'), ('include', 'wrap')])
def test_guided_head_against_slices(padding, start):
    head = MomentGuidedSaliencyHead(D, padding, start)
    lengths, width = (6, 4), 6
    video, score = tokens(lengths, width), torch.nn.Linear(D, D)
    memory_feat = torch.randn(2, width, D)
    scale = 1 / math.sqrt(D)
    highlights = ClipScores(
        clips=video.feat,
        scores=memory_feat @ score.weight.sum(0) * scale,
        bias=(score.bias.sum() * scale).expand(2),
    )
    memory = Memory(video=Tokens(memory_feat, video.mask), context=None, extras=(highlights,))
    spans = torch.tensor([[[0.1, 0.6]], [[0.55, 0.5]]])  # the first begins before the video
    found = head(memory, prediction(spans, quality=torch.ones(2, 1)))
    for b, valid in enumerate(lengths):
        length = width if padding == 'include' else valid
        low, high = (math.floor((spans[b, 0, 0] + s * spans[b, 0, 1] / 2) * length) for s in (-1, 1))
        low = max(low, 0) if start == 'clamp' else low
        moment = video.feat[b, low : min(high, length - 1) + 1] if start == 'clamp' else video.feat[b, low : high + 1]
        if padding == 'include':
            moment = F.pad(moment, (0, 0, 0, width - len(moment)))
        state = head.gru(moment[None])[1][0, 0]
        for t in range(valid):
            clip = memory_feat[b, t] * (1 + state @ video.feat[b, t])
            expected = score(clip).sum() * scale
            torch.testing.assert_close(found[b, t], expected, atol=1e-4, rtol=1e-4)


def test_guided_head_names_what_is_missing():
    memory = Memory(video=tokens((3,), 3), context=None)
    with pytest.raises(ValueError, match='ReciprocalEncoder'):
        MomentGuidedSaliencyHead(D)(memory, [])
    with pytest.raises(ValueError, match="start='first'"):
        MomentGuidedSaliencyHead(D, start='first')


def test_focal_loss_against_its_definition():
    logits = torch.randn(2, 3, 2, requires_grad=True)
    matched = Matched(torch.tensor([0, 1]), torch.tensor([2, 0]), torch.zeros(2), torch.zeros(2, 2))
    found = FocalForegroundLoss()(PredictionSet('direct', torch.zeros(2, 3, 2), logits=logits), matched, None)
    expected = 0.0
    for b in range(2):
        for n in range(3):
            foreground = (b, n) in ((0, 2), (1, 0))
            for c in range(2):
                hot = (c == 0) == foreground
                p = logits[b, n, c].sigmoid()
                p = p if hot else 1 - p
                expected = expected - (0.25 if hot else 0.75) * (1 - p) ** 2 * p.log()
    torch.testing.assert_close(found, expected / 12)
    wide = torch.full((1, 1, 2), 200.0, requires_grad=True)
    none = Matched(*[torch.zeros(0, dtype=torch.long)] * 3, torch.zeros(0, 2))
    loss = FocalForegroundLoss()(PredictionSet('direct', torch.zeros(1, 1, 2), logits=wide), none, None)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(wide.grad).all()


@pytest.mark.parametrize('padding', ['exclude', 'include'])
def test_alignment_losses_against_loops(padding):
    targets, words = make_targets(), (7, 4, 5, 3)
    mask = torch.arange(max(words)) < torch.tensor(words)[:, None]
    video = Tokens(torch.randn(*targets.clips.shape, D), targets.clip_mask)
    text = Tokens(torch.randn(4, max(words), D), mask)
    outputs = Outputs(Features(video, text), Memory(None, None), None, None, [])
    means = [
        [F.normalize((x.feat[b] if padding == 'include' else x.feat[b][x.mask[b]]).mean(0), dim=0) for b in range(4)]
        for x in (video, text)
    ]
    cosine = torch.stack([torch.stack([v @ t for t in means[1]]) for v in means[0]]) / 0.07
    label = torch.arange(4)
    expected = (F.cross_entropy(cosine, label) + F.cross_entropy(cosine.t(), label)) / 2
    loss = VideoTextContrastiveLoss(padding=padding, learnable=False)
    torch.testing.assert_close(loss(outputs, targets), expected, atol=1e-5, rtol=1e-4)
    assert not loss.state_dict()
    assert not list(loss.parameters())

    total, count = 0.0, 0
    for b in range(4):
        sentence = F.normalize(text.feat[b][mask[b]], dim=-1).mean(0)
        for t in range(targets.clips.shape[1]):
            if targets.clip_mask[b, t]:
                p = (F.normalize(video.feat[b, t], dim=0) @ sentence / 0.07).sigmoid()
                total = total - (p if targets.clips[b, t] else 1 - p).log()
                count += 1
            elif padding == 'include':
                total, count = total + math.log(2), count + 1
    loss = ClipTextLocalLoss(padding=padding, stage='before', sentence='unit_mean')
    torch.testing.assert_close(loss(outputs, targets), total / count, atol=1e-5, rtol=1e-4)
    with pytest.raises(ValueError, match="padding='some'"):
        VideoTextContrastiveLoss(padding='some')


def test_the_retrieved_moment_changes_the_highlights(config):
    model = tiny_model(config).eval()
    memory = model.encoder(model.projector(model.data_preprocessor(make_batch())['inputs']))
    logits = torch.zeros(4, 2, 2)
    sets = [prediction(torch.tensor([[[c, 0.2], [c, 0.2]]]).expand(4, 2, 2), logits) for c in (0.2, 0.8)]
    early, late = (model.saliency_head(memory, s) for s in sets)
    assert not torch.allclose(early[0], late[0])
    torch.testing.assert_close(early[3, :1], late[3, :1])  # a video of one clip has one moment


@pytest.mark.parametrize(('dims', 'count'), [(2818, 8_308_773), (2818 + 2050, 8_837_673)])
def test_parameters_of_the_card(config, dims, count):
    cfg = Config.fromfile(config)
    cfg.model.projector.video_dims = dims
    unused = 8_704  # txt_position_embed, which the official code never reads
    assert sum(p.numel() for p in MODELS.build(cfg.model).parameters()) == count - unused
