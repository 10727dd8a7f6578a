"""I3D: Inception-v1 inflated to three dimensions.

Carreira and Zisserman: Quo Vadis, Action Recognition? A New Model and the Kinetics Dataset, CVPR 2017, figure 3. Names
of modules are those of the widely used torch port (``Conv3d_1a_7x7.conv3d.weight``, ``Mixed_3b.b1a.bn.bias``, ...).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmvmr.features.networks.weights import to_tensor

# What leaves the last stage the 2 x 7 x 7 places that are pooled, after three temporal and five spatial halvings.
MIN_FRAMES, MIN_SIZE = 9, 193

Triple = tuple[int, int, int]

# Output channels of an Inception module: 1x1 | 1x1 before 3x3, 3x3 | 1x1 before 3x3, 3x3 | 1x1 after the pooling.
_MIXED = {
    'Mixed_3b': (64, 96, 128, 16, 32, 32),
    'Mixed_3c': (128, 128, 192, 32, 96, 64),
    'Mixed_4b': (192, 96, 208, 16, 48, 64),
    'Mixed_4c': (160, 112, 224, 24, 64, 64),
    'Mixed_4d': (128, 128, 256, 24, 64, 64),
    'Mixed_4e': (112, 144, 288, 32, 64, 64),
    'Mixed_4f': (256, 160, 320, 32, 128, 128),
    'Mixed_5b': (256, 160, 320, 32, 128, 128),
    'Mixed_5c': (384, 192, 384, 48, 128, 128),
}
# What TensorFlow calls the convolutions of an Inception module.
_BRANCHES = {
    'b0': 'Branch_0/Conv3d_0a_1x1',
    'b1a': 'Branch_1/Conv3d_0a_1x1',
    'b1b': 'Branch_1/Conv3d_0b_3x3',
    'b2a': 'Branch_2/Conv3d_0a_1x1',
    'b2b': 'Branch_2/Conv3d_0b_3x3',
    'b3b': 'Branch_3/Conv3d_0b_1x1',
}


def same_padding(sizes: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...]) -> list[int]:
    """Padding of TensorFlow's SAME, which depends on the input and puts the odd element at the end.

    ``ceil(size / stride)`` outputs need ``(outputs - 1) * stride + kernel`` inputs; what is lacking is shared between
    both ends.

    Args:
        sizes: Sizes of the dimensions, e.g. (T, H, W).
        kernel: Kernel per dimension.
        stride: Stride per dimension.

    Returns:
        The argument of ``torch.nn.functional.pad``: (before, after) per dimension, the last dimension first.
    """
    padding: list[int] = []
    for size, k, s in zip(sizes[::-1], kernel[::-1], stride[::-1], strict=True):
        lacking = max((-(-size // s) - 1) * s + k - size, 0)
        padding += [lacking // 2, lacking - lacking // 2]
    return padding


class _Unit(nn.Module):
    """Convolution with SAME padding; by default followed by batch norm and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1, plain: bool = False):
        super().__init__()
        self.conv3d = nn.Conv3d(in_channels, out_channels, kernel, stride, bias=plain)
        self.bn = None if plain else nn.BatchNorm3d(out_channels, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv3d(F.pad(x, same_padding(x.shape[2:], self.conv3d.kernel_size, self.conv3d.stride)))
        return x if self.bn is None else self.bn(x).relu()


class _SamePool(nn.Module):
    """Max pooling with SAME padding. Padded places never win, as in TensorFlow."""

    def __init__(self, kernel: Triple, stride: Triple):
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, same_padding(x.shape[2:], self.kernel, self.stride), value=float('-inf'))
        return F.max_pool3d(padded, self.kernel, self.stride)


class _Mixed(nn.Module):
    """Inception module: four branches side by side."""

    def __init__(self, in_channels: int, channels: tuple[int, ...]):
        super().__init__()
        self.b0 = _Unit(in_channels, channels[0])
        self.b1a = _Unit(in_channels, channels[1])
        self.b1b = _Unit(channels[1], channels[2], 3)
        self.b2a = _Unit(in_channels, channels[3])
        self.b2b = _Unit(channels[3], channels[4], 3)
        self.b3a = _SamePool((3, 3, 3), (1, 1, 1))
        self.b3b = _Unit(in_channels, channels[5])
        self.out_channels = channels[0] + channels[2] + channels[4] + channels[5]

    def forward(self, x: Tensor) -> Tensor:
        branches = [self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))]
        return torch.cat(branches, dim=1)


class InceptionI3D(nn.Module):
    """I3D for RGB; the defaults are the published network of Kinetics-400.

    Args:
        num_classes: Classes of the head.
        thin: Divide all numbers of channels by this (tests; 1 is the published network).
    """

    def __init__(self, num_classes: int = 400, thin: int = 1):
        super().__init__()
        first, second = 64 // thin, 192 // thin
        self.Conv3d_1a_7x7 = _Unit(3, first, 7, 2)
        self.MaxPool3d_2a_3x3 = _SamePool((1, 3, 3), (1, 2, 2))
        self.Conv3d_2b_1x1 = _Unit(first, first)
        self.Conv3d_2c_3x3 = _Unit(first, second, 3)
        self.MaxPool3d_3a_3x3 = _SamePool((1, 3, 3), (1, 2, 2))
        channels = second
        for name, widths in _MIXED.items():
            if name == 'Mixed_4b':
                self.MaxPool3d_4a_3x3 = _SamePool((3, 3, 3), (2, 2, 2))
            elif name == 'Mixed_5b':
                self.MaxPool3d_5a_2x2 = _SamePool((2, 2, 2), (2, 2, 2))
            mixed = _Mixed(channels, tuple(width // thin for width in widths))
            self.add_module(name, mixed)
            channels = mixed.out_channels
        self.num_features = channels
        self.logits = _Unit(channels, num_classes, plain=True)

    def pooled(self, frames: Tensor) -> Tensor:
        """Features before the classifier, pooled over space and over pairs of time steps.

        Args:
            frames: RGB frames in [-1, 1] (B, 3, T, 224, 224), T >= 9.

        Returns:
            Features (B, C, T', 1, 1), T' = ceil(T / 8) - 1.

        Raises:
            ValueError: If the frames are too few or too small to be pooled.
        """
        if frames.shape[2] < MIN_FRAMES or min(frames.shape[3:]) < MIN_SIZE:
            raise ValueError(
                f'InceptionI3D: frames of shape {tuple(frames.shape)}, expected (B, 3, T, H, W) with at least '
                f'{MIN_FRAMES} frames of {MIN_SIZE} pixels (the published size is 224)'
            )
        x = frames
        for name, layer in self.named_children():
            if name != 'logits':
                x = layer(x)
        return F.avg_pool3d(x, (2, 7, 7), stride=1)

    def features(self, frames: Tensor) -> Tensor:
        """Features of clips (B, C): the mean of :meth:`pooled` over time and space."""
        return self.pooled(frames).mean((2, 3, 4))

    def forward(self, frames: Tensor) -> Tensor:
        """Logits (B, num_classes), averaged over time; ``frames`` as in :meth:`pooled`."""
        return self.logits(self.pooled(frames)).mean((2, 3, 4))


def from_flax(variables: Mapping[str, Any], source: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Rename the weights of a Flax I3D (nested by TensorFlow's names) to those of :class:`InceptionI3D`.

    Kernels are (T, H, W, in, out) there. Batch norm has no scale there: it is 1.

    Args:
        variables: ``params`` and ``batch_stats``, as ``read_numpy_pickle`` returns them.
        source: The file, for messages.

    Returns:
        The state dict.

    Raises:
        ValueError: If ``variables`` is not of that form.
    """
    params, stats = variables.get('params'), variables.get('batch_stats')
    if not isinstance(params, Mapping) or not isinstance(stats, Mapping):
        raise ValueError(f'{source}: expected the keys `params` and `batch_stats`, found {sorted(map(str, variables))}')
    state: dict[str, Tensor] = {}
    for name, path in _units():
        unit, norm = _at(params, path), _at(stats, path).get('BatchNorm_0', {})
        for key, array in unit.get('Conv_0', {}).items():
            value = to_tensor(array, f'{"/".join(path)}/{key}', source)
            if key == 'kernel':
                state[f'{name}.conv3d.weight'] = value.permute(4, 3, 0, 1, 2).contiguous()
            else:
                state[f'{name}.conv3d.{key}'] = value
        if 'BatchNorm_0' in unit:
            bias = to_tensor(unit['BatchNorm_0'].get('bias'), f'{"/".join(path)}/bias', source)
            state[f'{name}.bn.bias'] = bias
            state[f'{name}.bn.weight'] = torch.ones_like(bias)
            for key, array in norm.items():  # mean and var, with the axes of the batch: (1, 1, 1, 1, C)
                state[f'{name}.bn.running_{key}'] = to_tensor(array, f'{"/".join(path)}/{key}', source).flatten()
    return state


def _units() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Name of every convolution here, and where the nested names of TensorFlow keep it."""
    for name in ('Conv3d_1a_7x7', 'Conv3d_2b_1x1', 'Conv3d_2c_3x3'):
        yield name, (name,)
    for name in _MIXED:
        for short, branch in _BRANCHES.items():
            yield f'{name}.{short}', (name, branch)
    yield 'logits', ('Logits/Conv3d_0c_1x1',)


def _at(tree: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
    node: Any = tree
    for key in path:
        node = node.get(key, {}) if isinstance(node, Mapping) else {}
    return node if isinstance(node, Mapping) else {}
