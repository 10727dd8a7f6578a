"""PANNs features of the sound track.

What is known: Cnn14 was trained on 10 s pieces of AudioSet, mono, 32 kHz; its embedding has 2048 dimensions (Kong et
al. 2020). Published audio features of QVHighlights are PANNs embeddings of its 2 s clips.

What is decided here: a clip is heard by itself (the spectrogram reflects at its ends), unless a longer window is given.
"""

from __future__ import annotations

import os
from typing import Any

from torch import Tensor

from mmvmr.features.base import AudioExtractor
from mmvmr.features.networks import Cnn14, load_weights, read_state_dict
from mmvmr.features.networks.cnn14 import without_front_end
from mmvmr.registry import EXTRACTORS


@EXTRACTORS.register_module()
class PANNsExtractor(AudioExtractor):
    """2048-d PANNs features. Needs ``transformers``, for its mel filters.

    Args:
        checkpoint: Published checkpoint of Cnn14 at 32 kHz (``Cnn14_mAP=0.431.pth``: a dict with the key ``model``).
        clip_len: Length of a clip in seconds.
        window: How much sound a vector sees, in seconds, around the middle of its clip; None for the clip.
        network: Arguments of :class:`mmvmr.features.networks.Cnn14`.
    """

    def __init__(
        self,
        checkpoint: str | os.PathLike[str],
        clip_len: float = 2.0,
        window: float | None = None,
        network: dict[str, Any] | None = None,
    ) -> None:
        net = Cnn14(**(network or {}))
        super().__init__(net.num_features, clip_len, net.front_end.sample_rate, window)
        if self.samples_per_clip < net.min_samples:
            raise ValueError(
                f'PANNsExtractor: a window of {self.window} s, expected at least '
                f'{net.min_samples / net.front_end.sample_rate:.2f} s; give a larger window'
            )
        state = without_front_end(read_state_dict(checkpoint), net.front_end, checkpoint)
        load_weights(net, state, checkpoint)
        self.network = net.eval().requires_grad_(False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Features (B, 2048) of waveforms (B, samples), float32 in [-1, 1]."""
        return self.network.features(waveforms)
