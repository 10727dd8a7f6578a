"""Cutting a moment out of a video file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from mmvmr.utils.dependencies import require
from mmvmr.utils.io import atomic_write

_CODECS = ('libx264', 'mpeg4')
#: Timestamps of a second: frames of 24, 25, 30, 50 and 60 per second and of 30000/1001 begin at whole ones, and MPEG-4
#: can have no more than 65535.
_TICKS = 60000


def cut_video(source: Path, target: Path, start: float, end: float) -> None:
    """Write the frames and the sound between two times to a new file.

    Frames are encoded anew, so that the cut is exact and not at the nearest key frame. The first is the frame that is
    shown at the start; it and all others stay as long as they do in the source, at a variable frame rate too.

    Args:
        source: The video file.
        target: An ``.mp4`` file; it is complete or absent.
        start: First second.
        end: Last second.

    Raises:
        ValueError: If the span is empty, or the video ends before it.
        OSError: If the file cannot be written.
    """
    if not end > start:
        raise ValueError(f'{source}: cannot cut from {start:g} s to {end:g} s, expected an end after the start')
    av = require('av', 'cut_video')
    with atomic_write(target) as tmp, av.open(str(source)) as reader:
        with av.open(str(tmp), 'w', format='mp4') as writer:
            count = _copy_span(av, reader, writer, start, end)
        if not count:
            raise ValueError(f'{source}: no frame is between {start:g} s and {end:g} s, the video ends before')


def _copy_span(av: Any, reader: Any, writer: Any, start: float, end: float) -> int:
    """Encode everything between two times; the number of frames."""
    origin = 0.0 if reader.start_time is None else reader.start_time / av.time_base
    video = reader.streams.video[0]
    copies: dict[Any, _Pictures | _Sound] = {video: _Pictures(video, writer, start, end)}
    if reader.streams.audio:
        copies[reader.streams.audio[0]] = _Sound(av, reader.streams.audio[0], writer, start, end)
    _seek(av, reader, video, start, origin)
    for packet in reader.demux(list(copies)):
        copy = copies[packet.stream]
        for frame in packet.decode():
            if frame.time is not None and not copy.done:
                copy.add(frame, frame.time - origin)
        if all(copy.done for copy in copies.values()):
            break
    length = 0.0 if reader.duration is None else reader.duration / av.time_base
    counts = [copy.finish(length) for copy in copies.values()]
    return counts[0]


def _seek(av: Any, reader: Any, video: Any, start: float, origin: float) -> None:
    """Go to a key frame that is not after a time, or to the begin of the file where its index leads past it."""
    reader.seek(int((start + origin) * av.time_base))
    first = next(reader.decode(video), None)
    exact = first is not None and first.time is not None and first.time - origin <= start
    reader.seek(int(((start if exact else 0.0) + origin) * av.time_base))


class _Pictures:
    """The frames of a cut: one is held until the next is known, and with it how long it is shown."""

    def __init__(self, video: Any, writer: Any, start: float, end: float):
        self.writer, self.start, self.end = writer, start, end
        rate = Fraction(video.average_rate or 25)
        self.stream = _video_stream(writer, video, rate)
        self.shortest = float(1 / rate)
        self.tolerance = min(float(video.time_base or 0) / 2, 1e-3)  # timestamps are rounded to the ticks of the file
        self.held: tuple[Any, float] | None = None
        self.ticks: dict[int, int] = {}
        self.done = False

    def add(self, frame: Any, seconds: float) -> None:
        if self.held is not None and seconds > self.start + self.tolerance:
            self._encode(min(seconds, self.end))
        self.done = self.held is not None and seconds >= self.end
        if not self.done:
            self.held = (frame, seconds)

    def finish(self, length: float) -> int:
        """Encode what is left of a file of that length in seconds; the number of frames."""
        if self.held is not None and not self.done:
            frame, seconds = self.held
            shown = float(frame.duration * frame.time_base) if frame.duration else self.shortest
            last = min(max(seconds + shown, length), self.end)
            if last > self.start:
                self._encode(last)
        self._write(None)
        return len(self.ticks)

    def _encode(self, until: float) -> None:
        """Encode the held frame, which is shown until a time."""
        frame, seconds = self.held  # type: ignore[misc]  # callers look
        first, last = (round(max(time - self.start, 0.0) * _TICKS) for time in (seconds, until))
        if not self.ticks:
            first = 0  # before the first frame, players show it
            if frame.rotation:  # a phone that was held upright: players turn what is stored
                self._turn(frame.rotation)
        if last <= first or first in self.ticks:
            return
        # Odd sizes cannot be encoded with half the colour resolution.
        frame = frame.reformat(width=self.stream.width, height=self.stream.height, format='yuv420p')
        frame.pts, frame.time_base = first, Fraction(1, _TICKS)
        frame.pict_type = 0  # the encoder decides: types of the source may be impossible in the new order
        self.ticks[first] = last - first
        self._write(frame)

    def _turn(self, degrees: int) -> None:
        if not hasattr(self.stream, 'set_display_rotation'):
            raise ImportError('cuts of a video that players turn need a newer PyAV: pip install -U av')
        self.stream.set_display_rotation(degrees)

    def _write(self, frame: Any) -> None:
        for packet in self.stream.encode(frame):
            packet.duration = self.ticks.get(packet.pts, 0)
            self.writer.mux(packet)


class _Sound:
    """The samples of a cut; where the source has none, silence."""

    def __init__(self, av: Any, sound: Any, writer: Any, start: float, end: float):
        self.av, self.writer, self.start, self.end = av, writer, start, end
        self.rate = sound.rate
        self.layout = 'mono' if sound.channels == 1 else 'stereo'
        self.stream = writer.add_stream('aac', rate=sound.rate, layout=self.layout)
        self.resampler = av.AudioResampler(format='fltp', layout=self.layout, rate=sound.rate)
        self.slack = sound.rate // 50  # timestamps are rounded to the ticks of the file
        self.count = 0
        self.done = False

    def add(self, frame: Any, seconds: float) -> None:
        if seconds >= self.end:
            self.done = True
            return
        first, stop = round((seconds - self.start) * self.rate), round((self.end - self.start) * self.rate)
        for piece in self.resampler.resample(frame):
            samples = piece.to_ndarray()
            gap = first - self.count
            if gap > self.slack:
                self._encode(np.zeros((len(samples), gap), samples.dtype))
            elif first < 0:
                samples = samples[:, -first:]
            first += piece.samples
            self._encode(samples[:, : max(stop - self.count, 0)])

    def finish(self, length: float) -> int:
        """Encode what is left; the number of samples."""
        self.writer.mux(self.stream.encode(None))
        return self.count

    def _encode(self, samples: np.ndarray) -> None:
        if not samples.shape[1]:
            return
        frame = self.av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format='fltp', layout=self.layout)
        frame.sample_rate, frame.pts = self.rate, self.count
        frame.time_base = Fraction(1, self.rate)
        self.count += samples.shape[1]
        self.writer.mux(self.stream.encode(frame))


def _video_stream(writer: Any, video: Any, rate: Fraction) -> Any:
    """A stream for the frames of another one, with the best encoder that the installation has."""
    for number, codec in enumerate(_CODECS):
        try:
            stream = writer.add_stream(codec, rate=rate)
            break
        except ValueError:  # this build of the library has no such encoder
            if number + 1 == len(_CODECS):
                raise
    stream.width, stream.height = video.width // 2 * 2, video.height // 2 * 2
    stream.pix_fmt = 'yuv420p'
    stream.codec_context.time_base = Fraction(1, _TICKS)
    stream.max_b_frames = 0  # a cut of a few frames has no order to change
    return stream
