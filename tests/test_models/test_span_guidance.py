"""Temporal align, enhance block and Gaussian mask against loops written from the equations."""

import math

import pytest
import torch

from mmvmr.models import GaussianModulator, SpanEnhance
from mmvmr.models.layers import ConditionalCrossAttention, QueryPosition, temporal_align, temporal_align_weights
from mmvmr.structures import Memory, Tokens

LENGTHS = (9, 5, 1)


def clips(dims=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    feat = torch.randn(3, max(LENGTHS), dims, generator=generator, dtype=torch.float64)
    return feat, torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]


def spans(count=7, seed=1):
    """Random spans, among them ones that leave the video, have no length, or cover it."""
    drawn = torch.rand(3, count, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    drawn[:, 0] = torch.tensor([0.05, 0.4])
    drawn[:, 1] = torch.tensor([0.98, 0.5])
    drawn[:, 2] = torch.tensor([0.3, 0.0])
    drawn[:, 3] = torch.tensor([0.5, 1.0])
    return drawn


def slow_align(feat, count, span, points):
    """One video (L, D), one span: linear interpolation between the clip centers, point by point."""
    center, width = span.tolist()
    start, end = max(center - width / 2, 0.0), min(center + width / 2, 1.0)
    rows = []
    for k in range(points):
        time = start + (k + 0.5) * (end - start) / points
        place = min(max(time * count - 0.5, 0.0), count - 1.0)
        left = min(math.floor(place), count - 1)
        right = min(left + 1, count - 1)
        rows.append(feat[left] * (1 - (place - left)) + feat[right] * (place - left))
    return torch.stack(rows)


@pytest.mark.parametrize('points', [1, 4, 10])
def test_temporal_align_equals_the_loop(points):
    feat, mask = clips()
    wanted = spans()
    found = temporal_align(feat, mask, wanted, points)
    for b, count in enumerate(LENGTHS):
        for n in range(wanted.shape[1]):
            expected = slow_align(feat[b], count, wanted[b, n], points)
            torch.testing.assert_close(found[b, n], expected, atol=1e-5, rtol=1e-5)


def test_temporal_align_reads_valid_clips_only_and_its_weights_sum_to_one():
    _, mask = clips()
    weights = temporal_align_weights(spans(), mask, 5)
    torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:3]))
    assert (weights * ~mask[:, None, None]).abs().max() == 0


def slow_enhance(block, content, feat, count, token, span):
    """One query: equations 2 and 3."""
    dims = feat.shape[-1]
    points = slow_align(feat, count, span, block.num_points)
    total = torch.zeros(dims, dtype=feat.dtype)
    for point in points:
        score = (block.video.weight @ point) @ (block.sentence.weight @ token) / math.sqrt(dims)
        total = total + point * score
    sampled = total / block.num_points
    gate = 1 / (1 + math.exp(-(content * sampled).sum().item()))
    return block.output.weight @ ((sampled + content) * gate) + content


def test_span_enhance_equals_the_loop():
    torch.manual_seed(0)
    feat, mask = clips()
    wanted = spans()
    block = SpanEnhance(6, num_points=4).double()
    content, sentence = torch.randn(3, 7, 6).double(), torch.randn(3, 6).double()
    memory = Memory(video=Tokens(feat * 0, mask), context=Tokens(feat, mask), sentence=sentence)
    found = block(content, memory, wanted)
    for b, count in enumerate(LENGTHS):
        for n in range(7):
            expected = slow_enhance(block, content[b, n], feat[b], count, sentence[b], wanted[b, n])
            torch.testing.assert_close(found[b, n], expected, atol=1e-5, rtol=1e-5)


def test_span_enhance_falls_back_to_the_mean_word_and_then_to_the_token():
    feat, mask = clips()
    feat, wanted, content = feat.float(), spans().float(), torch.randn(3, 7, 6)
    block = SpanEnhance(6)
    tokens = Tokens(feat, mask)
    text = Tokens(torch.randn(3, 4, 6), torch.tensor([[True] * 4, [True] * 2 + [False] * 2, [True] + [False] * 3]))
    means = torch.stack([text.feat[b, : text.mask[b].sum()].mean(0) for b in range(3)])
    found = block(content, Memory(video=tokens, context=tokens, text=text), wanted)
    torch.testing.assert_close(found, block(content, Memory(tokens, tokens, sentence=means), wanted))
    token = torch.randn(3, 6)
    found = block(content, Memory(video=tokens, context=tokens, global_token=token), wanted)
    torch.testing.assert_close(found, block(content, Memory(tokens, tokens, sentence=token), wanted))


def test_span_enhance_refuses_what_has_no_spans_or_no_clips():
    feat, mask = clips()
    tokens, joint = Tokens(feat, mask), Tokens(feat.repeat(1, 2, 1), mask.repeat(1, 2))
    block = SpanEnhance(6)
    with pytest.raises(ValueError, match='anchors'):
        block(feat, Memory(tokens, tokens), None)
    with pytest.raises(ValueError, match='VideoContextEncoder'):
        block(feat, Memory(tokens, joint), spans())


@pytest.mark.parametrize('mode', ['multiply', 'log'])
def test_gaussian_modulator_equals_the_formula(mode):
    _, mask = clips()
    wanted = spans().float()
    logits = torch.randn(3, 2, 7, 9)
    found = GaussianModulator(alpha=2.0, mode=mode, min_width=0.01)(logits, wanted, mask)
    for b, count in enumerate(LENGTHS):
        for n in range(7):
            center, width = wanted[b, n].tolist()
            for j in range(1, count + 1):
                exponent = -2.0 * (j / count - center) ** 2 / max(width, 0.01) ** 2
                for h in range(2):
                    logit = logits[b, h, n, j - 1].item()
                    expected = logit * math.exp(exponent) if mode == 'multiply' else logit + exponent
                    assert found[b, h, n, j - 1].item() == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_gaussian_modulator_is_finite_for_collapsed_spans():
    _, mask = clips()
    anchors = torch.tensor([[0.5, 0.0]]).repeat(3, 1, 1).requires_grad_()
    for mode in ('multiply', 'log'):
        out = GaussianModulator(mode=mode)(torch.randn(3, 2, 1, 9), anchors, mask)
        out.masked_fill(~mask[:, None, None], -torch.inf).softmax(-1).sum().backward()
        assert anchors.grad.isfinite().all()


def test_unknown_mode_is_refused():
    with pytest.raises(ValueError, match='mode'):
        GaussianModulator(mode='divide')


def test_span_guided_cross_attention_equals_equations_4_to_6():
    """One head at a time: concatenated query and key, mask times logits, softmax over the valid clips."""
    torch.manual_seed(0)
    feat, mask = clips(dims=8)
    feat, wanted = feat.float(), spans().float()
    attention = ConditionalCrossAttention(8, num_heads=2, dropout=0.0, modulator=dict(type='GaussianModulator'))
    content, position, key_position = torch.randn(3, 7, 8), torch.randn(3, 7, 8), torch.randn(3, 9, 8)
    found = attention(content, QueryPosition(position, position), Tokens(feat, mask, key_position), wanted)
    with torch.no_grad():
        query, place = attention.query_content(content), attention.query_sine(position)
        key, key_place = attention.key_content(feat), attention.key_pos(key_position)
        value = attention.value(feat)
        for b, count in enumerate(LENGTHS):
            for n in range(7):
                center, width = wanted[b, n].tolist()
                heads = []
                for h in (slice(0, 4), slice(4, 8)):
                    logits = []
                    for j in range(count):
                        dot = torch.cat((query[b, n, h], place[b, n, h])) @ torch.cat(
                            (key[b, j, h], key_place[b, j, h])
                        )
                        gauss = math.exp(-2 * ((j + 1) / count - center) ** 2 / max(width, 1e-3) ** 2)
                        logits.append(float(dot) / math.sqrt(8) * gauss)
                    heads.append(torch.tensor(logits).softmax(0) @ value[b, :count, h])
                expected = attention.out_proj(torch.cat(heads))
                torch.testing.assert_close(found[b, n], expected, atol=1e-5, rtol=1e-5)
