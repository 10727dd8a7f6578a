"""Convolutions over clips that do not read padding, with a stride or with norms between them."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from mmvmr.registry import MODELS
from mmvmr.utils import check_choice

_PADDINGS = ('zero', 'keep')


class MaskedConv(nn.Module):
    """A convolution over time that takes zeros where a sequence is padded.

    Args:
        in_dims: Input channels.
        out_dims: Output channels.
        kernel_size: Odd kernel size.
        stride: Distance between the positions that give an output, starting with the first one.
        groups: Groups of channels; ``in_dims`` for a depth-wise convolution.
        bias: Whether there is a bias.
        padding: ``zero``, or ``keep`` for official code that uses whatever the padding holds.

    Raises:
        ValueError: If the kernel size is even or ``padding`` is unknown.
    """

    def __init__(
        self,
        in_dims: int,
        out_dims: int,
        kernel_size: int = 3,
        stride: int = 1,
        groups: int = 1,
        bias: bool = True,
        padding: str = 'zero',
    ):
        super().__init__()
        self.padding = check_choice(self, 'padding', padding, _PADDINGS)
        if kernel_size % 2 == 0:
            raise ValueError(f'MaskedConv: kernel_size={kernel_size}, expected an odd number')
        self.conv = nn.Conv1d(
            in_dims, out_dims, kernel_size, stride=stride, padding=kernel_size // 2, groups=groups, bias=bias
        )
        if bias:
            nn.init.zeros_(self.conv.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Convolve.

        Args:
            x: (B, L, D); L a multiple of the stride.
            mask: Valid positions (B, L).

        Returns:
            (B, L / stride, D'); padded positions hold meaningless values.
        """
        if self.padding == 'zero':
            x = x.where(mask.unsqueeze(-1), 0.0)
        if x.device.type != 'cpu':
            return self.conv(x.transpose(1, 2)).transpose(1, 2)
        # A convolution over one dimension copies what it is given to channels first; one over two takes it as it is.
        image, weight = x.transpose(1, 2).unsqueeze(2), self.conv.weight.unsqueeze(2)
        strides, paddings = (1, *self.conv.stride), (0, *self.conv.padding)
        image = F.conv2d(image, weight, self.conv.bias, strides, paddings, groups=self.conv.groups)
        return image.squeeze(2).transpose(1, 2)


@MODELS.register_module()
class ConvTower(nn.Module):
    """Convolutions with ReLU between them that end in a few outputs per position (UniVTG; SnAG with norms).

    Args:
        embed_dims: Channels D.
        out_dims: Outputs per position.
        num_layers: Hidden convolutions, each with D channels.
        kernel_size: Odd kernel size of all of them.
        norm: A norm follows every hidden convolution, which then has no bias.
        padding: ``zero`` lets padded positions count as zeros in every convolution. ``keep`` reproduces the official
            code of UniVTG, where clips at the end of a video receive whatever the padding holds.
    """

    def __init__(
        self,
        embed_dims: int,
        out_dims: int,
        num_layers: int = 2,
        kernel_size: int = 3,
        norm: bool = False,
        padding: str = 'zero',
    ):
        super().__init__()
        self.convs = nn.ModuleList(
            MaskedConv(embed_dims, embed_dims, kernel_size, bias=not norm, padding=padding) for _ in range(num_layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(embed_dims) if norm else nn.Identity() for _ in range(num_layers))
        self.out = MaskedConv(embed_dims, out_dims, kernel_size, padding=padding)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map (B, L, D) with valid positions (B, L) to (B, L, out_dims)."""
        for conv, norm in zip(self.convs, self.norms):
            x = norm(conv(x, mask)).relu()
        return self.out(x, mask)
