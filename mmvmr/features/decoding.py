"""Frames and sound of video files, by time. Needs PyAV (``pip install av``).

Which frame a time means: the one *shown* then, i.e. the last whose timestamp is at or before it. With a constant or a
variable frame rate too, so that a frame that stays for three seconds is used for all of them. Times before the first
frame mean the first one, times after the last mean the last. Time 0 is the start of the file (of the earliest of its
streams), as players show it.

Files are read from front to back, once, and no more than one frame is held.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mmvmr.features.media import MediaFile, VideoError, frame_length
from mmvmr.features.sound import cut_windows

__all__ = ['VideoError', 'VideoReader']

# Timestamps are multiples of the time base of a file: half a tick, at most a millisecond, is no difference.
MAX_TICK = 1e-3


class VideoReader(MediaFile):
    """Frames and sound of one video file, by time; see the module. Arguments and attributes: :class:`MediaFile`."""

    def frames(self, times: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
        """The frames shown at given times.

        Args:
            times: Seconds, ascending, shape (N,).

        Yields:
            First index, one past the last, and the frame (H, W, 3), uint8, RGB, upright, that is shown at all times
            between them. Together they cover all times.

        Raises:
            VideoError: If the video is damaged or truncated.
        """
        with self._opened() as container:
            stream = self._video(container)
            stream.thread_type = 'AUTO'
            stream.codec_context.thread_count = self.threads
            start, tolerance = self._origin(container), min(float(stream.time_base) / 2, MAX_TICK)
            first, held, shown_from = 0, None, -np.inf
            for frame in self._decoded(container, stream):
                begin = self._time(frame, stream, shown_from, start)
                if held is not None:
                    if begin <= shown_from:
                        continue  # players do not go back in time either
                    end = int(np.searchsorted(times, begin - tolerance, side='left'))
                    if end > first:
                        yield first, end, self._rgb(held)
                        first = end
                    if first == len(times):
                        return
                held, shown_from = frame, begin
            if held is None:
                raise VideoError(f'{self.path}: no frame can be decoded')
            self._check_end(shown_from + _shown_for(held, stream), self.duration)
            yield first, len(times), self._rgb(held)

    def _time(self, frame: Any, stream: Any, before: float, start: float) -> float:
        if frame.pts is not None:
            return float(frame.pts * frame.time_base) - start
        return 0.0 if before == -np.inf else before + _shown_for(frame, stream)

    def _rgb(self, frame: Any) -> np.ndarray:
        turns = round(frame.rotation / 90)
        return np.rot90(frame.to_ndarray(format='rgb24'), turns)

    def sound(self, starts: Sequence[float] | np.ndarray, length: int, rate: int) -> Iterator[np.ndarray]:
        """Pieces of the sound track.

        Args:
            starts: Where they start, in seconds, ascending; may be negative.
            length: Samples of a piece.
            rate: Samples per second.

        Yields:
            Per start: (length,), float32 in [-1, 1], mono; what is outside the sound track is 0.

        Raises:
            VideoError: If there is no sound, or it is damaged.
        """
        with self._opened() as container:
            if not container.streams.audio:
                raise VideoError(f'{self.path}: holds no sound track, which the audio stream of the features needs')
            stream = container.streams.audio[0]
            firsts = [round(float(s) * rate) for s in starts]
            yield from cut_windows(self._samples(container, stream, rate), firsts, length, slack=rate // 50)

    def _samples(self, container: Any, stream: Any, rate: int) -> Iterator[tuple[int, np.ndarray]]:
        """Mono sound in pieces, each with the number of its first sample."""
        start, resampler = self._origin(container), self._av.AudioResampler(format='flt', layout='mono', rate=rate)
        end = 0
        for frame in itertools.chain(self._decoded(container, stream), [None]):  # None asks for what is left
            for piece in resampler.resample(frame):
                samples = piece.to_ndarray().reshape(-1)
                first = end if piece.pts is None else round((float(piece.pts * piece.time_base) - start) * rate)
                end = first + len(samples)
                yield first, samples


def _shown_for(frame: Any, stream: Any) -> float:
    """Duration of a frame in seconds."""
    return float(frame.duration * frame.time_base) if frame.duration else frame_length(stream)
