"""A video at several temporal resolutions (SnAG, section 3.3; ActionFormer, ECCV 2022)."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvmr.models.layers import ConvAttentionLayer, MaskedConv
from mmvmr.registry import MODELS
from mmvmr.structures import Tokens
from mmvmr.utils import check_choice

_STRETCHES = ('own', 'padded')


@MODELS.register_module()
class SineTable(nn.Module):
    """A table of sinusoidal encodings that longer sequences stretch (SnAG).

    Position t has ``[sin(t / f) ; cos(t / f)] / sqrt(D)`` with f_i = 10000^(2 i / D). A sequence that is longer than
    the table is sampled with smaller steps, so that its end meets that of the table.

    Args:
        embed_dims: Channels D.
        max_length: Positions of the table.
        stretch: What the end of a sequence is: its ``own`` end; or that of the ``padded`` batch, as in the official
            code, where the codes of a video depend on the padding.
        multiple: With ``padded``: what official code pads long sequences to a multiple of.

    Raises:
        ValueError: If ``stretch`` is unknown.
    """

    def __init__(self, embed_dims: int, max_length: int, stretch: str = 'own', multiple: int = 1):
        super().__init__()
        self.stretch = check_choice(self, 'stretch', stretch, _STRETCHES)
        self.multiple = multiple
        half = embed_dims // 2
        # Made on the CPU wherever the model is: transformers, once imported, keeps torch.linspace off the meta device.
        frequency = 10000 ** torch.linspace(0, 1, half + 1, device='cpu')[:half]
        angle = torch.arange(max_length, dtype=torch.float32, device='cpu').unsqueeze(1) / frequency
        table = torch.cat((angle.sin(), angle.cos()), 1) / math.sqrt(embed_dims)
        self.register_buffer('table', table.to(torch.get_default_device()), persistent=False)

    def forward(self, mask: Tensor) -> Tensor:
        """Code (B, L, D) of the valid positions (B, L) of a batch, zeros on padding."""
        length, size = mask.shape[1], len(self.table)
        count = mask.sum(1) if self.stretch == 'own' else torch.full_like(mask[:, 0], length, dtype=torch.long)
        if self.stretch == 'padded':
            count = torch.where(count > size, -(-count // self.multiple) * self.multiple, count)
        step = torch.where(count > size, (size - 1) / (count - 1).clamp(min=1), 1.0)
        place = (torch.arange(length, device=mask.device) * step.unsqueeze(1)).clamp(max=size - 1)
        below = place.floor().long()
        fraction = (place - below).unsqueeze(-1)
        code = self.table[below] * (1 - fraction) + self.table[(below + 1).clamp(max=size - 1)] * fraction
        return code.where(mask.unsqueeze(-1), 0.0)


@MODELS.register_module()
class PyramidEncoder(nn.Module):
    """Convolutions, then layers of local attention of which all but the first halve the resolution (SnAG).

    Args:
        embed_dims: Channels D.
        num_heads: Number of heads.
        arch: Convolutions, layers at full resolution, levels of the pyramid.
        window: Positions that attention sees at every level; None for all.
        input_stride: Clips per position of the finest level, a power of 2: the first convolutions halve the
            resolution, with kernels of 5.
        max_length: Positions of the table of positional encodings.
        position: Whether and how positions are coded: ``own``, ``padded`` (see :class:`SineTable`), or None.
        dropout: Dropout of attention output and feed-forward block.
        path_dropout: Stochastic depth.
        attn_dropout: Dropout of the attention weights.

    Raises:
        ValueError: If the convolutions are too few for the stride.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int = 4,
        arch: tuple[int, int, int] = (2, 1, 6),
        window: int | None = 5,
        input_stride: int = 1,
        max_length: int = 256,
        position: str | None = 'own',
        dropout: float = 0.1,
        path_dropout: float = 0.1,
        attn_dropout: float = 0.0,
    ):
        super().__init__()
        num_convs, num_stem, self.num_levels = arch
        if input_stride & (input_stride - 1) or num_convs < math.log2(input_stride):
            raise ValueError(
                f'PyramidEncoder: input_stride={input_stride}, expected a power of 2, each of which takes one of the '
                f'{num_convs} convolutions of arch={tuple(arch)}'
            )
        self.input_stride = input_stride
        self.convs = nn.ModuleList()
        for index in range(num_convs):
            halves = 2**index < input_stride
            self.convs.append(MaskedConv(embed_dims, embed_dims, 5 if halves else 3, 2 if halves else 1, bias=False))
        self.norms = nn.ModuleList(nn.LayerNorm(embed_dims) for _ in range(num_convs))
        self.position = None
        if position is not None:
            # Official code cuts a sequence into chunks of half a window at every level.
            multiple = 2 ** (self.num_levels - 1) * max(window // 2 * 2 if window else 1, 1)
            self.position = SineTable(embed_dims, max_length, position, multiple)
        shared: dict[str, Any] = {'num_heads': num_heads, 'dropout': dropout}
        shared.update(path_dropout=path_dropout, attn_dropout=attn_dropout)
        self.stem = nn.ModuleList(ConvAttentionLayer(embed_dims, window=window, **shared) for _ in range(num_stem))
        self.branch = nn.ModuleList(
            ConvAttentionLayer(embed_dims, stride=2 if level else 1, window=window, **shared)
            for level in range(self.num_levels)
        )

    def forward(self, video: Tokens) -> list[Tokens]:
        """Encode videos.

        Args:
            video: Projected clips (V, Lv, D).

        Returns:
            The levels, finest first: (V, L / 2^l, D) with L = Lv / ``input_stride``, both rounded up so that every
            level has a whole number of positions.
        """
        x, mask = self._fill(video.feat, video.mask)
        for conv, norm in zip(self.convs, self.norms):
            x = norm(conv(x, mask)).relu()
            mask = mask[:, :: conv.conv.stride[0]]
        if self.position is not None:
            x = x + self.position(mask)
        for layer in self.stem:
            x, mask = layer(x, mask)
        levels = []
        for layer in self.branch:
            x, mask = layer(x, mask)
            levels.append(Tokens(x, mask))
        return levels

    def _fill(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Pad to a length that can be halved at every level."""
        missing = -x.shape[1] % (self.input_stride * 2 ** (self.num_levels - 1))
        return F.pad(x, (0, 0, 0, missing)), F.pad(mask, (0, missing))
