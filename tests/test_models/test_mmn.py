"""MMN: every block against loops over cells, sentences and videos."""

import dataclasses
import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.logging import MessageHub
from testing import make_batch, make_samples, tiny_model
from torch import nn

from mmvmr.models import (
    ClipPoolProjector,
    JointSentenceEncoder,
    MaskedConvStack,
    MomentToSentenceLoss,
    ProposalHead,
    ProposalIoULoss,
    SentenceToMomentLoss,
    SparseConvMap,
    SparseMaxMap,
)
from mmvmr.models.projectors.clip_pool_projector import resampling_weights
from mmvmr.registry import MODELS
from mmvmr.structures import JointSpace, Memory, MomentTargets, Outputs, Proposals, Tokens, to_center_width

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


@pytest.mark.parametrize(
    ('clips', 'counts', 'cells'),
    [(16, (15,), 136), (64, (15, 8, 8), 1104), (128, (15, 8, 8, 8), 2548), (16, (7, 4), 110)],
)
def test_a_cell_is_the_maximum_over_its_clips(clips, counts, cells):
    pool = SparseMaxMap(clips, counts)
    x = torch.randn(2, 3, clips)
    found = pool(x)
    assert pool.mask.sum() == cells
    for i in range(clips):
        for j in range(clips):
            expected = x[:, :, i : j + 1].amax(-1) if pool.mask[i, j] else torch.zeros(2, 3)
            assert torch.equal(found[:, :, i, j], expected)


def test_which_cells_exist():
    mask = SparseMaxMap(16, (3, 2)).mask
    offsets = {0: 1, 1: 1, 2: 1, 3: 1, 5: 2, 7: 2}
    for i in range(16):
        for j in range(16):
            stride = offsets.get(j - i)
            assert bool(mask[i, j]) == (stride is not None and i % stride == 0)


def test_map_by_convolutions():
    pool = SparseConvMap(8, (3, 2), 4)
    x = torch.randn(2, 4, 8)
    found, rows = pool(x), x
    for conv, offset, stride in zip(pool.convs, (1, 2, 3, 5, 7), (1, 1, 1, 2, 2)):
        rows = conv(rows)
        for n, i in enumerate(range(0, 8 - offset, stride)):
            torch.testing.assert_close(found[:, :, i, i + offset], rows[:, :, n])


def test_moments_longer_than_the_video():
    with pytest.raises(ValueError, match='ask for moments of 9 clips, a map of 8 has none'):
        SparseMaxMap(8, (8,))


def test_convolutions_divide_by_what_is_there():
    mask = SparseMaxMap(8, (3, 2)).mask
    stack = MaskedConvStack(mask, 3, 4, num_layers=2, kernel_size=3).eval()
    x = torch.randn(2, 3, 8, 8)
    filled, expected = mask.float()[None, None], x
    for conv, norm, padding in zip(stack.convs, stack.norms, (2, 0)):
        nn.init.normal_(norm.running_mean)
        count = F.conv2d(filled, torch.ones(1, 1, 3, 3), padding=padding).round()
        filled = (count > 0).float()
        weight = torch.where(count > 0, 1 / count.clamp(min=1), 0.0)
        expected = norm(conv(expected)).relu() * weight
    assert expected.shape == (2, 4, 8, 8)
    torch.testing.assert_close(stack(x), expected)


def test_map_that_would_change_its_size():
    with pytest.raises(ValueError, match='must be even'):
        MaskedConvStack(SparseMaxMap(8, (7,)).mask, 3, 4, num_layers=3, kernel_size=4)


@pytest.mark.parametrize('last', ['included', 'excluded'])
@pytest.mark.parametrize('parts', [4, 8, 32])
def test_parts_of_a_video(parts, last):
    lengths = (1, 2, 3, 7, 8, 31, 32, 33, 100)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    weights = resampling_weights(mask, parts, last)
    for row, length in zip(weights, lengths):
        x = torch.randn(length, 2)
        bounds = [min(round(i / parts * length), length - 1) for i in range(parts + 1)]
        if last == 'included':
            bounds[-1] = length
        for part, weight in enumerate(row):
            start, stop = bounds[part], bounds[part + 1]
            expected = x[start:stop].mean(0) if start < stop else x[start]
            torch.testing.assert_close(weight[:length] @ x, expected)
            assert (weight[length:] == 0).all()


def test_the_last_clip_counts_unless_told_otherwise():
    mask = torch.ones(1, 10, dtype=torch.bool)
    assert resampling_weights(mask, 2)[0, 1].tolist() == pytest.approx([0] * 5 + [0.2] * 5)
    assert resampling_weights(mask, 2, 'excluded')[0, 1].tolist() == pytest.approx([0] * 5 + [0.25] * 4 + [0])


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(num_clips=16, num_parts=8), 'give 9 clips|give'),
        (dict(num_clips=4, num_parts=8, kernel_size=4), 'num_parts=8 and kernel_size=4 give 3 clips, num_clips=4'),
        (dict(num_clips=4, num_parts=8, last='dropped'), "last='dropped'"),
    ],
)
def test_impossible_projectors(options, message):
    with pytest.raises(ValueError, match=message):
        ClipPoolProjector(video_dims=3, text_dims=2, embed_dims=4, **options)


def test_other_features_are_refused():
    projector = ClipPoolProjector(video_dims=3, text_dims=2, embed_dims=4, num_clips=4, num_parts=8)
    inputs = dict(video=torch.zeros(1, 5, 3), video_mask=torch.ones(1, 5).bool(), text=torch.zeros(1, 2, 7))
    with pytest.raises(ValueError, match=r'text features have 7 channels, model.projector.text_dims=2'):
        projector(inputs)
    with pytest.raises(ValueError, match=r'text tokens have 5 channels, model.shared.word_dims=4'):
        JointSentenceEncoder(4, 3)(Tokens(torch.zeros(1, 2, 5), torch.ones(1, 2).bool()))


@pytest.mark.parametrize('pool', ['mean', 'first', 'last'])
def test_sentences(pool):
    encoder = JointSentenceEncoder(6, 4, pool)
    lengths = (5, 2)
    words = torch.randn(2, 5, 6)
    mask = torch.arange(5) < torch.tensor(lengths)[:, None]
    words[1, 2:] = torch.nan  # padding may hold anything
    pooled, contrastive, iou = encoder(Tokens(words, mask))
    for row, length in enumerate(lengths):
        valid = words[row, :length]
        expected = {'mean': valid.mean(0), 'first': valid[0], 'last': valid[-1]}[pool]
        torch.testing.assert_close(pooled[row], expected)
        torch.testing.assert_close(contrastive[row], encoder.contrastive(encoder.norm(expected)))
        torch.testing.assert_close(iou[row], encoder.iou(encoder.norm(expected)))


ROWS = torch.tensor([0, 0, 1, 2, 2, 2])
#: Moments of the sentences; the third has none, the fourth has two.
WINDOWS = [[(0.1, 0.5)], [(0.12, 0.5)], [], [(0.0, 0.3), (0.5, 0.62)], [(0.45, 0.9)], [(0.0, 1.0)]]


def make_outputs(rows=ROWS, seed=0):
    """Candidates of three videos in spaces of three channels, six sentences."""
    torch.manual_seed(seed)
    clips = 4
    cells = torch.ones(clips, clips).triu().nonzero()
    spans = to_center_width((cells + torch.tensor([0, 1])) / clips)
    videos = 3 if rows is not None else 6
    spaces = [JointSpace(torch.randn(videos, 10, 3), torch.randn(6, 3)) for _ in range(2)]
    proposals = Proposals(spans.expand(videos, -1, -1), *spaces)
    nothing = Tokens(torch.zeros(videos, clips, 1), torch.ones(videos, clips).bool())
    memory = Memory(nothing, nothing, proposals=proposals)
    features = dataclasses.make_dataclass('F', ['rows'])(rows)
    return Outputs(features, memory, None, None, ProposalHead()(memory, rows))


def make_targets(windows=WINDOWS):
    most = max(1, *map(len, windows))
    spans = torch.tensor([0.5, 1.0]).repeat(len(windows), most, 1)
    for row, moments in zip(spans, windows):
        if moments:
            row[: len(moments)] = to_center_width(torch.tensor(moments))
    mask = torch.arange(most) < torch.tensor([len(m) for m in windows])[:, None]
    none = torch.zeros(len(windows), 4)
    pairs = torch.full((len(windows), 2, 1), -1)
    return MomentTargets(spans, mask, none, none > 1, pairs, none < 1, ROWS, ['main'] * len(windows))


def iou(a, b):
    inter = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return inter / (a[1] - a[0] + b[1] - b[0] - inter)


def cell_ious(windows):
    """IoU of every candidate with the best moment of every sentence, 0 without one."""
    cells = [(i / 4, (j + 1) / 4) for i in range(4) for j in range(i, 4)]
    return [[max((iou(cell, w) for w in moments), default=0.0) for cell in cells] for moments in windows]


def test_scores():
    outputs = make_outputs()
    proposals = outputs.memory.proposals
    for row, video in enumerate(ROWS):
        c = F.cosine_similarity(proposals.contrastive.moments[video], proposals.contrastive.sentences[row], dim=-1)
        o = F.cosine_similarity(proposals.iou.moments[video], proposals.iou.sentences[row], dim=-1)
        torch.testing.assert_close(outputs.final.quality[row], (0.5 * c + 0.5).sqrt() * (10 * o).sigmoid())


def test_iou_loss():
    outputs, targets = make_outputs(), make_targets()
    total = []
    for row, (video, ious) in enumerate(zip(ROWS, cell_ious(WINDOWS))):
        space = outputs.memory.proposals.iou
        for cell, value in enumerate(ious):
            score = (10 * F.cosine_similarity(space.moments[video, cell], space.sentences[row], dim=0)).sigmoid()
            target = min(max((value - 0.3) / 0.4, 0), 1)
            total.append(-target * score.log() - (1 - target) * (1 - score).log())
    torch.testing.assert_close(ProposalIoULoss(0.3, 0.7)(outputs, targets), torch.stack(total).mean())


def positives(top_k):
    """(sentence, cell) of every positive."""
    for row, ious in enumerate(cell_ious(WINDOWS)):
        if WINDOWS[row]:
            yield from ((row, cell) for cell in sorted(range(10), key=lambda c: -ious[c])[:top_k])


@pytest.mark.parametrize('top_k', [1, 3])
def test_moment_to_sentence_loss(top_k):
    outputs, targets = make_outputs(), make_targets()
    moments, sentences = outputs.memory.proposals.contrastive.unit()
    total = []
    for row, cell in positives(top_k):
        cosine = sentences @ moments[ROWS[row], cell]
        denominator = 0.0
        for other in range(6):
            meant = max((iou(a, b) for a in WINDOWS[row] for b in WINDOWS[other]), default=0.0)
            if other != row and ROWS[other] == ROWS[row] and meant >= 0.5:
                continue
            denominator += math.exp((cosine[other] - 0.4 * (other == row)) / 0.1)
        total.append(-((cosine[row] - 0.4) / 0.1 - math.log(denominator)))
    found = MomentToSentenceLoss(margin=0.4, top_k=top_k)(outputs, targets)
    torch.testing.assert_close(found, torch.stack(total).mean())


@pytest.mark.parametrize('removed', ['excluded', 'zero'])
@pytest.mark.parametrize('top_k', [1, 3])
def test_sentence_to_moment_loss(top_k, removed):
    outputs, targets = make_outputs(), make_targets()
    moments, sentences = outputs.memory.proposals.contrastive.unit()
    ious, total = cell_ious(WINDOWS), []
    for row, cell in positives(top_k):
        positive = (sentences[row] @ moments[ROWS[row], cell] - 0.2) / 0.1
        denominator = 1e-6 + math.exp(positive)
        for video in range(3):
            for other in range(10):
                negative = sentences[row] @ moments[video, other] / 0.1
                if video == ROWS[row] and ious[row][other] >= 0.5:
                    denominator += math.exp(0) if removed == 'zero' else 0.0
                else:
                    denominator += math.exp(negative)
        total.append(math.log(denominator) - positive)
    found = SentenceToMomentLoss(margin=0.2, top_k=top_k, removed=removed)(outputs, targets)
    torch.testing.assert_close(found, torch.stack(total).mean())


LOSSES = [ProposalIoULoss(), MomentToSentenceLoss(), SentenceToMomentLoss()]


@pytest.mark.parametrize('loss', LOSSES, ids=lambda loss: type(loss).__name__)
def test_every_sentence_with_a_video_of_its_own(loss):
    """Without shared videos the rows of videos are those of the sentences."""
    found = []
    for rows in (torch.arange(3), None):
        outputs = make_outputs()
        for space in (outputs.memory.proposals.contrastive, outputs.memory.proposals.iou):
            space.sentences = space.sentences[[0, 2, 3]]
        outputs.features.rows = rows
        outputs.sets = ProposalHead()(outputs.memory, rows)
        found.append(loss(outputs, make_targets([WINDOWS[i] for i in (0, 2, 3)])))
    torch.testing.assert_close(*found)


@pytest.mark.parametrize('loss', LOSSES, ids=lambda loss: type(loss).__name__)
def test_nothing_to_compare_with(loss):
    """One video, one sentence, and a moment that every candidate overlaps: losses and gradients are finite."""
    torch.manual_seed(0)
    space = JointSpace(torch.randn(1, 1, 3).requires_grad_(), torch.randn(1, 3).requires_grad_())
    memory = Memory(None, None, proposals=Proposals(torch.tensor([[[0.5, 1.0]]]), space, space))
    features = dataclasses.make_dataclass('F', ['rows'])(None)
    outputs = Outputs(features, memory, None, None, ProposalHead()(memory))
    value = loss(outputs, make_targets([[(0.0, 1.0)]]))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(space.sentences.grad).all()
    assert torch.isfinite(space.moments.grad).all()
    assert loss(outputs, make_targets([[]])).item() >= 0


def test_contrastive_losses_fade():
    loss = MomentToSentenceLoss(weight=0.5, late_epoch=3)
    hub = MessageHub.get_current_instance()
    try:
        weights = []
        for epoch in range(5):
            hub.update_info('epoch', epoch)
            weights.append(loss.weight)
    finally:
        hub.update_info('epoch', 0)
    assert weights == pytest.approx([0.5, 0.5, 0.5, 0.005, 0.005])
    assert MomentToSentenceLoss(weight=0.5).weight == 0.5


@pytest.mark.parametrize(
    ('name', 'count'), [('charades', 55_196_672), ('activitynet', 85_855_232), ('tacos', 55_196_672)]
)
def test_parameters_without_the_text_encoder(name, count):
    cfg = Config.fromfile(CONFIGS / 'mmn' / f'mmn_{name}.py').model
    cfg.projector.text_encoder = None
    with torch.device('meta'):
        model = MODELS.build(cfg)
    assert sum(p.numel() for p in model.parameters()) == count


def grouped(batch, rows):
    """The batch with shared videos: sentence i is about video ``rows[i]``."""
    first = [rows.index(video) for video in range(max(rows) + 1)]
    inputs = {**batch['inputs'], 'video': [batch['inputs']['video'][i] for i in first]}
    return dict(inputs={**inputs, 'video_index': torch.tensor(rows)}, data_samples=batch['data_samples'])


def test_shared_videos_give_the_same_predictions():
    model = tiny_model(CONFIGS / 'mmn' / 'mmn_charades.py').eval()
    rows = [0, 0, 1, 0]
    batch = make_batch(clips=(9, 9, 5, 9), words=(3, 5, 2, 4), moments=(1, 1, 1, 1))
    for row in (1, 3):
        batch['inputs']['video'][row] = batch['inputs']['video'][0]
    with torch.no_grad():
        apart = model(**model.data_preprocessor(batch)).final
        together = model(**model.data_preprocessor(grouped(batch, rows))).final
    torch.testing.assert_close(together.quality, apart.quality, atol=1e-6, rtol=1e-5)
    assert torch.equal(together.spans, apart.spans)


def test_gradient_everywhere_with_shared_videos():
    model = tiny_model(CONFIGS / 'mmn' / 'mmn_charades.py').train()
    batch = grouped(make_batch(clips=(9, 9, 5, 5), words=(3, 5, 2, 4), moments=(1, 2, 0, 1)), [0, 0, 1, 1])
    losses = model(**model.data_preprocessor(batch), mode='loss')
    assert set(losses) == {'loss_iou', 'loss_vid', 'loss_sent'}
    sum(losses.values()).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


def test_windows_are_cells():
    """Predicted windows end where clips of the map do, in seconds of the video, best first and not repeated."""
    model = tiny_model(CONFIGS / 'mmn' / 'mmn_charades.py').eval()
    samples = make_samples(clips=(9, 5), moments=(1, 1))
    batch = dict(make_batch(clips=(9, 5), words=(3, 2), moments=(1, 1)), data_samples=samples)
    for sample in model(**model.data_preprocessor(batch), mode='predict'):
        windows, scores = sample.pred_instances.windows, sample.pred_instances.scores
        grid = windows / sample.duration * 16
        torch.testing.assert_close(grid, grid.round())
        assert len(windows) <= 10
        assert (scores.diff() <= 0).all()
        for a in range(len(windows)):
            for b in range(a):
                assert iou(windows[a].tolist(), windows[b].tolist()) <= 0.5 + 1e-6


def test_official_options_change_what_they_say():
    names = [f'mmn_{variant}charades.py' for variant in ('', 'official_')]
    default, official = (tiny_model(CONFIGS / 'mmn' / name) for name in names)
    assert (default.projector.last, official.projector.last) == ('included', 'excluded')
    batch = make_batch(clips=(40, 35), words=(3, 2), moments=(1, 1))
    losses = [m.train()(**m.data_preprocessor(batch), mode='loss') for m in (default, official)]
    assert losses[1]['loss_sent'] > losses[0]['loss_sent']
