"""An indexed folder of videos: what is in it, and its features."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmvmr.apis import EncodedVideo, MomentFinder
from mmvmr.apis.feature_cache import FeatureCache
from mmvmr.features.videos import SUFFIXES
from mmvmr.utils.io import iterate_jsonl, read_json, write_json, write_jsonl

_VIDEOS, _SETTINGS = 'videos.jsonl', 'index.json'


@dataclass
class IndexReport:
    """Result of an index update.

    Attributes:
        added: Videos that are new or changed.
        kept: Videos that were there already.
        removed: Names of videos whose files are gone.
        failed: Name to the reason why a video cannot be used.
    """

    added: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


class Collection:
    """Videos with their features on disk.

    The folder of the index holds ``videos.jsonl`` (a line per video: name relative to the folder of the videos, size,
    time of change, entry of the features, duration) and ``features``. Every line is written after its features, so an
    update that was killed loses the video at hand and nothing else.

    Args:
        root: The folder of the index.
        finder: The model that answers; its extraction makes the features.

    Raises:
        ValueError: If the index was made with other features.
    """

    def __init__(self, root: Path, finder: MomentFinder) -> None:
        self.root = root
        self.finder = finder
        extraction = finder.encoder.extraction('index videos')
        self.cache = FeatureCache(root / 'features', extraction)
        self.entries: dict[str, dict[str, Any]] = {}
        settings = root / _SETTINGS
        if settings.is_file():
            there = read_json(settings)
            if there.get('spec') != self.cache.spec_digest:
                raise ValueError(
                    f'{root}: the index holds features of {there.get("streams")}, but the model needs '
                    f'{self.cache.streams} made in another way; use another index folder, or the model that made it'
                )
            self.videos = Path(there['videos'])
            if (root / _VIDEOS).is_file():
                rows = (row for _, row in iterate_jsonl(root / _VIDEOS))
                self.entries = {row['name']: row for row in rows if isinstance(row, dict)}

    def update(
        self,
        videos: Path,
        shard: tuple[int, int] = (0, 1),
        progress: Callable[[int, int, str], None] = lambda done, total, name: None,
    ) -> IndexReport:
        """Bring the index up to date with a folder.

        Args:
            videos: The folder; videos are found below it at any depth.
            shard: (i, n): encode the i-th of n parts only (from 0), for several machines with an index each.
            progress: Called with videos done, videos in all, and the name of the next one.

        Returns:
            What was added, kept and removed, and what failed; one damaged video never stops the others.

        Raises:
            FileNotFoundError: If the folder is absent or has no video.
        """
        if not videos.is_dir():
            raise FileNotFoundError(f'{videos}: no such folder of videos')
        paths = sorted(p for p in videos.rglob('*') if p.suffix.lower() in SUFFIXES and p.is_file())
        if not paths:
            raise FileNotFoundError(
                f'{videos}: no video below this folder (files ending in {" ".join(sorted(SUFFIXES))})'
            )
        self.root.mkdir(parents=True, exist_ok=True)
        self.videos = videos.absolute()
        settings = {'spec': self.cache.spec_digest, 'streams': self.cache.streams, 'videos': str(self.videos)}
        write_json(self.root / _SETTINGS, settings)
        named = {path.relative_to(videos).as_posix(): path for path in paths}
        mine = {name: path for number, (name, path) in enumerate(named.items()) if number % shard[1] == shard[0]}
        report = IndexReport(removed=[name for name in self.entries if name not in named])
        self.entries = {name: entry for name, entry in self.entries.items() if name in named}
        if report.removed:
            self._save()
        for number, (name, path) in enumerate(mine.items()):
            progress(number, len(mine), name)
            try:
                self._add(name, path, report)
            except (OSError, ValueError, MemoryError) as error:
                report.failed[name] = str(error)
        progress(len(mine), len(mine), '')
        self._save()
        return report

    def _add(self, name: str, path: Path, report: IndexReport) -> None:
        state = path.stat()
        identity = {'size': state.st_size, 'changed': state.st_mtime_ns}
        entry = self.entries.get(name)
        if entry and all(entry[k] == v for k, v in identity.items()) and self.cache.read(entry['key']) is not None:
            report.kept.append(name)
            return
        self.finder.encoder.cache_dir = self.cache.root
        video = self.finder.encode(path, name)
        row = {'name': name, **identity, 'key': self.cache.key(path), 'duration': video.duration, 'clips': video.clips}
        self.entries[name] = row
        with (self.root / _VIDEOS).open('a', encoding='utf-8') as stream:  # the whole file is written anew at the end
            stream.write(json.dumps(row, ensure_ascii=False) + '\n')
        report.added.append(name)

    def _save(self) -> None:
        write_jsonl(self.root / _VIDEOS, self.entries.values())

    def __len__(self) -> int:
        return len(self.entries)

    def load(self, name: str) -> EncodedVideo:
        """A video of the index.

        Args:
            name: Its name.

        Returns:
            The video, ready to be asked.

        Raises:
            ValueError: If its features are damaged.
        """
        entry = self.cache.read(self.entries[name]['key'])
        if entry is None:
            raise ValueError(f'{self.root}: the features of {name} are gone or damaged; run `mmvmr index` again')
        streams, duration = entry
        return self.finder.encode_features(streams, duration, name, self.videos / name)

    def clip_vectors(self) -> Iterator[tuple[str, np.ndarray]]:
        """Name and clips (clips, dim) of every video, of its first stream, mapped from disk.

        Yields:
            One pair per video.
        """
        first = self.cache.streams[0]
        for name in self.entries:
            streams: Mapping[str, np.ndarray] = self.load(name).streams
            yield name, streams[first]
