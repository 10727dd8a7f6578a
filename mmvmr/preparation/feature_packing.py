"""Writing packed features; see :mod:`mmvmr.datasets.stores.packed_store` for the format."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from mmvmr.datasets.stores.packed_store import FORMAT, INDEX_FILE, Entry, Pack, checksum
from mmvmr.datasets.transforms.loading import LoadMomentFeatures
from mmvmr.structures import FeatureSpec
from mmvmr.structures.feature_spec import StreamSpec
from mmvmr.utils import check_choice, write_json
from mmvmr.utils.arrays import endpoints

Row = dict[str, Any]
DTYPES = ('float32', 'float16')
LAYOUTS = ('ready', 'stored')


class PackSource:
    """Reader of the vectors of a pack from other stores, with the checks that training has.

    Args:
        stores: Stream name to store.
        spec: The declared features.
        layout: ``ready`` or ``stored``; see :mod:`mmvmr.datasets.stores.packed_store`.
        dtype: ``float32`` or ``float16``.
        check_duration: Compare the number of clips with the duration of the row.
        duration_tolerance: See :class:`mmvmr.datasets.LoadMomentFeatures`.

    Raises:
        ValueError: If an option is unknown.
    """

    def __init__(
        self,
        stores: Mapping[str, Any],
        spec: FeatureSpec,
        layout: str = 'ready',
        dtype: str = 'float32',
        check_duration: bool = True,
        duration_tolerance: float = 0.1,
    ) -> None:
        self.layout = check_choice(self, 'layout', layout, LAYOUTS)
        self.dtype = check_choice(self, 'dtype', dtype, DTYPES)
        # Stored vectors are cut when they are read, so that the pack fits every shorter specification too.
        change: dict[str, Any] = {'stored_normalised': True} if layout == 'ready' else {'max_length': None}
        self.streams = tuple(dataclasses.replace(stream, **change) for stream in spec.streams)
        self.text = dataclasses.replace(spec.text, **change)
        self.spec = dataclasses.replace(
            spec, streams=self.streams, text=self.text, max_clips=spec.max_clips if layout == 'ready' else None
        )
        self.loader = LoadMomentFeatures(duration_tolerance, 'declared' if check_duration else 'duration')
        # The number of clips before the cut to max_clips is packed too.
        self.loader.bind(SimpleNamespace(stores=stores, feature_spec=dataclasses.replace(self.spec, max_clips=None)))

    def blocks(self) -> dict[str, Sequence[StreamSpec]]:
        """Block name to the streams whose columns it holds."""
        videos = {'video': self.streams} if self.layout == 'ready' else {s.name: [s] for s in self.streams}
        return {**videos, 'text': [self.text]}

    def vectors(self, block: str, row: Row) -> tuple[np.ndarray, int]:
        """Read the vectors of an annotation row for a block.

        Returns:
            Shape (L, width) in the precision of the pack, and the number of clips before the cut to ``max_clips``.

        Raises:
            FileNotFoundError: If features are missing.
            ValueError: If they are damaged, not finite, of another dimension, do not fit the duration, or are too
                large for float16.
        """
        if self.layout == 'stored':
            array = self.loader.stored(self.blocks()[block][0], row)
        else:
            array = self.loader.text(row) if block == 'text' else self.loader.join(self.loader.streams(row))
        clips = len(array)
        if block == 'video' and self.layout == 'ready':
            array = array[: self.spec.max_clips]
            if self.dtype == 'float32':
                array = np.concatenate((array, endpoints(len(array))), axis=1)
        with np.errstate(over='ignore'):
            packed = np.ascontiguousarray(array, np.dtype(self.dtype).newbyteorder('<'))
        whole = bool((array == np.rint(array)).all())  # token numbers, say, have to stay the same
        if not np.isfinite(packed).all() or (whole and (array != packed).any()):
            raise ValueError(
                f'block {block!r}, vid {row["vid"]!r}, qid {row["qid"]!r}: values that float16 cannot hold; use '
                '--dtype float32'
            )
        return packed, clips


class _BlockFile:
    """Growing ``.npy`` file with the entries of its block."""

    def __init__(self, path: Path, streams: Sequence[StreamSpec]) -> None:
        self.path, self.rows, self.entries = path, 0, dict[str, Entry]()
        ends = np.cumsum([0, *(stream.dim for stream in streams)]).tolist()
        self.columns = {stream.name: ends[i : i + 2] for i, stream in enumerate(streams)}
        self.key = 'qid' if streams[0].name == 'text' else 'vid'
        self.part = path.with_name(f'{path.name}.part')
        self.file = self.part.open('wb')
        self.header: dict[str, Any] = {'descr': '<f4', 'fortran_order': False, 'shape': (0, ends[-1])}

    def _write_header(self) -> None:
        self.file.seek(0)  # numpy leaves room in the header for a first axis that grows
        np.lib.format.write_array_header_1_0(self.file, self.header)

    def add(self, name: str, vectors: np.ndarray, clips: int) -> None:
        self.header |= {'descr': vectors.dtype.str, 'shape': (self.rows + len(vectors), vectors.shape[1])}
        if not self.rows:
            self._write_header()
        self.file.write(vectors.data)
        self.entries[name] = Entry(self.rows, len(vectors), checksum(name, clips, vectors), clips)
        self.rows += len(vectors)

    def finish(self) -> dict[str, Any]:
        self._write_header()
        self.file.flush()
        os.fsync(self.file.fileno())
        return {'file': self.path.name, 'key': self.key, 'columns': self.columns, 'entries': self.entries}


def write_pack(folder: Path, source: PackSource, rows: Iterable[Row], overwrite: bool = False) -> Pack:
    """Pack the videos and sentences of annotation rows.

    A packing that fails or is killed leaves no pack, or the one that was there before.

    Args:
        folder: Folder of the pack.
        source: Reader of the vectors.
        rows: Annotation rows; ``vid`` or ``qid`` may be None, for only a sentence or a video.
        overwrite: Replace the pack that is there, which stays readable until the new one is complete.

    Raises:
        FileNotFoundError: See :meth:`PackSource.vectors`.
        ValueError: If there is a pack already, another process is writing one, or see :meth:`PackSource.vectors`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / INDEX_FILE
    with contextlib.ExitStack() as stack:
        handle = os.open(folder, os.O_RDONLY)
        stack.callback(os.close, handle)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(f'{folder}: another process is packing into this folder') from None
        if index.is_file() and not overwrite:
            raise ValueError(f'{index}: packed features are here already; use --overwrite, or another --out')
        blocks = {name: _BlockFile(folder / f'{name}.npy', streams) for name, streams in source.blocks().items()}
        for block in blocks.values():
            stack.callback(block.part.unlink, missing_ok=True)
            stack.callback(block.file.close)
        for row in rows:
            for name, block in blocks.items():
                entry = row.get(block.key)
                if entry is not None and str(entry) not in block.entries:
                    block.add(str(entry), *source.vectors(name, row))
        described = {name: block.finish() for name, block in blocks.items()}
        with contextlib.suppress(FileNotFoundError, ValueError):  # only a pack that can be read is cleared away
            replaced = [block.path for block in Pack(folder).blocks.values()]
            index.unlink()  # until the new one is there, no index describes files of another pack
            for path in replaced:  # removed, not emptied: a training may have mapped them
                path.unlink()
        for block in blocks.values():
            block.part.replace(block.path)
        head = {'format': FORMAT, 'layout': source.layout, 'feature_spec': source.spec.to_dict()}
        write_json(index, {**head, 'blocks': described})
    return Pack(folder)


def check_unique_sentences(rows: Iterable[Row]) -> None:
    """Make sure that no two sentences of all splits have one qid: one would get the text tokens of the other."""
    sentences: dict[str, Any] = {}
    for row in rows:
        qid, query = str(row['qid']), row.get('query')
        if sentences.setdefault(qid, query) != query:
            raise ValueError(
                f'qid {qid} stands for {sentences[qid]!r} in one split and for {query!r} in another: pack the splits '
                'into a folder each (--splits train --out ...)'
            )
