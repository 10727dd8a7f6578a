"""All streams of a video in one pass over its file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from mmvmr.features.base import AudioExtractor, VideoExtractor
from mmvmr.features.decoding import VideoReader


class ClipBatches:
    """Collects the frames of clips, and runs the extractor whenever a batch of clips is complete.

    Args:
        extractor: The extractor.
        duration: Length of the video in seconds.
        device: Where the network is.

    Attributes:
        times: When frames are wanted: seconds, shape (clips x frames per clip,).
    """

    def __init__(self, extractor: VideoExtractor, duration: float, device: torch.device | str = 'cpu') -> None:
        times = np.asarray(extractor.timestamps(duration), dtype=np.float64)
        if times.ndim != 2 or not times.size or not np.isfinite(times).all():
            raise ValueError(
                f'{type(extractor).__name__}.timestamps({duration}) has the shape {times.shape}, expected (clips, '
                'frames per clip) of finite seconds, at least one of each'
            )
        self.extractor, self.device = extractor, device
        self.clips, self.per_clip = times.shape
        self.times = times.reshape(-1)
        self._open: dict[int, list[Tensor | None]] = {}
        self._absent: dict[int, int] = {}
        self._batch: list[tuple[int, Tensor]] = []
        self._vectors: np.ndarray | None = None

    def add(self, places: np.ndarray, frame: np.ndarray) -> None:
        """Put a frame where it is wanted.

        Args:
            places: Indices into ``times``.
            frame: (H, W, 3), uint8.
        """
        prepared = self.extractor.prepare(frame)
        for place in places.tolist():
            clip, slot = divmod(place, self.per_clip)
            frames = self._open.setdefault(clip, [None] * self.per_clip)
            frames[slot] = prepared
            self._absent[clip] = self._absent.get(clip, self.per_clip) - 1
            if self._absent[clip] == 0:
                self._batch.append((clip, torch.stack(self._open.pop(clip))))  # type: ignore[arg-type]
                if len(self._batch) >= self.extractor.batch_clips:
                    self._run()

    def _run(self) -> None:
        indices, clips = zip(*self._batch)
        vectors = run_network(self.extractor, torch.stack(clips), self.device)
        if self._vectors is None:
            self._vectors = np.full((self.clips, vectors.shape[1]), np.nan, np.float32)
        self._vectors[list(indices)] = vectors
        self._batch = []

    def finish(self) -> np.ndarray:
        """Run what is left; returns one vector per clip, (clips, dim), float32."""
        if self._batch:
            self._run()
        if self._vectors is None or self._open:
            raise RuntimeError(f'{len(self._open)} of {self.clips} clips did not get all their frames')
        return self._vectors


def run_network(extractor: VideoExtractor | AudioExtractor, batch: Tensor, device: torch.device | str) -> np.ndarray:
    """Run an extractor and check what it says.

    Args:
        extractor: The extractor.
        batch: Its input.
        device: Where the network is.

    Returns:
        (B, dim), float32.

    Raises:
        ValueError: If the vectors have another shape than declared, or are not finite.
    """
    with torch.inference_mode():
        vectors = extractor(batch.to(device, non_blocking=True)).float().cpu().numpy()
    name = type(extractor).__name__
    if vectors.shape != (len(batch), extractor.dim):
        raise ValueError(f'{name} made an array {vectors.shape}, expected {(len(batch), extractor.dim)}')
    if not np.isfinite(vectors).all():
        raise ValueError(f'{name} made vectors with NaN or infinite values; is its checkpoint damaged?')
    return vectors


def video_streams(
    reader: VideoReader, extractors: Mapping[str, VideoExtractor], device: torch.device | str = 'cpu'
) -> dict[str, np.ndarray]:
    """Vectors of all streams that see frames; every frame is decoded once for all of them.

    Args:
        reader: The video.
        extractors: Stream name to extractor.
        device: Where the networks are.

    Returns:
        Stream name to (clips, dim), float32.
    """
    collectors = [ClipBatches(extractor, reader.duration, device) for extractor in extractors.values()]
    if not collectors:
        return {}
    sizes = [len(c.times) for c in collectors]
    owners = np.repeat(np.arange(len(collectors)), sizes)
    places = np.concatenate([np.arange(size) for size in sizes])
    times = np.concatenate([c.times for c in collectors])
    order = np.argsort(times, kind='stable')
    owners, places = owners[order], places[order]
    for first, last, frame in reader.frames(times[order]):
        for owner in np.unique(owners[first:last]):
            collectors[owner].add(places[first:last][owners[first:last] == owner], frame)
    return {name: collector.finish() for name, collector in zip(extractors, collectors)}


def sound_stream(reader: VideoReader, extractor: AudioExtractor, device: torch.device | str = 'cpu') -> np.ndarray:
    """Vectors of a stream of sound features.

    Args:
        reader: The video.
        extractor: The extractor.
        device: Where the network is.

    Returns:
        (clips, dim), float32.
    """
    starts = extractor.starts(reader.duration)
    pieces = reader.sound(starts, extractor.samples_per_clip, extractor.sample_rate)
    batches = _batched((torch.from_numpy(piece) for piece in pieces), extractor.batch_clips)
    return np.concatenate([run_network(extractor, batch, device) for batch in batches])


def _batched(items: Iterator[Tensor], size: int) -> Iterator[Tensor]:
    held: list[Tensor] = []
    for item in items:
        held.append(item)
        if len(held) == size:
            yield torch.stack(held)
            held = []
    if held:
        yield torch.stack(held)


def extract_video(
    reader: VideoReader,
    extractors: Mapping[str, VideoExtractor | AudioExtractor],
    device: torch.device | str = 'cpu',
) -> dict[str, np.ndarray]:
    """Vectors of all streams of a video.

    Args:
        reader: The video.
        extractors: Stream name to extractor.
        device: Where the networks are.

    Returns:
        Stream name to (clips, dim), float32, in the order of ``extractors``.

    Raises:
        VideoError: If the video is damaged, truncated, or has no sound where that is wanted.
    """
    seeing = {name: e for name, e in extractors.items() if isinstance(e, VideoExtractor)}
    features = video_streams(reader, seeing, device)
    for name, extractor in extractors.items():
        if isinstance(extractor, AudioExtractor):
            features[name] = sound_stream(reader, extractor, device)
    return {name: features[name] for name in extractors}
