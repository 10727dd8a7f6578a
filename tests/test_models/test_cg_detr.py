"""CG-DETR: its blocks and losses against loops, its defaults against its published slips, options, parameters."""

import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from partial_extras import correlation_extras
from testing import make_batch, make_targets, tiny_model

from mmvmr.conversion import METHODS
from mmvmr.models.encoders import DummyTokenEncoder, NegativePairEncoder, PromptTokenEncoder
from mmvmr.models.fusions import AdaptiveCrossAttention
from mmvmr.models.layers import DropPath, residual_dropout
from mmvmr.models.losses import (
    AttentionDistillLoss,
    ClipAttentionLoss,
    MomentClipLoss,
    MomentDummyLoss,
    MomentSentenceLoss,
    OrthogonalTokenLoss,
    SaliencyNegativeLoss,
    SaliencyRankLoss,
)
from mmvmr.registry import MODELS
from mmvmr.structures import AdaptiveAttention, AlignmentTokens, Features, Memory, MismatchedPairs, Outputs, Tokens

D = 8


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture
def config(repo_dir):
    return repo_dir / 'configs' / 'cg_detr' / 'cg_detr_qvhl.py'


def tokens(lengths, width, dims=D):
    """A sequence whose padding holds large numbers."""
    mask = torch.arange(width) < torch.tensor(lengths)[:, None]
    return Tokens(torch.where(mask[..., None], torch.randn(len(lengths), width, dims), 50.0), mask, None)


def test_drop_path_drops_whole_samples():
    x = torch.ones(2000, 3, 2)
    out = DropPath(0.25)(x)
    rows = out.flatten(1)
    assert ((rows == rows[:, :1]).all(1)).all()
    assert rows[:, 0].unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert (rows[:, 0] == 0).float().mean() == pytest.approx(0.25, abs=0.04)
    assert DropPath(0.25).eval()(x) is x
    with pytest.raises(ValueError, match="'element' or 'sample'"):
        residual_dropout(0.1, 'layer')


def test_adaptive_attention_against_loops():
    dummies, heads = 2, 2
    attention = AdaptiveCrossAttention(D, num_dummies=dummies, num_heads=heads, dropout=0.0)
    query, text = torch.randn(2, 3, D), tokens((5, 4), 6)
    found, weights = attention(query, text.feat, text.feat, text.mask)
    for b, length in enumerate((5, 4)):
        keys, size = text.feat[b, :length], D // heads
        for n in range(3):
            parts, share = [], torch.zeros(length)
            for h in range(heads):
                cut = slice(h * size, (h + 1) * size)
                weight = torch.stack([query[b, n, cut] @ k[cut] / math.sqrt(size) for k in keys]).softmax(0)
                parts.append(sum(w * k[cut] for w, k in zip(weight[dummies:], keys[dummies:])))
                share += weight / heads
            torch.testing.assert_close(found[b, n], attention.out_proj(torch.cat(parts)))
            torch.testing.assert_close(weights[b, n, :length], share)
            assert weights[b, n, dummies:].sum() < 1
    assert (weights[1, :, 4:] == 0).all()


def test_attention_to_nothing_is_the_bias():
    attention = AdaptiveCrossAttention(D, num_dummies=2, num_heads=2)
    torch.nn.init.normal_(attention.out_proj.bias)
    empty = torch.zeros(2, 0, D)
    found, weights = attention(torch.randn(2, 1, D), empty, empty, torch.ones(2, 0, dtype=torch.bool))
    torch.testing.assert_close(found, attention.out_proj.bias.expand(2, 1, D))
    assert weights.shape == (2, 1, 0)


class _Echo(torch.nn.Module):
    """Stands for a fusion: video unchanged, a fixed attention."""

    def __init__(self, attention):
        super().__init__()
        self.attention = attention
        self.texts = []

    def forward(self, features):
        self.texts.append(features.text)
        return dataclasses.replace(features, attention=self.attention)


@pytest.mark.parametrize(('selected', 'reads'), [(1, 'text'), (3, 'nothing')])
def test_prompt_token_against_loops(selected, reads):
    dummies, prompts = 2, 4
    stack = dict(type='TransformerEncoder', num_layers=1, layer=dict(type='EncoderLayer', embed_dims=D, num_heads=2))
    encoder = PromptTokenEncoder(
        D, dummies, dict(type='NoFusion'), stack, num_prompts=prompts, num_selected=selected, token_reads=reads
    ).eval()
    video, text = tokens((5, 3), 5), tokens((6, 6), 6)
    attention = torch.rand(2, 5, 6).softmax(-1)
    encoder.fusion = _Echo(attention)
    memory = encoder(Features(video, text))
    for b, length in enumerate((5, 3)):
        clips = video.feat[b, :length]
        context = clips.mean(0)
        share = attention[b, :length, dummies:].sum(-1)
        affinity = torch.zeros(prompts)
        for clip, weight in zip(clips, share):
            cosine = torch.stack([F.cosine_similarity(clip - context, p, dim=0) for p in encoder.prompts])
            affinity += cosine.softmax(0) * weight / share.sum()
        best = affinity.argsort(descending=True)[:selected]
        expected = sum(affinity[k] * encoder.prompts[k] for k in best) + context
        torch.testing.assert_close(memory.find(AdaptiveAttention).token[b, 0], expected, atol=1e-5, rtol=1e-4)
    assert encoder.fusion.texts[1].feat.shape[1] == (6 if reads == 'text' else 0)
    # Every clip carries the token.
    sequence = Tokens(memory.find(AdaptiveAttention).token, video.mask[:, :1], encoder.pos.expand(2, 1, -1)).join(video)
    out = encoder.layers(sequence.feat, sequence.mask, sequence.position())
    torch.testing.assert_close(memory.video.feat, out[:, 1:] + out[:, :1])
    torch.testing.assert_close(memory.global_token, out[:, 0])
    assert memory.text.feat.shape[1] == 4


def test_prompt_token_options():
    with pytest.raises(ValueError, match="token_reads='words'"):
        PromptTokenEncoder(D, 2, {}, {}, token_reads='words')
    with pytest.raises(ValueError, match='num_selected=3, expected 1 to 2'):
        PromptTokenEncoder(D, 2, {}, {}, num_prompts=2, num_selected=3)
    encoder = PromptTokenEncoder(D, 2, dict(type='NoFusion'), dict(type='TransformerEncoder', num_layers=0, layer={}))
    with pytest.raises(ValueError, match='use AdaptiveCrossFusion'):
        encoder(Features(tokens((3,), 3), tokens((3,), 3)))


def test_dummies_know_their_sentence_and_come_first():
    class Keep(torch.nn.Module):
        def forward(self, features, targets=None):
            return features

    stack = dict(type='TransformerEncoder', num_layers=1, layer=dict(type='EncoderLayer', embed_dims=D, num_heads=2))
    encoder = DummyTokenEncoder(D, 3, stack, dict(type='NoFusion')).eval()
    encoder.encoder = Keep()
    text = tokens((4, 2), 4)
    seen = encoder(Features(tokens((3, 3), 3), text)).text
    assert seen.mask.sum(1).tolist() == [7, 5]
    torch.testing.assert_close(seen.feat[:, 3:], text.feat)
    torch.testing.assert_close(seen.pos[:, :3], encoder.pos.expand(2, -1, -1))
    assert (seen.pos[:, 3:] == 0).all()
    short = encoder(Features(tokens((3,), 3), Tokens(text.feat[1:, :2], text.mask[1:, :2])))
    torch.testing.assert_close(short.text.feat[0, :3], seen.feat[1, :3], atol=1e-5, rtol=1e-4)
    assert not torch.allclose(seen.feat[0, :3], seen.feat[1, :3])


def test_alignment_tokens_see_their_side_only(config):
    model = tiny_model(config).eval()
    batch = model.data_preprocessor(make_batch())
    targets = make_targets()
    tokens = model.encoder(model.projector(batch['inputs']), targets).find(AlignmentTokens)
    changed = {name: value.clone() for name, value in batch['inputs'].items()}
    outside = targets.clip_mask & ~targets.clips
    changed['video'][outside] += torch.randn_like(changed['video'][outside])
    other = model.encoder(model.projector(changed), targets).find(AlignmentTokens)
    torch.testing.assert_close(tokens.moment, other.moment)
    torch.testing.assert_close(tokens.moment_clips[targets.clips], other.moment_clips[targets.clips])
    assert not torch.allclose(tokens.non_moment, other.non_moment)
    assert model.encoder(model.projector(batch['inputs'])).find(AlignmentTokens) is None


@pytest.mark.parametrize('rows', ['all', 'valid'])
def test_negatives_do_not_depend_on_which_rows_run(config, rows):
    model = tiny_model(config).eval()
    pair = next(m for m in model.modules() if isinstance(m, NegativePairEncoder))
    features = model.projector(model.data_preprocessor(make_batch())['inputs'])
    targets = dataclasses.replace(make_targets(), video_index=torch.tensor([0, 0, 1, 2]))
    pair.rows = 'all'
    whole = model.encoder(features, targets).negative
    pair.rows = rows
    part = model.encoder(features, targets).negative
    assert part.find(MismatchedPairs).valid.tolist() == [False, True, True, True]
    torch.testing.assert_close(part.video.feat[1:], whole.video.feat[1:])
    torch.testing.assert_close(part.find(AdaptiveAttention).on_text[1:], whole.find(AdaptiveAttention).on_text[1:])
    nobody = dataclasses.replace(targets, video_index=torch.zeros(4, dtype=torch.long))
    assert not model.encoder(features, nobody).negative.find(MismatchedPairs).valid.any()


def test_options_with_a_list_of_values():
    parts = dict(encoder=dict(type='NoFusion'), sampler=dict(type='RollNegativeSampler'))
    for name in ('rows', 'word_positions'):
        with pytest.raises(ValueError, match=f"{name}='some'"):
            NegativePairEncoder(**parts, **{name: 'some'})


def outputs_of(saliency=None, negative=None, valid=None, **values):
    memory = Memory(video=None, context=None, extras=correlation_extras(**values))
    if valid is not None:
        memory.negative = Memory(video=None, context=None, extras=(MismatchedPairs(valid),))
    return Outputs(None, memory, None, None, [], saliency, negative)


def slow_rank(scores, rating, mask):
    """The published sum for one video."""
    total = 0.0
    z = torch.where(mask, scores, torch.tensor(-1e3)) / 0.5
    for level in range(1, 12):
        chosen = rating >= level
        if chosen.any():
            log_prob = (z - z.max()) - ((z - z.max()).exp().sum() + 1e-6).log()
            total = total - (log_prob * mask)[chosen].sum() / (chosen.sum() + 1e-6)
    return total / 12


@pytest.mark.parametrize('valid', [(True, True, True, True), (True, False, True, False), (True, False, True, True)])
@pytest.mark.parametrize('option', ['join', 'added', 'ignored'])
def test_rank_of_false_negatives(valid, option):
    targets, valid = make_targets(), torch.tensor(valid)
    scores, negative = torch.randn_like(targets.saliency), torch.randn_like(targets.saliency)
    found = SaliencyRankLoss(false_negatives=option)(outputs_of(scores, negative, valid), targets)
    rows = []
    for b, real in enumerate(valid):
        joint = (scores[b], targets.saliency[b], targets.clip_mask[b])
        if real:
            extra = (negative[b], torch.zeros_like(joint[1]), joint[2])
            joint = tuple(torch.cat(pair) for pair in zip(joint, extra))
        rows.append(slow_rank(*joint))
    real, false = ([r for r, v in zip(rows, valid) if v is keep or bool(v) is keep] for keep in (True, False))
    expected = {
        'join': sum(rows) / 4,
        'added': sum(real) / len(real) + (sum(false) / len(false) if len(false) > 1 else 0),
        'ignored': sum(real) / len(real),
    }[option]
    torch.testing.assert_close(found, torch.as_tensor(expected), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('option', ['join', 'added', 'ignored'])
def test_rank_without_any_real_negative_is_that_of_the_scores_alone(option):
    targets = make_targets()
    scores, nobody = torch.randn_like(targets.saliency), torch.zeros(4, dtype=torch.bool)
    alone = SaliencyRankLoss()(outputs_of(scores), targets)
    loss = SaliencyRankLoss(false_negatives=option)
    torch.testing.assert_close(loss(outputs_of(scores, scores, nobody), targets), alone)


def test_attention_losses_against_loops():
    targets = make_targets()
    share = torch.rand_like(targets.saliency)
    outputs = outputs_of(on_text=share)
    costs, padded = [], []
    for b in range(len(share)):
        for t in range(share.shape[1]):
            inside = bool(targets.saliency[b, t] > 0)
            cost = -math.log(share[b, t] if inside else 1 - share[b, t])
            padded.append(cost)
            if targets.clip_mask[b, t]:
                costs.append(cost)
    assert ClipAttentionLoss()(outputs, targets).item() == pytest.approx(sum(costs) / len(costs), rel=1e-5)
    found = ClipAttentionLoss(padding='include')(outputs, targets).item()
    assert found == pytest.approx(sum(padded) / len(padded), rel=1e-5)
    valid = torch.tensor([True, False, True, True])
    outputs.memory.negative = Memory(None, None, extras=(MismatchedPairs(valid), *correlation_extras(on_text=share)))
    expected = [-(1 - share[b][targets.clip_mask[b]]).log().sum() for b in (0, 2, 3)]
    loss = SaliencyNegativeLoss(scores='attention')
    torch.testing.assert_close(loss(outputs, targets), sum(expected) / 3)
    share[:] = 1.0
    assert torch.isfinite(loss(outputs, targets))
    with pytest.raises(ValueError, match='written by PromptTokenEncoder'):
        ClipAttentionLoss()(outputs_of(share), targets)
    with pytest.raises(ValueError, match="scores='words'"):
        SaliencyRankLoss(scores='words')


def alignment_outputs(batch=3):
    names = ('moment', 'non_moment', 'sentence', 'dummy_sentence')
    return outputs_of(**{name: torch.randn(batch, D) for name in names})


@pytest.mark.parametrize('batch', [1, 3])
def test_moment_sentence_losses_against_loops(batch):
    outputs = alignment_outputs(batch)
    tokens = vars(outputs.memory.find(AlignmentTokens))
    unit = {name: F.normalize(value, dim=1) for name, value in tokens.items() if value is not None}

    def probabilities(i, sentence):
        both = [unit[side][i] @ unit[sentence][j] for side in ('moment', 'non_moment') for j in range(batch)]
        return torch.stack(both).softmax(0)

    expected = sum(-probabilities(i, 'sentence')[i].log() for i in range(batch)) / batch
    torch.testing.assert_close(MomentSentenceLoss()(outputs, None), expected)
    expected = sum(-(1 - probabilities(i, 'dummy_sentence')[i]).log() for i in range(batch)) / batch
    torch.testing.assert_close(MomentDummyLoss()(outputs, None), expected)
    labels = torch.cat((1 - torch.eye(batch), torch.ones(batch, batch)), dim=1).max(1)[1]  # the published slip
    expected = sum(-probabilities(i, 'dummy_sentence')[labels[i]].log() for i in range(batch)) / batch
    torch.testing.assert_close(MomentDummyLoss(labels='first')(outputs, None), expected)


@pytest.mark.parametrize('padding', ['exclude', 'include'])
def test_moment_clip_and_distill_losses_against_loops(padding):
    targets, dummies, words = make_targets(), 2, (7, 4, 5, 3)
    batch, length = targets.clips.shape
    width = dummies + max(words)
    mask = torch.arange(width) < torch.tensor(words)[:, None] + dummies
    values = dict(
        moment=torch.randn(batch, D),
        moment_clips=torch.randn(batch, length, D),
        non_moment_clips=torch.randn(batch, length, D),
        text=torch.randn(batch, width, D),
        text_mask=mask,
        weights=(torch.randn(batch, length, width).masked_fill(~mask[:, None], -torch.inf)).softmax(-1),
    )
    outputs = outputs_of(**values)
    clip, distill, moments = 0.0, 0.0, 0
    for b in range(batch):
        for t in range(int(targets.clip_mask[b].sum())):
            inside = bool(targets.clips[b, t])
            feat = values['moment_clips' if inside else 'non_moment_clips'][b, t]
            p = (values['moment'][b] @ feat).sigmoid()
            clip = clip - (p if inside else 1 - p).log()
            if inside:
                count = width if padding == 'include' else dummies + words[b]
                affinity = values['text'][b, :count] @ values['moment_clips'][b, t]
                wanted = affinity.softmax(0)
                given = (values['weights'][b, t, :count] + 1e-6).log()
                distill = distill + (wanted * (wanted.log() - given)).mean()
                moments += 1
    total = batch * length if padding == 'include' else targets.clip_mask.sum()
    for form in ('logits', 'probability'):
        torch.testing.assert_close(MomentClipLoss(padding=padding, form=form)(outputs, targets), clip / total)
    torch.testing.assert_close(AttentionDistillLoss(padding=padding)(outputs, targets), distill / moments)
    nothing = dataclasses.replace(targets, clips=torch.zeros_like(targets.clips))
    assert AttentionDistillLoss(padding=padding)(outputs, nothing) == 0


@pytest.mark.parametrize('count', [1, 4])
def test_orthogonal_loss_against_loops(count):
    sets = torch.randn(2, count, D, requires_grad=True)
    expected = sum(
        F.cosine_similarity(row[i], row[j], dim=0).abs()
        for row in sets
        for i in range(count)
        for j in range(count)
        if i != j
    )
    found = OrthogonalTokenLoss(tokens='dummies')(outputs_of(dummies=sets), None)
    torch.testing.assert_close(found, torch.as_tensor(expected) / (2 * count**2), check_dtype=False)
    if count > 1:
        (both,) = torch.autograd.grad(expected / (2 * count**2), sets)
        torch.testing.assert_close(torch.autograd.grad(found, sets)[0], both / 2)  # half of it is detached


@pytest.mark.parametrize(
    ('loss', 'options', 'message'),
    [
        (MomentDummyLoss, {'labels': 'last'}, "labels='last'"),
        (MomentClipLoss, {'form': 'odds'}, "form='odds'"),
        (MomentClipLoss, {'padding': 'some'}, "padding='some'"),
        (OrthogonalTokenLoss, {'tokens': 'words'}, "tokens='words'"),
        (SaliencyRankLoss, {'false_negatives': 'x'}, "false_negatives='x'"),
    ],
)
def test_unknown_options(loss, options, message):
    with pytest.raises(ValueError, match=message):
        loss(**options)


def test_losses_name_the_encoder_that_is_missing():
    with pytest.raises(ValueError, match='AlignmentTokenEncoder around PromptTokenEncoder'):
        MomentSentenceLoss()(outputs_of(), None)


def test_parameters_of_the_card(config):
    model = MODELS.build(Config.fromfile(config).model)
    unused = 132_352 + 8_704  # txt_proj_linear and txt_position_embed, which the official code never reads
    assert sum(p.numel() for p in model.parameters()) == 12_615_467 - unused


@pytest.mark.parametrize(('name', 'extra'), [('tvsum', set()), ('youtube_uni', {'negative'})])
def test_highlight_only_options(name, extra):
    args = dict.fromkeys(('hidden_dim', 'nheads', 'dim_feedforward', 'v_feat_dim', 't_feat_dim', 'num_queries'), 16)
    args |= dict.fromkeys(('enc_layers', 'dec_layers', 't2v_layers', 'sent_layers', 'moment_layers', 'dummy_layers'), 1)
    args |= dict.fromkeys(('set_cost_span', 'set_cost_giou', 'set_cost_class', 'span_loss_coef', 'giou_loss_coef'), 1)
    args |= dict.fromkeys(('label_loss_coef', 'eos_coef', 'saliency_margin', 'lw_ms_align', 'lw_distill'), 1)
    args |= dict(lw_saliency=4.0, lw_wattn=0.5, num_dummies=3, total_prompts=10, num_prompts=2, dset_name=name)
    losses = MODELS.build(METHODS['cg_detr'].model_config(args)).criterion.losses
    kinds = {'margin', 'rank', 'negative'} - extra
    assert set(losses) == {f'{s}_{k}' for s in ('saliency', 'attention') for k in kinds} | {'attention_clip'}
    assert losses['saliency_rank'].weight == 4.0
    assert losses['attention_rank'].weight == 2.0
