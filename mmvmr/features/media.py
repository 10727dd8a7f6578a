"""Media files through PyAV: opening, streams, length, packets, and what of them is damaged."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmvmr.utils import check_choice
from mmvmr.utils.dependencies import require

DAMAGED = ('error', 'keep')
# How much of a video may be absent at its end before it counts as truncated: seconds, and part of the duration.
MISSING_END = (1.0, 0.05)


class VideoError(ValueError):
    """A video file that cannot be used; the message says why, and what to do."""


class MediaFile:
    """A file with a video stream; :class:`mmvmr.features.decoding.VideoReader` takes frames and sound from it.

    Args:
        path: The file.
        damaged: What to do with packets that cannot be decoded: ``error``, or ``keep``: the frame before stays, and
            ``issues`` says how many there were.
        threads: Threads of the decoder; 0 leaves it to the decoder.

    Attributes:
        duration: Length of the video in seconds, up to the end of its last frame.
        issues: Packets and frames that were damaged, so far.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If PyAV is missing.
        VideoError: If the file is not a video, holds none, or is truncated.
    """

    def __init__(self, path: str | os.PathLike[str], damaged: str = 'error', threads: int = 0) -> None:
        self.damaged = check_choice(self, 'damaged', damaged, DAMAGED)
        self.path = Path(path)
        self.threads = threads
        self.issues = 0
        self._av = require('av', type(self).__name__)
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
            kinds = ', '.join(s.type for s in container.streams) or 'nothing'
            raise VideoError(f'{self.path}: holds no video stream, only: {kinds}')
        if streams[0].codec_context is None:
            raise VideoError(f'{self.path}: its video stream has no known codec; is it truncated, or no video?')
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
                    length = frame_length(packet.stream)
                end = float(packet.pts * packet.time_base) + length
                ends[packet.stream.index] = max(ends.get(packet.stream.index, end), end)
        return ends

    def _packets(self, container: Any, *streams: Any) -> Iterator[Any]:
        try:
            yield from container.demux(*streams)
        except self._av.error.FFmpegError as error:
            self._issue(f'cannot be read to its end ({error.strerror})')

    def _issue(self, what: str) -> None:
        self.issues += 1
        if self.damaged == 'error':
            raise VideoError(
                f"{self.path}: {what}; fetch the file again, or use what can be decoded (damaged='keep', on the "
                'command line --keep-damaged)'
            )

    def _check_end(self, end: float, declared: float) -> None:
        if declared - end > max(MISSING_END[0], MISSING_END[1] * declared):
            raise VideoError(
                f'{self.path}: the frames end at {end:.2f} s, but the file says that it lasts {declared:.2f} s; it '
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
                        self._issue(f'a frame at {seconds:.2f} s is damaged')
                    else:
                        yield frame
            except self._av.error.FFmpegError as error:
                self._issue(f'a packet after {seconds:.2f} s cannot be decoded ({error.strerror})')


def frame_length(stream: Any) -> float:
    """Duration of a frame where the stream does not state it, in seconds."""
    return 1 / float(stream.average_rate or stream.guessed_rate or 25)
