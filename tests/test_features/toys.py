"""Extractors without a network, for tests of what is around them."""

from __future__ import annotations

import numpy as np
import torch

from mmvmr.features import AudioExtractor, TextExtractor, VideoExtractor
from mmvmr.registry import EXTRACTORS

from .painted import number_of


@EXTRACTORS.register_module(force=True)
class NumberExtractor(VideoExtractor):
    """The numbers painted into the frames of a clip; counts its calls."""

    def __init__(self, clip_len, frames_per_clip=1, window=None, batch_clips=32, **kwargs):
        super().__init__(frames_per_clip, clip_len, frames_per_clip, **kwargs)
        self.window = window
        self.batch_clips = batch_clips
        self.prepared, self.batches = 0, []

    def timestamps(self, duration):
        times = super().timestamps(duration)
        if self.window is not None:  # clips that overlap, in an order of their own
            inside = (np.arange(self.frames_per_clip) / self.frames_per_clip - 0.5) * self.window
            times = (times.mean(axis=1, keepdims=True) + inside)[:, ::-1]
        return times

    def prepare(self, frame):
        self.prepared += 1
        return torch.full((1, 1, 1), number_of(frame))

    def forward(self, clips):
        self.batches.append(len(clips))
        return clips[:, :, 0, 0, 0].float()


@EXTRACTORS.register_module(force=True)
class LoudnessExtractor(AudioExtractor):
    """First and last sample."""

    def __init__(self, clip_len, **kwargs):
        super().__init__(2, clip_len, sample_rate=8000, **kwargs)

    def forward(self, waveforms):
        return waveforms[:, [0, -1]]


@EXTRACTORS.register_module(force=True)
class LetterExtractor(TextExtractor):
    """One token per word: its length and its first letter."""

    def __init__(self):
        super().__init__(2)

    def forward(self, sentences):
        tokens = [np.array([(len(w), ord(w[0])) for w in s.split()], np.float32) for s in sentences]
        return [(words, words.sum(axis=0)) for words in tokens]
