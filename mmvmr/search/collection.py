"""An indexed folder of videos: what is in it, and its features."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmvmr.apis import EncodedVideo, MomentFinder
from mmvmr.apis.feature_cache import FeatureCache
from mmvmr.apis.folders import encode_videos, find_named_videos
from mmvmr.utils.io import iterate_jsonl, read_json, write_json, write_jsonl
from mmvmr.utils.progress import progress

_VIDEOS, _SETTINGS, _PARTS = 'videos.jsonl', 'index.json', 'videos.part-*.jsonl'


@dataclass
class IndexReport:
    """Result of an index update.

    Attributes:
        added: Videos that are new or changed.
        unchanged: Videos that were there already.
        removed: Names of videos whose files are gone.
        failed: Name to the reason why a video cannot be used.
    """

    added: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
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
            for path in self._lists():
                self.entries.update(_listed(path))

    def _lists(self) -> list[Path]:
        """The files that list videos; a later one has the newer line of a video."""
        return [path for path in (self.root / _VIDEOS, *sorted(self.root.glob(_PARTS))) if path.is_file()]

    def _forget(self, gone: frozenset[str], target: Path) -> None:
        """Remove videos from all lists but one; lists without them are not touched, as others may write to them."""
        for path in self._lists():
            rows = {} if path == target else _listed(path)
            if not gone.isdisjoint(rows):
                write_jsonl(path, [row for name, row in rows.items() if name not in gone])

    def update(self, videos: Path, shard: tuple[int, int] = (0, 1), jobs: int = 1) -> IndexReport:
        """Bring the index up to date with a folder.

        Args:
            videos: The folder; videos are found below it at any depth.
            shard: (i, n): the i-th of n parts only (from 0), for several machines that write to one index. Each
                part has its own list of videos; an update without shards joins them. Videos that are gone leave the
                lists of all parts.
            jobs: Number of processes.

        Returns:
            What was added, kept and removed, and what failed; one damaged video never stops the others.

        Raises:
            FileNotFoundError: If the folder is absent or has no video.
        """
        named, mine = find_named_videos(videos), find_named_videos(videos, shard)
        self.root.mkdir(parents=True, exist_ok=True)
        self.videos = videos.absolute()
        settings = {'spec': self.cache.spec_digest, 'streams': self.cache.streams, 'videos': str(self.videos)}
        write_json(self.root / _SETTINGS, settings)
        report = IndexReport(removed=[name for name in self.entries if name not in named])
        states = {name: _identity(path) for name, path in mine.items()}
        entries = {name: self.entries[name] for name in mine if self._is_current(name, states[name])}
        report.unchanged += entries
        self.entries = {name: entry for name, entry in self.entries.items() if name in named}
        target = self.root / (_VIDEOS if shard[1] == 1 else _PARTS.replace('*', f'{shard[0]}-of-{shard[1]}'))
        write_jsonl(target, entries.values())
        self._forget(frozenset(report.removed).union(mine.keys() - entries.keys()), target)
        new = {name: path for name, path in mine.items() if name not in entries}
        made = encode_videos(self.finder.encoder, self.cache.root, new, jobs)
        for entry in progress(made, total=len(new), unit=' videos'):
            if entry.error is not None:
                report.failed[entry.name] = entry.error
                self.entries.pop(entry.name, None)
                continue
            facts = {'key': entry.key, 'duration': entry.duration, 'clips': entry.clips}
            row = {'name': entry.name, **states[entry.name], **facts}
            self.entries[entry.name] = row
            with target.open('a', encoding='utf-8') as stream:
                stream.write(json.dumps(row, ensure_ascii=False) + '\n')
            report.added.append(entry.name)
        if shard[1] == 1:
            for path in self.root.glob(_PARTS):
                path.unlink()
        return report

    def _is_current(self, name: str, identity: Mapping[str, int]) -> bool:
        entry = self.entries.get(name)
        same = entry is not None and all(entry.get(key) == value for key, value in identity.items())
        return bool(same and entry and self.cache.read(entry['key']) is not None)

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def names(self) -> list[str]:
        """Names of the videos, relative to their folder."""
        return list(self.entries)

    def gone(self) -> list[str]:
        """Names of the videos whose files are not there any more."""
        return [name for name in self.entries if not (self.videos / name).is_file()]

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


def _listed(path: Path) -> dict[str, dict[str, Any]]:
    """Name to line of the videos that a file lists, without lines that are broken."""
    return {row['name']: row for _, row in iterate_jsonl(path) if isinstance(row, dict)}


def _identity(path: Path) -> dict[str, int]:
    """Size and time of change, by which a file is recognised without being read."""
    state = path.stat()
    return {'size': state.st_size, 'changed': state.st_mtime_ns}
