"""Frames and sound of video files, by time. Needs PyAV (``pip install av``).

Which frame a time means: the one *shown* then, i.e. the last whose timestamp is at or before it. With a constant or a
variable frame rate alike, so that a frame that stays for three seconds is used for all of them. Times before the first
frame mean the first one, times behind the last mean the last. Time 0 is the start of the file (of the earliest of its
streams), as players show it.

Files are read from front to back, once, and no more than one frame is held.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmvmr.utils.dependencies import require_av

from .sound import cut_windows

DAMAGED = ('error', 'keep')
# Timestamps are multiples of the time base of a file: half a tick, at most a millisecond, is no difference.
MAX_TICK = 1e-3
# How much of a video may be absent at its end before it counts as truncated: seconds, and part of the duration.
MISSING_END = (1.0, 0.05)


class VideoError(ValueError):
    """A video file that cannot be used; the message says why, and what to do."""


class VideoReader:
    """One video file.

    Args:
        path: The file.
        damaged: What to do with packets that cannot be decoded: ``error``, or ``keep``: the frame before stays, and
            ``faults`` says how many there were.
        threads: Threads of the decoder; 0 leaves it to the decoder.

    Attributes:
        duration: Length of the video in seconds, up to the end of its last frame.
        rotation: Degrees, counterclockwise, by which frames are turned to be upright.
        faults: Packets and frames that were damaged, so far.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If PyAV is missing.
        VideoError: If the file is no video, holds none, or is truncated.
    """

    def __init__(self, path: str | os.PathLike[str], damaged: str = 'error', threads: int = 0) -> None:
        if damaged not in DAMAGED:
            raise ValueError(f'damaged={damaged!r} is unknown, expected one of {DAMAGED}')
        self.path = Path(path)
        self.damaged = damaged
        self.threads = threads
        self.faults = 0
        self._av = require_av(type(self).__name__)
        if not self.path.is_file():
            raise FileNotFoundError(f'{self.path}: no such video file')
        with self._opened() as container:
            stream = self._video(container)
            self.duration = self._duration(container, stream)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Any]:
        try:
            container = self._av.open(str(self.path), metadata_errors='replace')
        except self._av.error.FFmpegError as error:
            raise VideoError(
                f'{self.path}: cannot be opened as a video ({error.strerror}); is it truncated, or no video?'
            ) from None
        with container:
            yield container

    def _video(self, container: Any) -> Any:
        # Covers of music files are video streams of one picture.
        attached = self._av.stream.Disposition.attached_pic
        streams = [s for s in container.streams.video if not s.disposition & attached]
        if not streams:
            found = ', '.join(s.type for s in container.streams) or 'nothing'
            raise VideoError(f'{self.path}: holds no video stream, only: {found}')
        return streams[0]

    def _origin(self, container: Any) -> float:
        return (container.start_time or 0) / self._av.time_base

    def _duration(self, container: Any, stream: Any) -> float:
        start = self._origin(container)
        if stream.duration:
            return (
                float((stream.start_time or 0) * stream.time_base) - start + float(stream.duration * stream.time_base)
            )
        # Matroska, WebM and raw streams do not say; the length of the file may be that of a longer sound track.
        ends = self._last_packets(container)
        if stream.index not in ends:
            raise VideoError(f'{self.path}: its video stream holds no frame')
        if container.duration:
            self._check_end(max(ends.values()) - start, container.duration / self._av.time_base)
        return ends[stream.index] - start

    def _last_packets(self, container: Any) -> dict[int, float]:
        """Number of a stream to the end of its last packet in seconds; nothing is decoded."""
        ends: dict[int, float] = {}
        for packet in self._packets(container):
            if packet.pts is not None:
                length = float(packet.duration * packet.time_base) if packet.duration else 0.0
                if not length and packet.stream.type == 'video':
                    length = _frame_length(packet.stream)
                end = float(packet.pts * packet.time_base) + length
                ends[packet.stream.index] = max(ends.get(packet.stream.index, end), end)
        return ends

    def _packets(self, container: Any, *streams: Any) -> Iterator[Any]:
        try:
            yield from container.demux(*streams)
        except self._av.error.FFmpegError as error:
            self._fault(f'cannot be read to its end ({error.strerror})')

    def _fault(self, what: str) -> None:
        self.faults += 1
        if self.damaged == 'error':
            raise VideoError(
                f"{self.path}: {what}; fetch the file again, or use what can be decoded (damaged='keep', on the "
                'command line --keep-damaged)'
            )

    def _check_end(self, found: float, declared: float) -> None:
        if declared - found > max(MISSING_END[0], MISSING_END[1] * declared):
            raise VideoError(
                f'{self.path}: the frames end at {found:.2f} s, but the file says that it lasts {declared:.2f} s; it '
                'is truncated: fetch it again, or make what is there a whole file (ffmpeg -i IN -c copy OUT)'
            )

    def _decoded(self, container: Any, stream: Any) -> Iterator[Any]:
        """All frames in order, without those that are damaged."""
        seconds = 0.0
        for packet in self._packets(container, stream):
            try:
                for frame in packet.decode():
                    seconds = frame.time if frame.time is not None else seconds
                    if frame.is_corrupt:
                        self._fault(f'a frame at {seconds:.2f} s is damaged')
                    else:
                        yield frame
            except self._av.error.FFmpegError as error:
                self._fault(f'a packet behind {seconds:.2f} s cannot be decoded ({error.strerror})')

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
            Per start: (length,), float32 in [-1, 1], mono; what lies outside the sound track is 0.

        Raises:
            VideoError: If there is no sound, or it is damaged.
        """
        with self._opened() as container:
            if not container.streams.audio:
                raise VideoError(f'{self.path}: holds no sound track')
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
    """How long a frame is shown, in seconds."""
    return float(frame.duration * frame.time_base) if frame.duration else _frame_length(stream)


def _frame_length(stream: Any) -> float:
    return 1 / float(stream.average_rate or stream.guessed_rate or 25)
