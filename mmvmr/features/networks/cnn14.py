"""Cnn14 of PANNs: the audio tagger whose embedding serves as an audio feature.

Kong et al.: PANNs: Large-Scale Pretrained Audio Neural Networks for Audio Pattern Recognition, 2020, table 1. Names of
modules are those of the published checkpoint.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmvmr.features.networks.log_mel import LogMel

_BLOCKS = 6


class _ConvBlock(nn.Module):
    """Two 3 x 3 convolutions with batch norm and ReLU, then average pooling."""

    def __init__(self, in_channels: int, out_channels: int, pool: int):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(self.conv1(x)).relu()
        x = self.bn2(self.conv2(x)).relu()
        return F.avg_pool2d(x, self.pool)


class Cnn14(nn.Module):
    """Cnn14; the defaults are the published network of AudioSet.

    Args:
        width: Channels of the first block; each block doubles them.
        num_classes: Classes of the head.
        front_end: Arguments of :class:`LogMel`.
    """

    def __init__(self, width: int = 64, num_classes: int = 527, front_end: dict | None = None):
        super().__init__()
        self.front_end = LogMel(**(front_end or {}))
        self.bn0 = nn.BatchNorm2d(self.front_end.filters.shape[1])
        channels = [1, *(width * 2**i for i in range(_BLOCKS))]
        for i in range(_BLOCKS):  # the last block does not pool
            self.add_module(
                f'conv_block{i + 1}', _ConvBlock(channels[i], channels[i + 1], 1 if i == _BLOCKS - 1 else 2)
            )
        self.num_features = channels[-1]
        self.fc1 = nn.Linear(self.num_features, self.num_features)
        self.fc_audioset = nn.Linear(self.num_features, num_classes)

    @property
    def min_samples(self) -> int:
        """Shortest waveform that leaves a time step after the pooling."""
        return (2 ** (_BLOCKS - 1) - 1) * self.front_end.hop

    def features(self, waveforms: Tensor) -> Tensor:
        """Embeddings (B, 32 width) of mono samples in [-1, 1] at ``front_end.sample_rate`` (B, N).

        Raises:
            ValueError: If they are too short to be pooled.
        """
        if waveforms.shape[-1] < self.min_samples:
            raise ValueError(f'Cnn14: {waveforms.shape[-1]} samples, expected at least {self.min_samples}')
        x = self.front_end(waveforms)[:, None]  # (B, 1, T, mel)
        x = self.bn0(x.transpose(1, 3)).transpose(1, 3)
        for i in range(_BLOCKS):
            x = self.get_submodule(f'conv_block{i + 1}')(x)
        x = x.mean(3)  # over frequency: (B, C, T')
        return self.fc1(x.amax(2) + x.mean(2)).relu()

    def forward(self, waveforms: Tensor) -> Tensor:
        """Logits of the classes (B, num_classes); the argument as in :meth:`features`."""
        return self.fc_audioset(self.features(waveforms))


def without_front_end(
    state: Mapping[str, Tensor], front_end: LogMel, source: str | os.PathLike[str]
) -> dict[str, Tensor]:
    """Take the constants of the front end out of a published state dict, after checking that they are ours.

    Published checkpoints hold the Fourier basis (as convolutions) and the mel filters. Those of the 16 kHz and 8 kHz
    models differ in nothing else than these numbers, and would give silently wrong features.

    Args:
        state: The published state dict.
        front_end: Our front end.
        source: The file, for the message.

    Returns:
        The other weights.

    Raises:
        ValueError: If the front end of the checkpoint is another one.
    """
    expected = {'logmel_extractor.melW': front_end.filters, **_fourier(front_end)}
    for name, ours in expected.items():
        if name not in state:
            continue
        theirs = state[name].float()
        # The scale of the mel filters is about 0.01, and of the basis 1: relative to the largest number.
        if theirs.shape != ours.shape or (theirs - ours).abs().max() > 1e-4 * ours.abs().max():
            raise ValueError(
                f'{source}: {name} {tuple(theirs.shape)} belongs to another front end than {front_end.sample_rate} Hz, '
                f'windows of {front_end.n_fft} samples and {front_end.filters.shape[1]} mel filters '
                f'{tuple(ours.shape)}; use the 32 kHz checkpoint of Cnn14'
            )
    return {name: value for name, value in state.items() if name not in expected}


def _fourier(front_end: LogMel) -> dict[str, Tensor]:
    """The windowed Fourier basis as the published checkpoints keep it: (n_fft // 2 + 1, 1, n_fft)."""
    n = front_end.n_fft
    angle = -2 * np.pi * np.outer(np.arange(n // 2 + 1), np.arange(n)) / n
    window = front_end.window.numpy().astype(np.float64)
    parts = {'real': np.cos(angle), 'imag': np.sin(angle)}
    return {
        f'spectrogram_extractor.stft.conv_{part}.weight': torch.from_numpy((basis * window)[:, None].astype(np.float32))
        for part, basis in parts.items()
    }
