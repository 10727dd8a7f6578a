"""Equations 1 and 6 of SA-DETR as printed, against their formulas written out."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from testing import make_batch, tiny_model

from mmvmr.models.decoders.transformer_decoder import DecoderLayer
from mmvmr.models.layers import QueryPosition
from mmvmr.models.layers.query_attention import QuerySelfAttention
from mmvmr.structures import Memory, Tokens

SA = Path(__file__).resolve().parents[2] / 'configs/sa_detr/sa_detr_qvhl.py'
D = 4


@pytest.fixture
def parts():
    torch.manual_seed(0)
    content, pos = torch.randn(2, 3, D), torch.randn(2, 3, D)
    return content, QueryPosition(pos=pos, sine=torch.randn(2, 3, D))


def test_positions_are_added_to_projected_contents(parts):
    """Eq. 1: softmax((Q + P) (K + P)^T / sqrt(d)) V, one head."""
    content, position = parts
    block = QuerySelfAttention(D, num_heads=1, dropout=0.0, position='projected').eval()
    query, key, value = F.linear(content, block.attn.in_proj_weight, block.attn.in_proj_bias).chunk(3, dim=-1)
    logits = (query + position.pos) @ (key + position.pos).transpose(1, 2) / D**0.5
    expected = block.attn.out_proj(logits.softmax(-1) @ value)
    torch.testing.assert_close(block(content, position), expected)
    usual = QuerySelfAttention(D, num_heads=1, dropout=0.0).eval()
    usual.load_state_dict(block.state_dict())
    assert not torch.allclose(usual(content, position), expected)
    # Without a position both are the same.
    nowhere = QueryPosition(pos=torch.zeros(2, 3, D), sine=position.sine)
    torch.testing.assert_close(usual(content, nowhere), block(content, nowhere))


@pytest.mark.parametrize('residual', ['content', 'projected', 'none'])
def test_what_the_cross_attention_adds_to(parts, residual):
    content, position = parts
    kinds = dict(self_attn=dict(type='QuerySelfAttention'), cross_attn=dict(type='ConditionalCrossAttention'))
    options = {key: dict(value, embed_dims=D, num_heads=2, dropout=0.0) for key, value in kinds.items()}
    layer = DecoderLayer(D, ffn_dims=6, dropout=0.0, residual=residual, **options).eval()
    clips = Tokens(torch.randn(2, 5, D), torch.ones(2, 5, dtype=torch.bool))
    memory = Memory(video=clips, context=clips, text=clips)
    entered = layer.norm1(content + layer.self_attn(content, position))
    update = layer.cross_attn(entered, position, clips, None)
    added = {'content': entered, 'projected': layer.cross_attn.query_content(entered), 'none': 0}[residual]
    state = layer.norm2(added + update)
    torch.testing.assert_close(layer(content, position, memory, None), layer.norm3(state + layer.ffn(state)))


def test_the_readings_train():
    layer = dict(self_attn=dict(position='projected'), residual='projected')
    model = tiny_model(SA, dict(decoder=dict(layer=layer)))
    losses = model(**model.data_preprocessor(make_batch()), mode='loss')
    sum(losses.values()).backward()
    assert not [name for name, parameter in model.named_parameters() if parameter.grad is None]


def test_mistakes():
    with pytest.raises(ValueError, match=r'position.*after.*content'):
        QuerySelfAttention(D, num_heads=2, position='after')
    attention = dict(type='QueryCrossAttention', embed_dims=D, num_heads=2)
    with pytest.raises(ValueError, match=r"residual='projected' needs .*found QueryCrossAttention"):
        DecoderLayer(D, dict(type='QuerySelfAttention', embed_dims=D, num_heads=2), attention, residual='projected')
