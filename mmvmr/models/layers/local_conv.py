"""Convolutions over clips."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mmvmr.registry import MODELS


@MODELS.register_module()
class LocalConvBlock(nn.Module):
    """Stacked convolutions over time with residual and norm: neighbouring clips inform each other (SA-DETR, 3.2).

    The paper prints "strides of 1, 3, and 1". A stride of 3 would shorten the sequence that its equations 2 to 6
    index by clip, so the numbers are read as kernel sizes, which is UVCOM's block.

    Args:
        embed_dims: Channels D.
        kernel_sizes: Odd kernel sizes, one convolution each; ReLU between them.

    Raises:
        ValueError: If a kernel size is even.
    """

    def __init__(self, embed_dims: int, kernel_sizes: Sequence[int] = (1, 3, 1)):
        super().__init__()
        if any(size % 2 == 0 for size in kernel_sizes):
            raise ValueError(f'LocalConvBlock: kernel_sizes={tuple(kernel_sizes)}, expected odd numbers')
        self.convs = nn.ModuleList(nn.Conv1d(embed_dims, embed_dims, size, padding=size // 2) for size in kernel_sizes)
        self.norm = nn.LayerNorm(embed_dims)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Convolve.

        Args:
            x: (B, L, D).
            mask: Valid positions (B, L); the others count as zeros in every convolution.

        Returns:
            (B, L, D).
        """
        valid = mask.unsqueeze(1)
        local = x.transpose(1, 2)
        for index, conv in enumerate(self.convs):
            local = conv((local if index == 0 else local.relu()).where(valid, 0.0))
        return self.norm(x + local.transpose(1, 2))
