"""Writing packed features: :mod:`mmvmr.datasets.packed_store` says what they are."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

import numpy as np

from mmvmr.structures import FeatureSpec
from mmvmr.utils import write_json

from .feature_stores import Row
from .packed_store import DTYPES, FORMAT, INDEX_FILE, Entry, Pack
from .transforms.loading import LoadMomentFeatures
from .transforms.tef import endpoints

JOURNAL_FILE = 'journal.jsonl'
LAYOUTS = ('ready', 'stored')


class PackSource:
    """Reads the arrays of a pack from other stores, with the checks that training has.

    Args:
        stores: Stream name to store.
        spec: The declared features.
        layout: ``ready`` or ``stored``; see :mod:`mmvmr.datasets.packed_store`.
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
        for name, value, known in (('layout', layout, LAYOUTS), ('dtype', dtype, tuple(DTYPES))):
            if value not in known:
                raise ValueError(f'PackSource: {name}={value!r}, expected one of {known}')
        self.layout, self.dtype, self.declared = layout, dtype, spec
        self.loader = LoadMomentFeatures(duration_tolerance, 'declared' if check_duration else 'duration')
        # Cuts belong to reading, where the pack does not make them: a pack then fits every shorter one.
        uncut = spec if layout == 'ready' else _without_cuts(spec)
        self.loader.bind(SimpleNamespace(stores=stores, feature_spec=dataclasses.replace(uncut, max_clips=None)))

    @property
    def spec(self) -> FeatureSpec:
        """The specification that the pack carries."""
        if self.layout == 'stored':
            return _without_cuts(self.declared)
        streams = tuple(dataclasses.replace(s, stored_normalised=True) for s in self.declared.streams)
        text = dataclasses.replace(self.declared.text, stored_normalised=True)
        return dataclasses.replace(self.declared, streams=streams, text=text)

    def blocks(self) -> dict[str, dict[str, Any]]:
        """What the index says of the blocks, without their entries."""
        streams, text = self.declared.streams, self.declared.text
        blocks = {s.name: _block(s.name, [s], '{vid}') for s in streams}
        if self.layout == 'ready':
            blocks = {'video': _block('video', streams, '{vid}', tef=self.dtype == 'float32')}
        return {**blocks, 'text': _block('text', [text], '{qid}')}

    def arrays(self, block: str, row: Row) -> tuple[np.ndarray, int]:
        """What goes into a block for an annotation row.

        Args:
            block: Name of the block.
            row: Annotation row.

        Returns:
            The rows (L, width) in the precision of the pack, and the number of clips before the cut.

        Raises:
            FileNotFoundError: If features are missing.
            ValueError: If they are damaged, not finite, of another dimension, do not fit the duration, or are too
                large for float16.
        """
        clips = None
        if block == 'text':
            array = self.loader.text(dict(row)) if self.layout == 'ready' else self._stored(block, row)
        elif self.layout == 'stored':
            array = self._stored(block, row)
        else:
            array = self.loader.join(self.loader.streams(dict(row)))
            clips = len(array)
            array = array[: self.declared.max_clips]
            if self.dtype == 'float32':
                array = np.concatenate((array, endpoints(len(array))), axis=1)
        if self.dtype == 'float16' and np.abs(array).max() > np.finfo(np.float16).max:
            raise ValueError(f'block {block!r}, vid {row["vid"]!r}: values too large for float16; use --dtype float32')
        return np.ascontiguousarray(array, DTYPES[self.dtype]), len(array) if clips is None else clips

    def _stored(self, name: str, row: Row) -> np.ndarray:
        spec = self.loader.spec
        stream = next(s for s in (*spec.streams, spec.text) if s.name == name)
        return self.loader.stored(stream, dict(row))


class PackWriter:
    """Writes a pack, and goes on where a killed one has stopped.

    Rows are appended to the files of the blocks, and then a line with place and checksum to a journal. Going on drops
    what has no line, or another checksum than its line says. The index comes last and takes the place of the journal.

    Args:
        folder: The folder of the pack.
        source: What to pack.
        described: Where it comes from, to tell an interrupted packing of something else.
        overwrite: Replace what is there.

    Raises:
        ValueError: If a pack, or a part of another one, is there, or another process is writing it.
    """

    def __init__(self, folder: Path, source: PackSource, described: Any = None, overwrite: bool = False) -> None:
        self.folder, self.source = folder, source
        folder.mkdir(parents=True, exist_ok=True)
        self.blocks = source.blocks()
        # JSON has no tuples: what is compared must have made the same way through it.
        options = {'layout': source.layout, 'dtype': source.dtype, 'spec': source.spec.to_dict(), 'from': described}
        self.options = json.loads(json.dumps(options))
        self._journal = open(folder / JOURNAL_FILE, 'a+', encoding='utf-8')  # noqa: SIM115
        self._files: dict[str, Any] = {}
        try:
            self._claim(overwrite)
            self._resume()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> PackWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files; what was written stays for the next time."""
        for file in (*self._files.values(), self._journal):
            file.close()

    @property
    def resumed(self) -> int:
        """Number of entries that are there."""
        return sum(len(block['entries']) for block in self.blocks.values())

    def _claim(self, overwrite: bool) -> None:
        try:
            fcntl.flock(self._journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(f'{self.folder}: another process is packing into this folder') from None
        index = self.folder / INDEX_FILE
        if overwrite:
            self._journal.truncate(0)
            # Removed, not emptied: a training may have the old ones in its memory.
            streams = [s.name for s in (*self.source.declared.streams, self.source.declared.text)]
            for file in (INDEX_FILE, *(f'{name}.bin' for name in ('video', *streams))):
                (self.folder / file).unlink(missing_ok=True)
        if index.is_file():
            (self.folder / JOURNAL_FILE).unlink()
            raise ValueError(f'{index}: packed features are here already; use --overwrite, or another --out')

    def _resume(self) -> None:
        self._journal.seek(0)
        lines = self._journal.read().splitlines(keepends=True)
        whole = [json.loads(line) for line in lines if line.endswith('\n')]
        if whole and whole[0] != self.options:
            raise ValueError(
                f'{self.folder}: an interrupted packing with other options or of other features is here; use '
                '--overwrite, or another --out'
            )
        for name, block in self.blocks.items():
            if not whole and (self.folder / block['file']).exists():
                raise ValueError(f'{self.folder / block["file"]}: not of an interrupted packing; use another --out')
            self._files[name] = open(self.folder / block['file'], 'a+b', buffering=0)  # noqa: SIM115
            block['rows'] = 0
        for name, entry_name, *place in whole[1:]:
            if not self._intact(name, Entry(*place)):
                break
            self.blocks[name]['entries'][entry_name] = place
            self.blocks[name]['rows'] = place[0] + place[1]
        self._rewrite()

    def _intact(self, name: str, entry: Entry) -> bool:
        size = self._row_size(name)
        self._files[name].seek(entry.first * size)
        return (
            entry.first == self.blocks[name]['rows']
            and zlib.crc32(self._files[name].read(entry.length * size)) == entry.checksum
        )

    def _rewrite(self) -> None:
        """Leave exactly what is intact in files and journal."""
        for name, file in self._files.items():
            file.truncate(self.blocks[name]['rows'] * self._row_size(name))
        self._journal.truncate(0)
        self._write_line(self.options)
        for name, block in self.blocks.items():
            for entry, place in block['entries'].items():
                self._write_line([name, entry, *place])

    def _row_size(self, name: str) -> int:
        return self.blocks[name]['width'] * np.dtype(DTYPES[self.source.dtype]).itemsize

    def _write_line(self, value: Any) -> None:
        self._journal.write(json.dumps(value) + '\n')
        self._journal.flush()

    def add(self, row: Row) -> None:
        """Pack the video and the sentence of an annotation row, unless they are there.

        Args:
            row: Annotation row.

        Raises:
            FileNotFoundError: See :meth:`PackSource.arrays`.
            ValueError: See :meth:`PackSource.arrays`.
        """
        for name, block in self.blocks.items():
            if row.get(block['template'].strip('{}')) is None:  # a file of a folder is a video or a sentence
                continue
            key = block['template'].format_map(row)
            if key in block['entries']:
                continue
            array, clips = self.source.arrays(name, row)
            data = array.tobytes()
            if self._files[name].write(data) != len(data):
                raise OSError(f'{self.folder / block["file"]}: the disk is full')
            place = [block['rows'], len(array), zlib.crc32(data), clips]
            block['entries'][key] = place
            block['rows'] += len(array)
            self._write_line([name, key, *place])

    def finish(self) -> Pack:
        """Write the index.

        Returns:
            The pack, which has been opened and checked.
        """
        for file in self._files.values():
            os.fsync(file.fileno())
        blocks = {n: {k: v for k, v in block.items() if k != 'rows'} for n, block in self.blocks.items()}
        index = {'format': FORMAT, 'dtype': self.source.dtype, 'layout': self.source.layout}
        write_json(self.folder / INDEX_FILE, {**index, 'feature_spec': self.source.spec.to_dict(), 'blocks': blocks})
        (self.folder / JOURNAL_FILE).unlink()
        return Pack(self.folder)


def check_names(rows: Iterable[Row]) -> None:
    """Make sure that no two sentences have the same name: one would get the words of the other.

    Args:
        rows: Annotation rows of all splits.

    Raises:
        ValueError: If two rows have the same qid and different sentences.
    """
    sentences: dict[str, str] = {}
    for row in rows:
        qid, query = str(row['qid']), row.get('query')
        if sentences.setdefault(qid, query) != query:
            raise ValueError(
                f'qid {qid} stands for {sentences[qid]!r} in one split and for {query!r} in another: pack the splits '
                'into a folder each (--splits train --out ...)'
            )


def _block(name: str, streams: Sequence[Any], template: str, tef: bool = False) -> dict[str, Any]:
    ends = np.cumsum([0, *(s.dim for s in streams)]).tolist()
    columns = {s.name: ends[i : i + 2] for i, s in enumerate(streams)}
    width = ends[-1] + (2 if tef else 0)
    return {'file': f'{name}.bin', 'width': width, 'columns': columns, 'template': template, 'entries': {}}


def _without_cuts(spec: FeatureSpec) -> FeatureSpec:
    streams = tuple(dataclasses.replace(s, max_length=None) for s in spec.streams)
    return dataclasses.replace(
        spec, streams=streams, text=dataclasses.replace(spec.text, max_length=None), max_clips=None
    )
