"""Tests of convolutions over clips that do not read padding."""

from __future__ import annotations

import pytest
import torch

from mmvmr.models.layers import MaskedConv


def sums(stride: int, groups: int = 1) -> MaskedConv:
    """A convolution of kernel 3 that adds up three positions (and, with one group, both channels)."""
    conv = MaskedConv(2, 2, 3, stride, groups=groups)
    torch.nn.init.ones_(conv.conv.weight)
    torch.nn.init.constant_(conv.conv.bias, 0.5)
    return conv


@pytest.mark.parametrize('stride, groups, expected', [(1, 1, (33, 66, 55, 33)), (2, 1, (33, 55)), (2, 2, (3, 5))])
def test_padding_counts_as_zeros(stride: int, groups: int, expected: tuple[int, ...]) -> None:
    """Channels 1, 2, 3 and 10, 20, 30, then padding: 33 = 1 + 2 + 10 + 20, 66 = 1 + 2 + 3 + 10 + 20 + 30."""
    x = torch.tensor([[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [999.0, 999.0]]])
    mask = torch.tensor([[True, True, True, False]])
    out = sums(stride, groups)(x, mask)
    torch.testing.assert_close(out[..., 0], torch.tensor([expected]) + 0.5)


@pytest.mark.parametrize('groups', [1, 8])
@pytest.mark.parametrize('stride', [1, 2])
def test_is_a_convolution_whose_output_needs_no_copy(stride: int, groups: int) -> None:
    """Outputs and gradients of torch's convolution, channels last in memory, as the norms that follow read them."""
    generator = torch.Generator().manual_seed(0)
    conv = MaskedConv(8, 8, 3, stride, groups=groups).double()
    x = torch.randn(3, 6, 8, generator=generator, dtype=torch.float64, requires_grad=True)
    out = conv(x, torch.ones(3, 6, dtype=torch.bool))
    assert out.is_contiguous()
    expected = conv.conv(x.transpose(1, 2)).transpose(1, 2)
    torch.testing.assert_close(out, expected)
    factor = torch.randn(out.shape, generator=generator, dtype=torch.float64)
    parameters = (x, conv.conv.weight, conv.conv.bias)
    ours = torch.autograd.grad((out * factor).sum(), parameters)
    torch.testing.assert_close(ours, torch.autograd.grad((expected * factor).sum(), parameters))
