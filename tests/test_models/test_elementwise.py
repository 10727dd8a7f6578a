"""Dropout and PReLU of the CPU against what they stand for."""

import pytest
import torch
import torch.nn.functional as F

from mmvmr.models.layers import Dropout, MultiheadAttention
from mmvmr.models.layers.elementwise import PReLU


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_dropout_keeps_and_scales(dtype):
    torch.manual_seed(0)
    x = torch.full((1001, 99), 3.0, dtype=dtype, requires_grad=True)
    out = Dropout(0.25)(x)
    out.sum().backward()
    assert set(out.unique().tolist()) == {0.0, 4.0}
    assert ((out == 0) == (x.grad == 0)).all()
    assert x.grad.float().amax().item() == pytest.approx(4 / 3, rel=5e-3 if dtype == torch.bfloat16 else 1e-6)
    share = (out == 0).double().mean().item()
    assert abs(share - 0.25) < 5 * (0.25 * 0.75 / x.numel()) ** 0.5  # five standard deviations
    assert abs(torch.corrcoef((out == 0).double().view(-1).unfold(0, 2, 1).T)[0, 1]) < 0.02  # neighbours: independent


def test_dropout_follows_the_seed():
    x, drop, outputs = torch.ones(50, 7), Dropout(0.5), []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        outputs.append((drop(x), drop(x)))
    assert outputs[0][0].equal(outputs[1][0]) and outputs[0][1].equal(outputs[1][1])
    assert not outputs[0][0].equal(outputs[0][1]) and not outputs[0][0].equal(outputs[2][0])


def test_prelu_is_that_of_torch():
    ours = PReLU()
    x, grad = torch.randn(31, 17), torch.randn(31, 17)
    mine, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    slope = ours.weight.detach().clone().requires_grad_()
    ours(mine).backward(grad)
    F.prelu(theirs, slope).backward(grad)
    torch.testing.assert_close(mine.grad, theirs.grad)
    torch.testing.assert_close(ours.weight.grad, slope.grad)


@pytest.mark.parametrize('same', [True, False])
def test_attention_projects_like_that_of_torch(same):
    attention = MultiheadAttention(16, 4, dropout=0.0)
    torch.nn.init.normal_(attention.in_proj_bias)
    reference = torch.nn.MultiheadAttention(16, 4, batch_first=True)
    reference.load_state_dict(attention.state_dict())
    query, value = torch.randn(2, 5, 16), torch.randn(2, 5, 16)
    key = query if same else torch.randn(2, 5, 16)
    torch.testing.assert_close(attention(query, key, value), reference(query, key, value)[0])
    for module in (attention, reference):
        out = module(query, key, value)
        (out[0] if isinstance(out, tuple) else out).square().sum().backward()
    for (name, ours), theirs in zip(attention.named_parameters(), reference.parameters()):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-6, msg=name)
