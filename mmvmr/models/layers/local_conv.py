"""Convolutions over clips."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mmvmr.registry import MODELS
from mmvmr.utils import check_choice

_PADDINGS = ('zero', 'input', 'keep')


@MODELS.register_module()
class ConvStack(nn.Module):
    """Stacked convolutions over time (BAM-DETR's boundary features with ReLU between, UVCOM's local context without).

    Args:
        embed_dims: Channels D.
        kernel_sizes: Odd kernel sizes, one convolution each.
        final_relu: Whether a ReLU follows the last one, too.
        padding: ``zero`` lets padded positions count as zeros in every convolution. ``keep`` reproduces the official
            code of BAM-DETR: clips at the end of a video receive whatever the padding holds. ``input`` reproduces that
            of UVCOM: padding is zero on entry, but holds the biases of the convolutions afterwards.
        inner_relu: Whether a ReLU stands between two convolutions.

    Raises:
        ValueError: If a kernel size is even or ``padding`` is unknown.
    """

    def __init__(
        self,
        embed_dims: int,
        kernel_sizes: Sequence[int] = (3, 3, 1),
        final_relu: bool = True,
        padding: str = 'zero',
        inner_relu: bool = True,
    ):
        super().__init__()
        name = type(self).__name__
        self.padding = check_choice(self, 'padding', padding, _PADDINGS)
        if any(size % 2 == 0 for size in kernel_sizes):
            raise ValueError(f'{name}: kernel_sizes={tuple(kernel_sizes)}, expected odd numbers')
        self.final_relu = final_relu
        self.inner_relu = inner_relu
        self.convs = nn.ModuleList(nn.Conv1d(embed_dims, embed_dims, size, padding=size // 2) for size in kernel_sizes)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Convolve.

        Args:
            x: (B, L, D).
            mask: Valid positions (B, L).

        Returns:
            (B, L, D).
        """
        valid = mask.unsqueeze(1)
        local = x.transpose(1, 2)
        for index, conv in enumerate(self.convs):
            local = local.relu() if index > 0 and self.inner_relu else local
            clear = self.padding == 'zero' or (self.padding == 'input' and index == 0)
            local = conv(local.where(valid, 0.0) if clear else local)
        return (local.relu() if self.final_relu else local).transpose(1, 2)


@MODELS.register_module()
class LocalConvBlock(ConvStack):
    """Stacked convolutions with residual and norm: neighbouring clips inform each other (SA-DETR, section 3.2).

    The paper prints "strides of 1, 3, and 1". A stride of 3 would shorten the sequence that its equations 2 to 6
    index by clip, so the numbers are read as kernel sizes, which is UVCOM's block.

    Args:
        embed_dims: Channels D.
        kernel_sizes: Odd kernel sizes, one convolution each; ReLU between them.

    Raises:
        ValueError: If a kernel size is even.
    """

    def __init__(self, embed_dims: int, kernel_sizes: Sequence[int] = (1, 3, 1)):
        super().__init__(embed_dims, kernel_sizes, final_relu=False)
        self.norm = nn.LayerNorm(embed_dims)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Convolve; arguments as in :class:`ConvStack`."""
        return self.norm(x + super().forward(x, mask))
