"""Log-mel spectrogram with the constants of PANNs (the mel scale of Slaney's Auditory Toolbox)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

# Slaney's mel scale: linear below 1 kHz (200/3 Hz per mel), then 27 mels per factor of 6.4.
_LINEAR = 200 / 3
_KNEE = 1000.0
_LOG_STEP = np.log(6.4) / 27


def hz_to_mel(hz: np.ndarray) -> np.ndarray:
    """Frequencies in Hz on Slaney's mel scale."""
    hz = np.asarray(hz, dtype=np.float64)
    return np.where(hz < _KNEE, hz / _LINEAR, _KNEE / _LINEAR + np.log(np.maximum(hz, _KNEE) / _KNEE) / _LOG_STEP)


def mel_to_hz(mel: np.ndarray) -> np.ndarray:
    """Inverse of :func:`hz_to_mel`."""
    mel = np.asarray(mel, dtype=np.float64)
    knee = _KNEE / _LINEAR
    return np.where(mel < knee, mel * _LINEAR, _KNEE * np.exp(_LOG_STEP * (np.maximum(mel, knee) - knee)))


def mel_filters(sample_rate: int, n_fft: int, num_bins: int, low: float, high: float) -> np.ndarray:
    """Triangular filters, equally spaced on the mel scale, each of unit area over frequency in Hz.

    Args:
        sample_rate: Samples per second.
        n_fft: Length of the Fourier transform in samples.
        num_bins: Number of filters M.
        low: Lower end of the first filter in Hz.
        high: Upper end of the last filter in Hz.

    Returns:
        Weights (n_fft // 2 + 1, M), float32.
    """
    frequencies = np.linspace(0, sample_rate / 2, n_fft // 2 + 1)[:, None]
    edges = mel_to_hz(np.linspace(hz_to_mel(low), hz_to_mel(high), num_bins + 2))
    rising = (frequencies - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - frequencies) / np.diff(edges)[1:]
    triangles = np.maximum(np.minimum(rising, falling), 0)
    return (triangles * (2 / (edges[2:] - edges[:-2]))).astype(np.float32)


class LogMel(nn.Module):
    """Power spectrogram (Hann window, centred, reflected at the ends), mel filters, decibels.

    Kong et al.: PANNs: Large-Scale Pretrained Audio Neural Networks for Audio Pattern Recognition, 2020, section IV-C;
    the defaults are theirs: 32 kHz, windows of 1024 samples every 320, 64 filters between 50 Hz and 14 kHz.

    Args:
        sample_rate: Samples per second.
        n_fft: Length of a window in samples.
        hop: Samples between windows.
        num_bins: Number of mel filters.
        low: Lower end of the filters in Hz.
        high: Upper end of the filters in Hz.
        floor: Smallest power; 10 log10 of it is the smallest value.
    """

    window: Tensor
    filters: Tensor

    def __init__(
        self,
        sample_rate: int = 32000,
        n_fft: int = 1024,
        hop: int = 320,
        num_bins: int = 64,
        low: float = 50.0,
        high: float = 14000.0,
        floor: float = 1e-10,
    ):
        super().__init__()
        self.sample_rate, self.n_fft, self.hop, self.floor = sample_rate, n_fft, hop, floor
        filters = torch.from_numpy(mel_filters(sample_rate, n_fft, num_bins, low, high))
        # Not in the state dict: they follow from the constants above.
        self.register_buffer('window', torch.hann_window(n_fft), persistent=False)
        self.register_buffer('filters', filters, persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Decibels (B, T, num_bins), T = N // hop + 1, of mono samples in [-1, 1] (B, N), N > n_fft / 2."""
        spectrum = torch.stft(
            waveforms, self.n_fft, self.hop, window=self.window, center=True, pad_mode='reflect', return_complex=True
        )
        power = spectrum.real.square() + spectrum.imag.square()
        return 10 * (power.transpose(1, 2) @ self.filters).clamp(min=self.floor).log10()
