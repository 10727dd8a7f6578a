"""Cutting a moment out of a video file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from mmvmr.utils.dependencies import require
from mmvmr.utils.io import atomic_write

_CODECS = ('libx264', 'mpeg4')


def cut_video(source: Path, target: Path, start: float, end: float) -> None:
    """Write the frames and the sound between two times to a new file.

    Frames are encoded anew, so that the cut is exact and not at the nearest key frame.

    Args:
        source: The video file.
        target: An ``.mp4`` file; it is complete or absent.
        start: First second.
        end: Last second.

    Raises:
        ValueError: If the span is empty, or no frame of the video is in it.
        OSError: If the file cannot be written.
    """
    if not end > start:
        raise ValueError(f'{source}: cannot cut from {start:g} s to {end:g} s, expected an end after the start')
    av = require('av', 'cut_video')
    with atomic_write(target) as tmp, av.open(str(source)) as reader:
        with av.open(str(tmp), 'w', format='mp4') as writer:
            count = _copy_span(av, reader, writer, start, end)
        if not count:
            raise ValueError(f'{source}: no frame is between {start:g} s and {end:g} s')


def _copy_span(av: Any, reader: Any, writer: Any, start: float, end: float) -> int:
    """Encode everything between two times; the number of frames."""
    video = reader.streams.video[0]
    sound = reader.streams.audio[0] if reader.streams.audio else None
    rate = Fraction(video.average_rate or 25)
    picture = _video_stream(writer, video, rate)
    track = writer.add_stream('aac', rate=sound.rate) if sound is not None else None
    origin = 0.0 if reader.start_time is None else reader.start_time / av.time_base
    reader.seek(int((start + origin) * av.time_base))
    streams = [video] if sound is None else [video, sound]
    count = 0
    done = dict.fromkeys(streams, False)
    for packet in reader.demux(streams):
        for frame in packet.decode():
            seconds = None if frame.time is None else frame.time - origin
            if seconds is None or seconds < start:
                continue
            if seconds >= end:
                done[packet.stream] = True
            elif packet.stream is video:
                # Odd sizes cannot be encoded with half the colour resolution.
                frame = frame.reformat(width=picture.width, height=picture.height, format='yuv420p')
                frame.pts, frame.time_base = count, 1 / rate
                frame.pict_type = 0  # the encoder decides: types of the source may be impossible in the new order
                writer.mux(picture.encode(frame))
                count += 1
            else:
                frame.pts = None  # the encoder counts samples
                writer.mux(track.encode(frame))
        if all(done.values()):
            break
    for stream in filter(None, (picture, track)):
        writer.mux(stream.encode(None))
    return count


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
    stream.max_b_frames = 0  # a cut of a few frames has no order to change
    return stream
