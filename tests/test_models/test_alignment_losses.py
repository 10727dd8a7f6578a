"""Alignment losses against loops, and the contrast over two processes."""

import math
import os
import socket
from types import SimpleNamespace

import pytest
import torch
import torch.multiprocessing as mp
from testing import make_targets
from testing.models import CLIPS as LENGTHS
from testing.models import EMBED_DIMS as DIMS
from testing.models import WORDS

from mmvmr.models import ClipTextInterLoss, ClipTextIntraLoss, ClipTextLocalLoss, VideoTextContrastiveLoss
from mmvmr.models.losses.clip_text_losses import positive_clips
from mmvmr.structures import Features, Memory, Tokens

KINDS = (ClipTextLocalLoss, ClipTextIntraLoss, ClipTextInterLoss)


def tokens(counts, generator):
    mask = torch.arange(max(counts)) < torch.tensor(counts)[:, None]
    return Tokens(torch.randn(len(counts), max(counts), DIMS, generator=generator), mask)


def make_outputs(lengths=LENGTHS, words=WORDS, seed=0):
    """What the alignment losses read of the outputs."""
    generator = torch.Generator().manual_seed(seed)
    features = Features(video=tokens(lengths, generator), text=tokens(words, generator))
    video, text = tokens(lengths, generator), tokens(words, generator)
    sentence = torch.randn(len(lengths), DIMS, generator=generator)
    memory = Memory(video, video, text=text, sentence=sentence, fused=tokens(lengths, generator).feat)
    return SimpleNamespace(features=features, memory=memory)


def sources(outputs, stage, b):
    """Valid clips and the sentence vector of sample b, as lists of rows."""
    mask, text = outputs.features.video.mask[b], outputs.features.text
    if stage == 'after':
        return outputs.memory.fused[b][mask], outputs.memory.sentence[b]
    return outputs.features.video.feat[b][mask], text.feat[b][text.mask[b]].mean(0)


def cosine(a, b):
    return float(a @ b / (a.norm() * b.norm()))


def softmax_at(logits, index):
    top = max(logits)
    return logits[index] - top - math.log(sum(math.exp(x - top) for x in logits))


@pytest.mark.parametrize('stage', ['before', 'after'])
def test_video_text_loss_equals_the_loop(stage):
    outputs, targets = make_outputs(), make_targets()
    loss = VideoTextContrastiveLoss(stage=stage)
    assert loss.log_scale.exp().item() == pytest.approx(1 / 0.07)
    videos, texts = [], []
    for b in range(4):
        videos.append(sources(outputs, stage, b)[0].mean(0))
        text = outputs.features.text if stage == 'before' else outputs.memory.text
        texts.append(text.feat[b][text.mask[b]].mean(0))
    total = 0
    for b in range(4):
        total -= softmax_at([cosine(videos[b], t) / 0.07 for t in texts], b) / 8
        total -= softmax_at([cosine(v, texts[b]) / 0.07 for v in videos], b) / 8
    found = loss(outputs, targets)
    assert found.item() == pytest.approx(total, rel=1e-4)
    found.backward()
    assert loss.log_scale.grad.abs() > 0


@pytest.mark.parametrize('stage', ['before', 'after'])
@pytest.mark.parametrize('padding', ['exclude', 'include'])
def test_local_loss_equals_the_loop(stage, padding):
    outputs, targets = make_outputs(), make_targets()
    terms = []
    for b in range(4):
        clips, sentence = sources(outputs, stage, b)
        for i, clip in enumerate(clips):
            x = cosine(clip, sentence) / 0.07
            terms.append(math.log1p(math.exp(-x if targets.clips[b, i] else x)))
        if padding == 'include':
            terms += [math.log(2)] * (max(LENGTHS) - len(clips))
    found = ClipTextLocalLoss(stage=stage, padding=padding)(outputs, targets)
    assert found.item() == pytest.approx(sum(terms) / len(terms), rel=1e-4)


def test_local_loss_with_unit_words_keeps_the_length_of_their_mean():
    """TR-DETR's vector: normalised words, averaged, not normalised again."""
    outputs, targets = make_outputs(), make_targets()
    terms = []
    for b in range(4):
        words = outputs.features.text.feat[b][outputs.features.text.mask[b]]
        vector = sum(word / word.norm() for word in words) / len(words)
        for i, clip in enumerate(sources(outputs, 'before', b)[0]):
            x = float(clip / clip.norm() @ vector) / 0.07
            terms.append(math.log1p(math.exp(-x if targets.clips[b, i] else x)))
    found = ClipTextLocalLoss(stage='before', sentence='unit_mean')(outputs, targets)
    assert found.item() == pytest.approx(sum(terms) / len(terms), rel=1e-4)


def chosen(targets):
    """The positive clip of every sample that has one."""
    clips = {}
    for b in range(len(targets.views)):
        if targets.pairs[b, 0, -1] >= 0:
            clips[b] = int(targets.pairs[b, 0, -1])
        elif targets.clips[b].any():
            clips[b] = int((targets.saliency[b] - 100.0 * ~targets.clips[b]).argmax())
    return clips


def test_positive_clips_leave_out_samples_without_moments():
    targets = make_targets()
    clip, valid = positive_clips(targets)
    assert {b: int(clip[b]) for b in range(4) if valid[b]} == chosen(targets)
    assert not valid[2]
    assert valid[3]  # its moment covers the whole video: no pair, but a clip


@pytest.mark.parametrize('ties', [False, True])
@pytest.mark.parametrize('stage', ['before', 'after'])
@pytest.mark.parametrize('directions', [('clips',), ('batch',), ('clips', 'batch')])
def test_intra_loss_equals_the_loop(stage, directions, ties):
    outputs, targets = make_outputs(), make_targets()
    positive = chosen(targets)
    rows = []  # similarity of every clip, log(1e-45) added to those that do not take part
    for b in range(4):
        clips, sentence = sources(outputs, stage, b)
        p = positive.get(b, 0)
        row = []
        for i in range(max(LENGTHS)):
            x = cosine(clips[i], sentence) if i < len(clips) else 0.0
            rated_lower = targets.saliency[b, i] < targets.saliency[b, p]
            rated_equal = ties and targets.saliency[b, i] == targets.saliency[b, p]
            takes_part = i == p or (i < len(clips) and (rated_lower or rated_equal))
            row.append((x if takes_part else x - 103.2789) / 0.07)
        rows.append(row)
    total = 0
    for b, p in positive.items():
        if 'clips' in directions:
            total -= softmax_at(rows[b], p) / len(positive)
        if 'batch' in directions:
            total -= softmax_at([row[p] for row in rows], b) / len(positive)
    found = ClipTextIntraLoss(stage=stage, directions=directions, ties=ties)(outputs, targets)
    assert found.item() == pytest.approx(total, rel=1e-4)


@pytest.mark.parametrize('stage', ['before', 'after'])
@pytest.mark.parametrize('directions', [('texts',), ('clips',), ('texts', 'clips')])
def test_inter_loss_equals_the_loop(stage, directions):
    outputs, targets = make_outputs(), make_targets()
    positive = chosen(targets)
    sentences = [sources(outputs, stage, b)[1] for b in range(4)]
    moments = {b: sources(outputs, stage, b)[0][p] for b, p in positive.items()}
    total = 0
    for index, b in enumerate(positive):
        if 'texts' in directions:
            total -= softmax_at([cosine(moments[b], s) / 0.07 for s in sentences], b) / len(positive)
        if 'clips' in directions:
            total -= softmax_at([cosine(m, sentences[b]) / 0.07 for m in moments.values()], index) / len(positive)
    found = ClipTextInterLoss(stage=stage, directions=directions)(outputs, targets)
    assert found.item() == pytest.approx(total, rel=1e-4)


@pytest.mark.parametrize('kind', [*KINDS, VideoTextContrastiveLoss])
@pytest.mark.parametrize('moments', [(0, 0), (1,), (0,)])
def test_losses_are_finite_without_moments_and_for_one_sample(kind, moments):
    lengths, words = LENGTHS[: len(moments)], WORDS[: len(moments)]
    outputs = make_outputs(lengths, words)
    for tensor in (outputs.memory.fused, outputs.memory.sentence, outputs.features.video.feat):
        tensor.requires_grad_()
    loss = kind()(outputs, make_targets(lengths, moments))
    assert loss.isfinite()
    loss.backward()
    for tensor in (outputs.memory.fused, outputs.memory.sentence, outputs.features.video.feat):
        assert tensor.grad is None or tensor.grad.isfinite().all()


def test_losses_ignore_what_padding_holds():
    targets = make_targets()
    values = []
    for fill in (0.0, 1e3):
        outputs = make_outputs()
        for sequence in (outputs.features.video, outputs.features.text, outputs.memory.text):
            sequence.feat = sequence.feat.where(sequence.mask[..., None], fill)
        outputs.memory.fused = outputs.memory.fused.where(targets.clip_mask[..., None], fill)
        losses = [kind(stage=stage) for kind in (*KINDS, VideoTextContrastiveLoss) for stage in ('before', 'after')]
        values.append([loss(outputs, targets).item() for loss in losses])
    assert values[0] == pytest.approx(values[1], rel=1e-6)


@pytest.mark.parametrize(
    ('kind', 'option'),
    [
        (ClipTextLocalLoss, dict(padding='some')),
        (ClipTextLocalLoss, dict(stage='during')),
        (ClipTextIntraLoss, dict(sentence='word')),
        (ClipTextIntraLoss, dict(directions=('rows',))),
        (ClipTextInterLoss, dict(directions=())),
        (VideoTextContrastiveLoss, dict(stage='during')),
    ],
)
def test_bad_options_are_refused(kind, option):
    with pytest.raises(ValueError, match=next(iter(option))):
        kind(**option)


def _rows(start, stop):
    """Outputs and targets of some samples of the batch, with gradient to the projected features."""
    outputs = make_outputs()
    for name in ('video', 'text'):
        part = getattr(outputs.features, name)
        setattr(outputs.features, name, Tokens(part.feat[start:stop].clone().requires_grad_(), part.mask[start:stop]))
    mask = outputs.features.video.mask
    return outputs, SimpleNamespace(clip_mask=mask)


SHARDS = (((0, 2), (2, 4)), ((0, 1), (1, 4)))


def _contrast(rank, port, results):
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    torch.distributed.init_process_group('gloo', rank=rank, world_size=2)
    for bounds in SHARDS:
        outputs, targets = _rows(*bounds[rank])
        value = VideoTextContrastiveLoss()(outputs, targets)
        value.backward()
        results[bounds, rank] = (value.item(), outputs.features.video.feat.grad, outputs.features.text.feat.grad)
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_contrast_the_joint_batch():
    """The mean loss of even and uneven shards is that of one process with the whole batch, and so is the gradient."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    with mp.Manager() as manager:
        results = manager.dict()
        mp.spawn(_contrast, (port, results), nprocs=2)
        results = dict(results)
    outputs, targets = _rows(0, 4)
    whole = VideoTextContrastiveLoss()(outputs, targets)
    (whole * 2).backward()  # DDP averages over the two processes
    for bounds in SHARDS:
        assert sum(results[bounds, rank][0] for rank in range(2)) / 2 == pytest.approx(whole.item(), rel=1e-5)
        for name, index in (('video', 1), ('text', 2)):
            joint = torch.cat([results[bounds, rank][index] for rank in range(2)])
            torch.testing.assert_close(joint, getattr(outputs.features, name).feat.grad, atol=1e-6, rtol=1e-4)
