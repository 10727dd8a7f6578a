"""Features of videos on disk, by content and specification: nothing is extracted twice."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mmvmr.features.spec import ExtractionSpec
from mmvmr.utils.arrays import read_npy
from mmvmr.utils.io import read_json, write_json

_RECORD = 'record.json'


def default_cache_dir() -> Path:
    """``$MMVMR_CACHE``, or ``mmvmr`` in the cache folder of the user."""
    if folder := os.environ.get('MMVMR_CACHE'):
        return Path(folder).expanduser()
    return Path(os.environ.get('XDG_CACHE_HOME') or '~/.cache').expanduser() / 'mmvmr'


class FeatureCache:
    """One folder per video content and extraction, with one ``.npy`` file per stream.

    Entries are complete or absent: they are written to a temporary name and renamed. Arrays are mapped into memory, so
    a long video needs as much memory as is looked at.

    Args:
        root: The folder of the cache.
        spec: What is extracted.
    """

    def __init__(self, root: Path, spec: ExtractionSpec) -> None:
        self.root = root
        text = json.dumps(spec.to_dict(), sort_keys=True)
        self.spec_digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        self.streams = spec.streams

    def key(self, video: Path) -> str:
        """Name of the entry of a video file: digests of its content and of the specification."""
        return f'{content_digest(video)}-{self.spec_digest}'

    def read(self, key: str) -> tuple[dict[str, np.ndarray], float] | None:
        """Streams of an entry.

        Args:
            key: See :meth:`key`.

        Returns:
            Stream name to array (clips, dim), and the duration in seconds; None where there is no intact entry.
        """
        folder = self.root / key
        try:
            record = read_json(folder / _RECORD)
            arrays = {name: read_npy(folder / f'{name}.npy', mmap=True) for name in self.streams}
            if any(list(arrays[name].shape) != record['shapes'][name] for name in self.streams):
                return None
            return arrays, float(record['duration'])
        except (OSError, ValueError, KeyError, TypeError, EOFError):
            return None

    def write(self, key: str, streams: dict[str, np.ndarray], duration: float, source: str) -> None:
        """Store an entry.

        Args:
            key: See :meth:`key`.
            streams: Stream name to array.
            duration: Length of the video in seconds.
            source: Name of the video file, for people who look into the folder.
        """
        with self._new_entry(key) as folder:
            for name, array in streams.items():
                np.save(folder / f'{name}.npy', array)
            shapes: dict[str, Any] = {name: list(array.shape) for name, array in streams.items()}
            write_json(folder / _RECORD, {'duration': duration, 'shapes': shapes, 'source': source})

    @contextlib.contextmanager
    def _new_entry(self, key: str) -> Iterator[Path]:
        self.root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix='.new-', dir=self.root))
        try:
            yield folder
            target = self.root / key
            if target.is_dir():  # damaged, or written by another process in the meantime
                shutil.rmtree(target, ignore_errors=True)
            with contextlib.suppress(OSError):  # another process was faster: its entry is the same
                folder.rename(target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def content_digest(path: Path) -> str:
    """Digest of the content of a file, 128 bits as hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open('rb') as stream:
        while block := stream.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()
