"""Many videos: features of a whole folder, in several processes, resumable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from mmvmr.apis.feature_cache import FeatureCache
from mmvmr.apis.feature_encoder import FeatureEncoder
from mmvmr.features.jobs import FILE_ERRORS, Settings, Task, run_tasks
from mmvmr.features.spec import ExtractionSpec
from mmvmr.features.videos import SUFFIXES
from mmvmr.utils.errors import is_full_disk

if TYPE_CHECKING:
    from mmvmr.apis.finder import EncodedVideo, MomentFinder

EncodedVideos: TypeAlias = 'Iterable[EncodedVideo] | Mapping[str, EncodedVideo]'


def in_order(videos: EncodedVideos) -> Iterator[EncodedVideo]:
    """The videos of a folder or of any other collection, one after the other."""
    return iter(videos.values() if isinstance(videos, Mapping) else videos)


@dataclass(frozen=True)
class CacheEntry:
    """A video in a feature cache, or why it is not there.

    Attributes:
        name: Name of the video.
        key: Its entry in the cache.
        duration: Length in seconds.
        clips: Number of clips.
        error: Why there are no features; None for success.
    """

    name: str
    key: str = ''
    duration: float = 0.0
    clips: int = 0
    error: str | None = None


class CacheStore:
    """Feature cache as the :class:`mmvmr.features.jobs.Store` of extraction processes."""

    def __init__(self, root: Path, spec: ExtractionSpec) -> None:
        self.spec, self.cache = spec, FeatureCache(root, spec)

    def find(self, task: Task) -> dict[str, Any] | None:
        """Key, duration and clips of a video that is in the cache."""
        key = self.cache.key(task.path)
        entry = self.cache.read(key)
        return None if entry is None else _facts(key, *entry)

    def put(self, task: Task, streams: Mapping[str, np.ndarray], duration: float) -> dict[str, Any]:
        """Write a video into the cache."""
        key = self.cache.key(task.path)
        self.cache.write(key, dict(streams), duration, task.path.name)
        return _facts(key, streams, duration)


def _facts(key: str, streams: Mapping[str, np.ndarray], duration: float) -> dict[str, Any]:
    return {'key': key, 'duration': duration, 'clips': min(map(len, streams.values()))}


def find_named_videos(folder: Path, shard: tuple[int, int] = (0, 1)) -> dict[str, Path]:
    """The videos below a folder, at any depth.

    Args:
        folder: The folder.
        shard: (i, n): the i-th of n parts only, from 0.

    Returns:
        Path relative to the folder, with ``/``, to file, by name.

    Raises:
        FileNotFoundError: If the folder is absent or has no video.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f'{folder}: no such folder of videos')
    paths = sorted(p for p in folder.rglob('*') if p.suffix.lower() in SUFFIXES and p.is_file())
    if not paths:
        raise FileNotFoundError(f'{folder}: no video below this folder (files ending in {" ".join(sorted(SUFFIXES))})')
    named = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: path for number, (name, path) in enumerate(named.items()) if number % shard[1] == shard[0]}


def encode_videos(
    encoder: FeatureEncoder, root: Path, videos: Mapping[str, Path], jobs: int = 1
) -> Iterator[CacheEntry]:
    """Bring videos into a feature cache; what is there already is not made again.

    Args:
        encoder: Says what is extracted; with one job its networks are used.
        root: Folder of the cache.
        videos: Name to file.
        jobs: Number of processes; on several GPUs they take the GPUs in turn.

    Yields:
        One entry per video, as they are done; an error of one never loses the others.
    """
    spec = encoder.extraction('encode videos')
    if jobs == 1:
        cache = FeatureCache(root, spec)
        for name, path in videos.items():
            try:
                key = cache.key(path)
                yield CacheEntry(name, **_facts(key, *encoder.cached(path, cache, key)))
            except FILE_ERRORS as error:
                if is_full_disk(error):
                    raise
                yield CacheEntry(name, error=' '.join(str(error).split()))
        return
    devices = [str(encoder.device)]
    if encoder.device.type == 'cuda' and encoder.device.index is None:
        devices = [f'cuda:{number}' for number in range(torch.cuda.device_count())]
    tasks = (Task(name, path, tuple(spec.streams)) for name, path in videos.items())
    for outcome in run_tasks(tasks, Settings(CacheStore(root, spec), devices=tuple(devices), jobs=jobs)):
        facts = {'error': outcome.error} if outcome.error is not None else outcome.facts
        yield CacheEntry(outcome.task.vid, **facts)


@dataclass
class EncodedFolder(Mapping[str, 'EncodedVideo']):
    """The videos of a folder, by their path relative to it; features are mapped from disk when one is asked for.

    Attributes:
        root: The folder.
        finder: The finder that made it.
        entries: Name to entry of the cache.
        failed: Name to the reason why a video cannot be used.
    """

    root: Path
    finder: MomentFinder
    entries: dict[str, CacheEntry] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> EncodedVideo:
        entry = self.entries[name]
        encoder = self.finder.encoder
        cache = FeatureCache(encoder.cache_dir, encoder.extraction('load a video'))
        cached = cache.read(entry.key)
        if cached is None:
            raise ValueError(f'{cache.root / entry.key}: the features of {name} are gone or damaged; encode it again')
        return self.finder.encode_features(*cached, name, self.root / name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)
