"""Shared-parameter fusion, local block, pooling and the encoder that they make up."""

import pytest
import torch
from testing.models import EMBED_DIMS as DIMS

from mmvmr.models import CrossEncoderLayer, LocalConvBlock, MultiModalAlignEncoder, SharedCrossFusion
from mmvmr.models.layers import AttentionPool
from mmvmr.structures import Features, Tokens

LAYER = dict(type='CrossEncoderLayer', embed_dims=DIMS, num_heads=2, ffn_dims=24, dropout=0.0, normed_residual=True)
STACK = dict(type='EncoderLayer', embed_dims=DIMS, num_heads=2, ffn_dims=24, dropout=0.0)


def features(lengths=(6, 3), words=(4, 2), seed=0):
    generator = torch.Generator().manual_seed(seed)

    def tokens(counts, position):
        mask = torch.arange(max(counts)) < torch.tensor(counts)[:, None]
        feat = torch.randn(len(counts), max(counts), DIMS, generator=generator)
        return Tokens(feat, mask, torch.randn(feat.shape, generator=generator) if position else None)

    return Features(video=tokens(lengths, True), text=tokens(words, False))


def slow_cross(layer, x, pos, other):
    """One sample, one direction, head by head: attention, residual, norm, feed-forward, residual, norm."""
    wq, wk, wv = layer.cross_attn.in_proj_weight.chunk(3)
    bq, bk, bv = layer.cross_attn.in_proj_bias.chunk(3)
    query, key, value = (x + pos) @ wq.t() + bq, other @ wk.t() + bk, other @ wv.t() + bv
    half = DIMS // 2
    heads = [
        (query[:, h] @ key[:, h].t() / half**0.5).softmax(-1) @ value[:, h] for h in (slice(0, half), slice(half, DIMS))
    ]
    x = layer.norm1(x + layer.cross_attn.out_proj(torch.cat(heads, 1)))
    return layer.norm2(x + layer.ffn(x))


def test_shared_fusion_equals_the_loop_in_both_directions():
    torch.manual_seed(0)
    fusion = SharedCrossFusion(2, LAYER)
    given = features()
    fused = fusion(given)
    for b in range(2):
        clips, words = given.video.feat[b][given.video.mask[b]], given.text.feat[b][given.text.mask[b]]
        place = given.video.pos[b][given.video.mask[b]]
        for layer in fusion.layers:
            clips, words = slow_cross(layer, clips, place, words), slow_cross(layer, words, 0, clips)
        torch.testing.assert_close(fused.video.feat[b][given.video.mask[b]], clips, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(fused.text.feat[b][given.text.mask[b]], words, atol=1e-5, rtol=1e-5)


def test_one_set_of_weights_gets_the_gradient_of_both_directions():
    torch.manual_seed(0)
    fusion = SharedCrossFusion(1, LAYER)
    single = sum(p.numel() for p in CrossEncoderLayer(**{k: v for k, v in LAYER.items() if k != 'type'}).parameters())
    assert sum(p.numel() for p in fusion.parameters()) == single

    def gradients(*parts):
        fusion.zero_grad()
        given = features()
        fused = fusion(given)
        sum(
            (getattr(fused, part).feat.square() * getattr(given, part).mask[..., None])[..., 0].sum() for part in parts
        ).backward()
        return torch.cat([p.grad.flatten() for p in fusion.parameters()])

    video, text = gradients('video'), gradients('text')
    assert video.abs().sum() > 0
    assert text.abs().sum() > 0
    torch.testing.assert_close(gradients('video', 'text'), video + text, atol=1e-5, rtol=1e-4)


def slow_conv(conv, x):
    """(L, D) to (L, D): zeros outside the video."""
    size = conv.kernel_size[0]
    rows = []
    for i in range(len(x)):
        total = conv.bias.clone()
        for k in range(size):
            j = i + k - size // 2
            if 0 <= j < len(x):
                total = total + conv.weight[:, :, k] @ x[j]
        rows.append(total)
    return torch.stack(rows)


def test_local_block_equals_the_loop_and_ignores_padding():
    torch.manual_seed(0)
    block = LocalConvBlock(DIMS)
    assert [conv.kernel_size[0] for conv in block.convs] == [1, 3, 1]
    tokens = features().video
    found = block(tokens.feat, tokens.mask)
    for b in range(2):
        x = y = tokens.feat[b][tokens.mask[b]]
        for i, conv in enumerate(block.convs):
            y = slow_conv(conv, y if i == 0 else y.clamp(min=0))
        torch.testing.assert_close(found[b][tokens.mask[b]], block.norm(x + y), atol=1e-5, rtol=1e-5)
    noisy = tokens.feat.where(tokens.mask[..., None], torch.nan)
    assert (block(noisy, tokens.mask)[tokens.mask] == found[tokens.mask]).all()
    with pytest.raises(ValueError, match='odd'):
        LocalConvBlock(DIMS, (1, 2))


def test_attention_pool_equals_the_loop():
    torch.manual_seed(0)
    pool, text = AttentionPool(DIMS), features().text
    found = pool(text.feat, text.mask)
    for b in range(2):
        words = text.feat[b][text.mask[b]]
        weights = [(pool.score.weight[0] @ word).item() for word in words]
        expected = torch.tensor(weights).softmax(0) @ words
        torch.testing.assert_close(found[b], expected, atol=1e-5, rtol=1e-5)


def align_encoder(**changes):
    torch.manual_seed(0)
    slots = dict(
        embed_dims=DIMS,
        fusion=dict(type='SharedCrossFusion', num_layers=2, layer=LAYER),
        global_block=dict(type='TransformerEncoder', num_layers=1, layer=STACK),
        local_block=dict(type='LocalConvBlock', embed_dims=DIMS),
        pool=dict(type='AttentionPool', embed_dims=DIMS),
    )
    return MultiModalAlignEncoder(**dict(slots, **changes))


def test_align_encoder_offers_two_views_of_the_same_sequence():
    encoder, given = align_encoder(), features()
    memory = encoder(given)
    sequence = encoder.token.prepend(given.video)
    fused = encoder.fusion(Features(video=sequence, text=given.text))
    overall = encoder.global_block(fused.video.feat, sequence.mask, sequence.pos)
    local = encoder.local_block(overall, sequence.mask)
    for found, expected in (
        (memory.global_token, overall[:, 0]),
        (memory.video.feat, overall[:, 1:]),
        (memory.fusion_token, local[:, 0]),
        (memory.context.feat, local[:, 1:]),
        (memory.fused, fused.video.feat[:, 1:]),
        (memory.sentence, encoder.pool(fused.text.feat, given.text.mask)),
        (memory.context.pos, given.video.pos),
    ):
        torch.testing.assert_close(found, expected)


def test_empty_slots_of_the_align_encoder_are_neutral():
    memory = align_encoder(local_block=None, pool=None)(features())
    assert (memory.context.feat == memory.video.feat).all()
    assert (memory.fusion_token == memory.global_token).all()
    assert memory.sentence is None


def test_the_local_block_of_the_align_encoder_can_stand_next_to_the_global_one():
    encoder, given = align_encoder(local_input='fused'), features()
    memory = encoder(given)
    sequence = encoder.token.prepend(given.video)
    fused = encoder.fusion(Features(video=sequence, text=given.text)).video.feat
    local = encoder.local_block(fused, sequence.mask)
    torch.testing.assert_close(memory.fusion_token, local[:, 0])
    torch.testing.assert_close(memory.context.feat, local[:, 1:])
    torch.testing.assert_close(memory.video.feat, align_encoder()(given).video.feat)  # highlights see no difference
    with pytest.raises(ValueError, match='local_input'):
        align_encoder(local_input='video')
