"""SlowFast: a slow pathway with many channels and a fast one with many frames.

Feichtenhofer, Fan, Malik and He: SlowFast Networks for Video Recognition, ICCV 2019, table 1 (ResNet-50). Names of
modules are those of PySlowFast, so that its checkpoints load as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

# Temporal kernels of the first convolution of a residual block, per stage: (slow, fast).
_TEMPORAL_KERNELS = ((1, 3), (1, 3), (3, 3), (3, 3))
_SLOW, _FAST = 0, 1


class _Stem(nn.Module):
    """Convolution over ``temporal`` x 7 x 7, batch norm, ReLU, spatial max pooling: a quarter of the resolution."""

    def __init__(self, out_channels: int, temporal: int):
        super().__init__()
        self.conv = nn.Conv3d(3, out_channels, (temporal, 7, 7), (1, 2, 2), (temporal // 2, 3, 3), bias=False)
        self.bn = nn.BatchNorm3d(out_channels)
        self.pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))

    def forward(self, frames: Tensor) -> Tensor:
        return self.pool(self.bn(self.conv(frames)).relu())


class _Bottleneck(nn.Module):
    """``temporal`` x 1 x 1, 1 x 3 x 3 (with the spatial stride), 1 x 1 x 1; no ReLU after the last."""

    def __init__(self, in_channels: int, inner: int, out_channels: int, temporal: int, stride: int):
        super().__init__()
        self.a = nn.Conv3d(in_channels, inner, (temporal, 1, 1), padding=(temporal // 2, 0, 0), bias=False)
        self.a_bn = nn.BatchNorm3d(inner)
        self.b = nn.Conv3d(inner, inner, (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False)
        self.b_bn = nn.BatchNorm3d(inner)
        self.c = nn.Conv3d(inner, out_channels, 1, bias=False)
        self.c_bn = nn.BatchNorm3d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a_bn(self.a(x)).relu()
        x = self.b_bn(self.b(x)).relu()
        return self.c_bn(self.c(x))


class _ResBlock(nn.Module):
    """A bottleneck with a shortcut, which is projected where the shape changes."""

    def __init__(self, in_channels: int, inner: int, out_channels: int, temporal: int, stride: int):
        super().__init__()
        self.projected = in_channels != out_channels or stride != 1
        if self.projected:
            self.branch1 = nn.Conv3d(in_channels, out_channels, 1, (1, stride, stride), bias=False)
            self.branch1_bn = nn.BatchNorm3d(out_channels)
        self.branch2 = _Bottleneck(in_channels, inner, out_channels, temporal, stride)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.branch1_bn(self.branch1(x)) if self.projected else x
        return (shortcut + self.branch2(x)).relu()


class _Pathways(nn.Module):
    """The same stage in both pathways: modules ``pathway{0,1}_*``, applied in the order in which they were added."""

    def __init__(self, **layers: nn.Module):
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, slow: Tensor, fast: Tensor) -> tuple[Tensor, Tensor]:
        both = [slow, fast]
        for name, layer in self.named_children():
            pathway = int(name[len('pathway')])
            both[pathway] = layer(both[pathway])
        return both[_SLOW], both[_FAST]


class _Fuse(nn.Module):
    """Lateral connection: fast features at the frame rate of the slow pathway, appended to its channels."""

    def __init__(self, fast_channels: int, ratio: int, kernel: int, alpha: int):
        super().__init__()
        out_channels = fast_channels * ratio
        self.conv_f2s = nn.Conv3d(
            fast_channels, out_channels, (kernel, 1, 1), (alpha, 1, 1), (kernel // 2, 0, 0), bias=False
        )
        self.bn = nn.BatchNorm3d(out_channels)

    def forward(self, slow: Tensor, fast: Tensor) -> Tensor:
        return torch.cat([slow, self.bn(self.conv_f2s(fast)).relu()], dim=1)


class _Head(nn.Module):
    """The classifier; features are taken before it."""

    def __init__(self, in_features: int, num_classes: int):
        super().__init__()
        self.projection = nn.Linear(in_features, num_classes)

    def forward(self, features: Tensor) -> Tensor:
        return self.projection(features)


def _stage(inputs: tuple[int, int], inner: tuple[int, int], depth: int, stage: int) -> _Pathways:
    """Residual blocks of both pathways; ``inputs`` and ``inner`` are channels (slow, fast), ``stage`` counts from 0."""
    layers = {}
    for pathway in (_SLOW, _FAST):
        out_channels = inner[pathway] * 4
        for block in range(depth):
            layers[f'pathway{pathway}_res{block}'] = _ResBlock(
                out_channels if block else inputs[pathway],
                inner[pathway],
                out_channels,
                _TEMPORAL_KERNELS[stage][pathway],
                stride=2 if stage and not block else 1,
            )
    return _Pathways(**layers)


class SlowFast(nn.Module):
    """SlowFast with ResNet bottlenecks; the defaults are the published SLOWFAST_8x8_R50.

    .. code-block:: text

        fast (B, 3, T, H, W)         slow (B, 3, T / alpha, H, W)
          | s1 ----- s1_fuse ----------> + s1
          | s2 ----- s2_fuse ----------> + s2       spatial strides 4, 1, 2, 2, 2
          | s3 ----- s3_fuse ----------> + s3
          | s4 ----- s4_fuse ----------> + s4
          | s5                             s5
          v mean                           v mean
        fast (B, 4 width)            slow (B, 32 width)   -> features (B, 36 width): slow, then fast

    Args:
        width: Channels of the slow stem.
        depths: Residual blocks per stage.
        alpha: Frames of the fast pathway per frame of the slow one.
        beta: Channels of the slow pathway per channel of the fast one.
        fusion_ratio: Channels of a lateral connection per channel of the fast pathway.
        fusion_kernel: Its temporal kernel: 7 in 8x8 models, 5 in 4x16 models.
        num_classes: Classes of the head.
    """

    def __init__(
        self,
        width: int = 64,
        depths: Sequence[int] = (3, 4, 6, 3),
        alpha: int = 4,
        beta: int = 8,
        fusion_ratio: int = 2,
        fusion_kernel: int = 7,
        num_classes: int = 400,
    ):
        super().__init__()
        if width % beta:
            raise ValueError(f'SlowFast: width is {width}, expected a multiple of beta ({beta})')
        self.alpha = alpha
        self.num_features = width * 32 + width * 32 // beta
        self.s1 = _Pathways(pathway0_stem=_Stem(width, 1), pathway1_stem=_Stem(width // beta, 5))
        slow, fast = width, width // beta
        for stage, depth in enumerate(depths):
            self.add_module(f's{stage + 1}_fuse', _Fuse(fast, fusion_ratio, fusion_kernel, alpha))
            inner = (width * 2**stage, width * 2**stage // beta)
            self.add_module(f's{stage + 2}', _stage((slow + fast * fusion_ratio, fast), inner, depth, stage))
            slow, fast = inner[_SLOW] * 4, inner[_FAST] * 4
        self.head = _Head(self.num_features, num_classes)

    def features(self, slow: Tensor, fast: Tensor) -> Tensor:
        """Pooled features of clips.

        Args:
            slow: Normalised RGB frames (B, 3, T / alpha, H, W).
            fast: The same clips at the full frame rate (B, 3, T, H, W).

        Returns:
            Features (B, 36 width), slow channels first.

        Raises:
            ValueError: If the numbers of frames are not in the ratio alpha.
        """
        if fast.shape[2] != slow.shape[2] * self.alpha:
            raise ValueError(
                f'SlowFast: {slow.shape[2]} slow and {fast.shape[2]} fast frames, expected {self.alpha} fast frames '
                'per slow frame'
            )
        slow, fast = self.s1(slow, fast)
        for stage in range(2, 6):
            slow = self.get_submodule(f's{stage - 1}_fuse')(slow, fast)
            slow, fast = self.get_submodule(f's{stage}')(slow, fast)
        return torch.cat([slow.mean((2, 3, 4)), fast.mean((2, 3, 4))], dim=1)

    def forward(self, slow: Tensor, fast: Tensor) -> Tensor:
        """Logits of the classes (B, num_classes); arguments as in :meth:`features`."""
        return self.head(self.features(slow, fast))
