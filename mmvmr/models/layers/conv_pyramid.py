"""A video at several temporal resolutions by plain convolutions (FlashVTG, R2-Tuning)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from mmvmr.models.layers.conv_tower import MaskedConv
from mmvmr.models.layers.mlp import MLP
from mmvmr.registry import MODELS
from mmvmr.structures import Tokens


@MODELS.register_module()
class ConvPyramid(nn.Module):
    """Levels of half the resolution each, by convolutions of two neighbours (FlashVTG, temporal feature layering).

    Level l is ``relu(x)`` after l steps ``relu(norm(conv(x)))`` with kernel and stride 2, which no other level shares.
    A position exists where all 2^l of its clips do, so that 2^l - 1 clips at the end of a video may have none.

    Args:
        embed_dims: Channels D.
        num_levels: Number of levels.
    """

    def __init__(self, embed_dims: int, num_levels: int = 4):
        super().__init__()
        self.levels = nn.ModuleList(nn.ModuleList() for _ in range(num_levels))
        for index, level in enumerate(self.levels):
            for _ in range(index):
                conv = nn.Conv1d(embed_dims, embed_dims, 2, stride=2)
                level.append(nn.ModuleDict(dict(conv=conv, norm=nn.LayerNorm(embed_dims))))

    def forward(self, video: Tokens) -> list[Tokens]:
        """Make the levels.

        Args:
            video: Clips (B, Lv, D).

        Returns:
            The levels, finest first: (B, L / 2^l, D) with Lv rounded up to a number L that all of them divide.
        """
        missing = -video.feat.shape[1] % 2 ** (len(self.levels) - 1)
        clips = F.pad(video.feat.where(video.mask.unsqueeze(-1), 0.0).relu(), (0, 0, 0, missing))
        exists = F.pad(video.mask, (0, missing))
        levels = []
        for level in self.levels:
            x, mask = clips, exists
            for step in level:
                x = step['norm'](step['conv'](x.transpose(1, 2)).transpose(1, 2)).relu()
                mask = mask[:, ::2] & mask[:, 1::2]
            levels.append(Tokens(x, mask))
        return levels


@MODELS.register_module()
class ScoreTower(nn.Module):
    """Convolutions with ReLU, then an MLP of half the width at every position (FlashVTG's scorer).

    Args:
        embed_dims: Channels D.
        out_dims: Outputs per position.
        kernel_size: Odd kernel size of the convolutions.
        num_convs: Number of convolutions.
        num_layers: Linear layers of the MLP.
    """

    def __init__(
        self, embed_dims: int, out_dims: int = 1, kernel_size: int = 5, num_convs: int = 1, num_layers: int = 5
    ):
        super().__init__()
        self.convs = nn.ModuleList(MaskedConv(embed_dims, embed_dims, kernel_size) for _ in range(num_convs))
        self.mlp = MLP(embed_dims, embed_dims // 2, out_dims, num_layers)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map (B, L, D) with valid positions (B, L) to (B, L, out_dims)."""
        for conv in self.convs:
            x = conv(x, mask).relu()
        return self.mlp(x)
