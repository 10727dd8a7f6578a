"""Log-mel spectrogram with the constants of PANNs (the mel scale of Slaney's Auditory Toolbox)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmvmr.utils.dependencies import require


class LogMel(nn.Module):
    """Power spectrogram (Hann window, centred, reflected at the ends), mel filters, decibels. Needs ``transformers``.

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
        mel = require('transformers.audio_utils', type(self).__name__, 'pip install transformers')
        bank = mel.mel_filter_bank(n_fft // 2 + 1, num_bins, low, high, sample_rate, norm='slaney', mel_scale='slaney')
        # Not in the state dict: they follow from the constants above.
        self.register_buffer('window', torch.hann_window(n_fft), persistent=False)
        self.register_buffer('filters', torch.from_numpy(bank).float(), persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Decibels (B, T, num_bins), T = N // hop + 1, of mono samples in [-1, 1] (B, N), N > n_fft / 2."""
        spectrum = torch.stft(
            waveforms, self.n_fft, self.hop, window=self.window, center=True, pad_mode='reflect', return_complex=True
        )
        power = spectrum.real.square() + spectrum.imag.square()
        return 10 * (power.transpose(1, 2) @ self.filters).clamp(min=self.floor).log10()
