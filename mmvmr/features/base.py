"""Interfaces of feature extractors.

Three kinds, all registered in :data:`mmvmr.registry.EXTRACTORS` and told apart by their base class:

- :class:`VideoExtractor` turns frames into one vector per clip,
- :class:`AudioExtractor` turns sound into one vector per clip,
- :class:`TextExtractor` turns sentences into one vector per token and one per sentence.

Who calls what, for one video (:mod:`mmvmr.features.runner`)::

    duration                                seconds, of the video stream
      | extractor.timestamps(duration)   -> (clips, frames) seconds
      | decoder                             the frame shown at each of these times, (H, W, 3) uint8 RGB, upright
      | extractor.prepare(frame)         -> (C, H', W') tensor, once per frame
      | torch.stack, extractor.to(device)
      v extractor(batch)                 -> (B, dim), called with batches (B, frames, C, H', W')
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mmvmr.features.frames import FrameFormat, clip_count


class VideoExtractor(nn.Module):
    """One vector per clip from its frames.

    A subclass builds its network (in eval mode, without gradients) in ``__init__`` and implements :meth:`forward`;
    most override :meth:`timestamps` as well. It must not depend on what else is in the batch.

    Args:
        dim: Dimension of a vector.
        clip_len: Length of a clip in seconds: clip i lasts from ``i * clip_len`` to ``(i + 1) * clip_len``.
        frames_per_clip: How many frames a vector sees.
        position: Where in a clip the frame of the default :meth:`timestamps` is taken: 0 at its start, 0.5 in the
            middle.
        rounding: How the number of clips follows from the duration, see :func:`mmvmr.features.clip_count`.
        frame_format: Size of the frames, for the default :meth:`prepare`.

    Attributes:
        dim: See above; the feature specification and the files take it from here.
        batch_clips: Clips per call of :meth:`forward`; a subclass with many frames per clip sets a smaller one.
    """

    batch_clips: int = 32

    def __init__(
        self,
        dim: int,
        clip_len: float,
        frames_per_clip: int = 1,
        position: float = 0.0,
        rounding: str = 'ceil',
        frame_format: FrameFormat | None = None,
    ) -> None:
        super().__init__()
        if not clip_len > 0:
            raise ValueError(f'{type(self).__name__}: clip_len is {clip_len}, expected a positive number of seconds')
        clip_count(1.0, clip_len, rounding)  # an unknown rounding is reported now
        self.dim = dim
        self.clip_len = clip_len
        self.frames_per_clip = frames_per_clip
        self.position = position
        self.rounding = rounding
        self.frame_format = frame_format or FrameFormat()

    def num_clips(self, duration: float) -> int:
        """Number of clips of a video.

        Args:
            duration: Its length in seconds.

        Returns:
            At least 1.
        """
        return clip_count(duration, self.clip_len, self.rounding)

    def timestamps(self, duration: float) -> np.ndarray:
        """When the frames of every clip are taken.

        The frame *shown* at a time is used: the last one that starts at or before it. Times before the first frame mean
        the first, times after the last frame mean the last. Clips may overlap, and a time may occur several times.
        Memory holds the prepared frames of clips that are begun and not complete, so times should be near each other.

        Args:
            duration: Length of the video in seconds.

        Returns:
            Seconds from the start of the video, shape (clips, frames per clip), float64. Here: one frame, or evenly
            spaced ones in the middles of equal parts of the clip.
        """
        starts = np.arange(self.num_clips(duration)) * self.clip_len
        if self.frames_per_clip == 1:
            inside = np.array([self.position])
        else:
            inside = (np.arange(self.frames_per_clip) + 0.5) / self.frames_per_clip
        return starts[:, None] + inside * self.clip_len

    def prepare(self, frame: np.ndarray) -> Tensor:
        """Bring a decoded frame to the size that the network sees. Called once per frame, on the CPU.

        Args:
            frame: (H, W, 3), uint8, RGB, upright, any size.

        Returns:
            A tensor of the same shape for every frame of a video; here (3, H', W'), uint8, by ``frame_format``.
        """
        return torch.from_numpy(np.ascontiguousarray(self.frame_format.apply(frame))).permute(2, 0, 1).contiguous()

    @abstractmethod
    def forward(self, clips: Tensor) -> Tensor:
        """The vectors of some clips.

        Args:
            clips: What :meth:`prepare` returned, stacked: (B, frames per clip, 3, H', W') uint8 (not yet scaled or
                normalised: that is done here), on the device of the network. B varies.

        Returns:
            (B, dim), float32, as the published features have them (not L2-normalised unless those are).
        """


class AudioExtractor(nn.Module):
    """One vector per clip from its sound.

    Args:
        dim: Dimension of a vector.
        clip_len: Length of a clip in seconds.
        sample_rate: Samples per second that the network expects; the decoder resamples to it, mono.
        window: How much sound a vector sees, in seconds, around the middle of its clip; None for the clip itself.
        rounding: How the number of clips follows from the duration, see :func:`mmvmr.features.clip_count`.

    Attributes:
        batch_clips: Clips per call of :meth:`forward`.
    """

    batch_clips: int = 32

    def __init__(
        self, dim: int, clip_len: float, sample_rate: int, window: float | None = None, rounding: str = 'ceil'
    ) -> None:
        super().__init__()
        if not clip_len > 0:
            raise ValueError(f'{type(self).__name__}: clip_len is {clip_len}, expected a positive number of seconds')
        clip_count(1.0, clip_len, rounding)
        self.dim = dim
        self.clip_len = clip_len
        self.sample_rate = sample_rate
        self.window = clip_len if window is None else window
        self.rounding = rounding

    @property
    def samples_per_clip(self) -> int:
        """Length of what :meth:`forward` gets."""
        return round(self.window * self.sample_rate)

    def starts(self, duration: float) -> np.ndarray:
        """When the sound of every clip starts.

        Args:
            duration: Length of the video in seconds.

        Returns:
            Seconds, shape (clips,), not decreasing; may be negative. What is outside the sound track is silence.
        """
        clips = clip_count(duration, self.clip_len, self.rounding)
        return (np.arange(clips) + 0.5) * self.clip_len - self.window / 2

    @abstractmethod
    def forward(self, waveforms: Tensor) -> Tensor:
        """The vectors of some clips.

        Args:
            waveforms: (B, samples per clip), float32 in [-1, 1], mono, on the device of the network.

        Returns:
            (B, dim), float32.
        """


class TextExtractor(nn.Module):
    """One vector per token and one per sentence.

    Args:
        dim: Dimension of a token.

    Attributes:
        batch_sentences: Sentences per call of :meth:`forward`.
    """

    batch_sentences: int = 64

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    @abstractmethod
    def forward(self, sentences: Sequence[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Encode sentences.

        Args:
            sentences: Any number of them, as written in the annotations.

        Returns:
            Per sentence: ``last_hidden_state`` (tokens, dim) without padding, and ``pooler_output`` (dim',), the vector
            of the sentence; both float32.
        """
