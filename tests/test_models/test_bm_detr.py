"""BM-DETR: its losses, and the model as a whole."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from testing import make_batch, make_samples, make_targets, tiny_model

import mmvmr.models  # noqa: F401
from mmvmr.models.layers import AttentionPool, TanhAttentionPool
from mmvmr.models.losses import ForegroundErrorLoss, FrameGuidanceLoss, PooledAlignmentLoss
from mmvmr.models.task_modules import Matched
from mmvmr.registry import MODELS
from mmvmr.structures import FrameMatch, Memory, Outputs, PredictionSet, Tokens

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
QVHL = CONFIGS / 'bm_detr/bm_detr_qvhl.py'
CHARADES = CONFIGS / 'bm_detr/bm_detr_charades.py'
OFFICIAL = CONFIGS / 'bm_detr/bm_detr_official_qvhl.py'


def batch_with_negatives(lengths=(5, None, 9, 2)):
    batch = make_batch()
    generator = torch.Generator().manual_seed(5)
    batch['inputs']['neg_text'] = [None if n is None else torch.randn(n, 8, generator=generator) for n in lengths]
    return batch


def outputs_with(prob=None, video=None, text=None):
    """Outputs that hold what a loss of this module reads."""
    mask = make_targets().clip_mask
    video = Tokens(torch.randn(*mask.shape, 6), mask) if video is None else video
    extras = () if prob is None else (FrameMatch(prob * mask, mask, None),)
    memory = Memory(video=video, context=video, text=text, extras=extras)
    return Outputs(None, memory, None, None, [])


def test_frame_guidance_by_hand():
    targets = make_targets()
    prob = torch.rand(targets.clip_mask.shape)
    expected = []
    for p, inside, mask in zip(prob, targets.clips, targets.clip_mask):
        if inside.any():
            low = p[mask & ~inside].mean() if (mask & ~inside).any() else 0.0
            expected.append(1 - p[inside].mean() + low)
    assert len(expected) == 3  # one sample has no moment, another no clip outside
    found = FrameGuidanceLoss()(outputs_with(prob), targets)
    torch.testing.assert_close(found, torch.stack(expected).mean())
    with pytest.raises(ValueError, match='FrameMatchEncoder'):
        FrameGuidanceLoss()(outputs_with(), targets)


@pytest.mark.parametrize('same_video', ['exclude', 'include'])
@pytest.mark.parametrize('denominator', ['negatives', 'all'])
def test_pooled_alignment_by_hand(denominator, same_video):
    targets = make_targets()
    targets.video_index = torch.tensor([0, 1, 1, 2])
    torch.manual_seed(0)
    mask = torch.tensor([[True, True, False]] * 4)
    loss = PooledAlignmentLoss(6, denominator=denominator, same_video=same_video, temperature=0.5)
    outputs = outputs_with(text=Tokens(torch.randn(4, 3, 6), mask))
    video, text = loss.pooled(outputs)
    torch.testing.assert_close(video.norm(dim=1), torch.ones(4))
    cosine = video @ text.t() / 0.5
    rows = []
    for i in range(4):
        others = [j for j in range(4) if j != i and (same_video == 'include' or {i, j} != {1, 2})]
        others += [i] if denominator == 'all' else []
        rows.append(cosine[i, others].exp().sum().log() - cosine[i, i])
    torch.testing.assert_close(loss(outputs, targets), torch.stack(rows).mean())


def test_pooled_alignment_without_negatives():
    loss, targets = PooledAlignmentLoss(6), make_targets()
    targets.video_index = torch.zeros(4, dtype=torch.long)
    outputs = outputs_with(text=Tokens(torch.randn(4, 3, 6), torch.ones(4, 3, dtype=torch.bool)))
    value = loss(outputs, targets)
    value.backward()
    assert value == 0
    assert all(p.grad.isfinite().all() for p in loss.parameters())


def test_pools_see_what_exists():
    feat, mask = torch.randn(2, 5, 6), torch.tensor([[True] * 3 + [False] * 2, [True] * 5])
    for pool in (AttentionPool(6), TanhAttentionPool(6)):
        torch.testing.assert_close(pool(feat, mask)[0], pool(feat[:1, :3], mask[:1, :3])[0])


def test_error_rate():
    logits = torch.tensor([[[2.0, 1.0], [0.0, 1.0], [3.0, 0.0]]], requires_grad=True)
    predictions = PredictionSet('direct', torch.rand(1, 3, 2), final=True, logits=logits)
    pairs = Matched(torch.tensor([0, 0]), torch.tensor([0, 1]), torch.tensor([0, 1]), torch.rand(2, 2))
    assert ForegroundErrorLoss()(predictions, pairs, make_targets()) == 50
    nobody = Matched(*(torch.zeros(0, dtype=torch.long),) * 3, torch.zeros(0, 2))
    assert ForegroundErrorLoss()(predictions, nobody, make_targets()) == 0


def batch_with_shift():
    """Two samples and a view of the first."""
    batch = make_batch((8, 6), (4, 3), (1, 1))
    for features in batch['inputs'].values():
        features.append(features[0])
    batch['inputs']['neg_text'] = [torch.randn(4, 8), None, torch.randn(4, 8)]
    view = make_samples((8, 6), (1, 1), seed=3)[0]
    view.set_metainfo({'view': 'shift'})
    batch['data_samples'].append(view)
    return batch


def test_views_count_half_each():
    model = tiny_model(CHARADES)
    batch = model.data_preprocessor(batch_with_shift())
    losses = model(**batch, mode='loss')
    names = {name.removesuffix('@shift') for name in losses}
    assert {name for name in losses if name.endswith('@shift')} == {f'{name}@shift' for name in names}
    assert names == {f'loss_{n}' for n in ('span', 'giou', 'label', 'saliency_margin', 'frame_guidance', 'alignment')}
    # Alone in its view, the shifted sample has nobody to be told apart from.
    assert losses['loss_alignment@shift'] == 0


def test_a_view_of_the_same_video_is_no_negative():
    model = tiny_model(CHARADES, {'criterion': {'view_weights': None}}).eval()
    batch = model.data_preprocessor(batch_with_shift())
    whole = model(**batch, mode='loss')['loss_alignment']
    loss, outputs = model.criterion.losses['alignment'], model(batch['inputs'])
    video, text = loss.pooled(outputs)
    cosine = video @ text.t() / 0.07
    rows = [cosine[0, 1] - cosine[0, 0], cosine[1, [0, 2]].logsumexp(0) - cosine[1, 1], cosine[2, 1] - cosine[2, 2]]
    assert whole.item() == pytest.approx(torch.stack(rows).mean().item(), rel=1e-2)  # p+ here, the joint p there


@pytest.mark.parametrize('path', [QVHL, CHARADES, OFFICIAL], ids=['qvhl', 'charades', 'official'])
def test_every_parameter_learns(path):
    model = tiny_model(path)
    losses = model(**model.data_preprocessor(batch_with_negatives()), mode='loss')
    sum(losses.values()).backward()
    silent = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0}
    # Mathematically zero: queries have no content in layer 0, keys no bias that matters.
    known = ('decoder.layers.0.self_attn', 'key_', 'saliency_head.linear.bias')
    assert [name for name in silent if not any(part in name for part in known)] == []


@pytest.mark.parametrize('path', [QVHL, OFFICIAL], ids=['default', 'official'])
def test_no_moment_and_a_batch_of_one(path):
    model = tiny_model(path)
    for clips, moments in (((6, 4), (0, 0)), ((6,), (1,)), ((1,), (1,))):
        batch = make_batch(clips, (3,) * len(clips), moments)
        batch['inputs']['neg_text'] = [torch.randn(2, 8), None][: len(clips)]
        losses = model(**model.data_preprocessor(batch), mode='loss')
        assert all(value.isfinite() for value in losses.values()), losses


@pytest.mark.parametrize(('channels', 'count'), [(2816, 8_407_973), (1024, 7_945_637), (4096, 8_738_213)])
def test_parameters_equal_the_card(channels, count):
    cfg = Config.fromfile(OFFICIAL).model
    cfg.projector.video_dims = channels + 2
    words = 32 * 256 + 2 * 256  # position codes of words, which the official model carries along and never uses
    with torch.device('meta'):
        model = MODELS.build(cfg)
    assert sum(p.numel() for p in model.parameters()) + words == count


def test_official_decoding_is_untouched_by_negatives():
    """Card, 10.1: predictions of the training call and of the inference call are identical."""
    model = tiny_model(OFFICIAL).eval()
    batch = model.data_preprocessor(batch_with_negatives())
    with torch.no_grad():
        train, inference = (model.predict_sets(batch['inputs'], t) for t in (make_targets(), None))
    assert torch.equal(train.final.spans, inference.final.spans)
    assert not torch.equal(train.saliency, inference.saliency)
    default = tiny_model(QVHL).eval()
    with torch.no_grad():
        train, inference = (default.predict_sets(batch['inputs'], t) for t in (make_targets(), None))
    assert not torch.equal(train.final.spans, inference.final.spans)


def test_alignment_denominator_all_is_cross_entropy():
    loss, targets = PooledAlignmentLoss(6, denominator='all', same_video='include'), make_targets()
    outputs = outputs_with(text=Tokens(torch.randn(4, 3, 6), torch.ones(4, 3, dtype=torch.bool)))
    video, text = loss.pooled(outputs)
    expected = F.cross_entropy(video @ text.t() / 0.07, torch.arange(4))
    torch.testing.assert_close(loss(outputs, targets), expected)
