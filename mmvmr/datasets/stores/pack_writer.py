"""Writing packed features: :mod:`mmvmr.datasets.stores.packed_store` says what they are."""

from __future__ import annotations

import dataclasses
import fcntl
import itertools
import json
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

import numpy as np

from mmvmr.datasets.stores.feature_stores import Row
from mmvmr.datasets.stores.packed_store import DTYPES, FORMAT, INDEX_FILE, Pack
from mmvmr.datasets.transforms.loading import LoadMomentFeatures
from mmvmr.datasets.transforms.tef import endpoints
from mmvmr.structures import FeatureSpec
from mmvmr.structures.feature_spec import StreamSpec
from mmvmr.utils import check_choice, read_json, write_json

JOURNAL_FILE = 'journal.jsonl'
LAYOUTS = ('ready', 'stored')


class PackSource:
    """Reads the arrays of a pack from other stores, with the checks that training has.

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
        for name, value, known in (('layout', layout, LAYOUTS), ('dtype', dtype, tuple(DTYPES))):
            check_choice(self, name, value, known)
        self.layout, self.dtype, self.declared = layout, dtype, spec
        self.loader = LoadMomentFeatures(duration_tolerance, 'declared' if check_duration else 'duration')
        # The number of clips before the cut to max_clips is packed too.
        self.loader.bind(SimpleNamespace(stores=stores, feature_spec=dataclasses.replace(self.spec, max_clips=None)))

    @property
    def spec(self) -> FeatureSpec:
        """The specification that the pack carries."""
        if self.layout == 'stored':  # cuts belong to reading: the pack then fits every shorter specification too
            return _without_cuts(self.declared)
        streams = tuple(dataclasses.replace(s, stored_normalised=True) for s in self.declared.streams)
        text = dataclasses.replace(self.declared.text, stored_normalised=True)
        return dataclasses.replace(self.declared, streams=streams, text=text)

    def blocks(self) -> dict[str, dict[str, Any]]:
        """Description of the blocks in the index, without their entries."""
        streams, text = self.declared.streams, self.declared.text
        blocks = {s.name: _block([s], 'vid') for s in streams}
        if self.layout == 'ready':
            blocks = {'video': _block(streams, 'vid', tef=self.dtype == 'float32')}
        return {**blocks, 'text': _block([text], 'qid')}

    def arrays(self, block: str, row: Row) -> tuple[np.ndarray, int]:
        """Arrays of a block for an annotation row.

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
        with np.errstate(over='ignore'):
            packed = np.ascontiguousarray(array, DTYPES[self.dtype])
        if self.dtype == 'float16' and _lost(array, packed):
            raise ValueError(
                f'block {block!r}, vid {row["vid"]!r}, qid {row["qid"]!r}: values that float16 cannot hold; use '
                '--dtype float32'
            )
        return packed, len(array) if clips is None else clips

    def _stored(self, name: str, row: Row) -> np.ndarray:
        spec = self.loader.spec
        stream = next(s for s in (*spec.streams, spec.text) if s.name == name)
        return self.loader.stored(stream, dict(row))


class PackWriter:
    """Writes a pack, and goes on where a killed one has stopped.

    Rows are appended to the files of the blocks, and then a line with place and checksum to a journal. Going on drops
    what has no line, or another checksum than its line says. The index comes last; a pack that is replaced stays
    readable until then, because the files of the new one have other names.

    Args:
        folder: The folder of the pack.
        source: What to pack.
        described: Where it comes from, to tell an interrupted packing of something else.
        overwrite: Replace the pack that is there; begin anew where a packing was interrupted.

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
        self._journal = open(folder / JOURNAL_FILE, 'a+b', buffering=0)  # noqa: SIM115
        self._files: dict[str, Any] = {}
        try:
            self._claim()
            self._resume(*self._begun(overwrite))
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

    def _claim(self) -> None:
        journal = self.folder / JOURNAL_FILE
        try:
            fcntl.flock(self._journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A process that has finished in between took the journal away.
            free = os.path.samestat(os.fstat(self._journal.fileno()), journal.stat())
        except OSError:
            free = False
        if not free:
            raise ValueError(f'{self.folder}: another process is packing into this folder')

    def _begun(self, overwrite: bool) -> tuple[dict[str, Any], list[bytes]]:
        """First line and other lines of the journal; a new one where nothing was begun."""
        self._journal.seek(0)
        first, *lines = self._journal.read().splitlines(keepends=True) or [b'']
        header = _parsed(first)
        index = self.folder / INDEX_FILE
        if header is not None and overwrite:
            for name in header['files'].values():
                (self.folder / name).unlink(missing_ok=True)
        elif header is not None:
            if header['options'] != self.options:
                raise ValueError(
                    f'{self.folder}: an interrupted packing with other options or of other features is here; use '
                    '--overwrite, or another --out'
                )
            return header, lines
        elif index.is_file() and not overwrite:
            (self.folder / JOURNAL_FILE).unlink()
            raise ValueError(f'{index}: packed features are here already; use --overwrite, or another --out')
        replaced = [block['file'] for block in read_json(index)['blocks'].values()] if index.is_file() else []
        header = {'options': self.options, 'replaces': replaced, 'files': {n: self._new_name(n) for n in self.blocks}}
        self._journal.truncate(0)
        self._write_line(header)
        return header, []

    def _new_name(self, block: str) -> str:
        names = (f'{block}.{number}.bin' if number else f'{block}.bin' for number in itertools.count())
        return next(name for name in names if not (self.folder / name).exists())

    def _resume(self, header: dict[str, Any], lines: Sequence[bytes]) -> None:
        self._replaced = header['replaces']
        for name, block in self.blocks.items():
            block['file'] = header['files'][name]
            block['rows'] = 0
            self._files[name] = open(self.folder / block['file'], 'a+b', buffering=0)  # noqa: SIM115
        length = len(_line(header))
        for line in lines:
            entry = _parsed(line)
            if entry is None or not self._intact(*entry):
                break
            name, key, *place = entry
            self._enter(name, key, place)
            length += len(line)
        self._journal.truncate(length)
        for name, file in self._files.items():
            file.truncate(self.blocks[name]['rows'] * self._row_size(name))

    def _intact(self, name: str, key: str, first: int, length: int, checksum: int, clips: int) -> bool:
        size = self._row_size(name)
        self._files[name].seek(first * size)
        return first == self.blocks[name]['rows'] and zlib.crc32(self._files[name].read(length * size)) == checksum

    def _enter(self, name: str, key: str, place: Sequence[int]) -> None:
        self.blocks[name]['entries'][key] = place
        self.blocks[name]['rows'] += place[1]

    def _row_size(self, name: str) -> int:
        return self.blocks[name]['width'] * np.dtype(DTYPES[self.source.dtype]).itemsize

    def _write_line(self, value: Any) -> None:
        self._journal.write(_line(value))

    def add(self, row: Row) -> None:
        """Pack the video and the sentence of an annotation row, unless they are there.

        Args:
            row: Annotation row; without ``vid``, or without ``qid``, only the other one.

        Raises:
            FileNotFoundError: See :meth:`PackSource.arrays`.
            ValueError: See :meth:`PackSource.arrays`.
        """
        for name, block in self.blocks.items():
            if row.get(block['key']) is None:
                continue
            key = str(row[block['key']])
            if key in block['entries']:
                continue
            array, clips = self.source.arrays(name, row)
            data = array.tobytes()
            if (written := self._files[name].write(data)) != len(data):
                path = self.folder / block['file']
                raise OSError(f'{path}: only {written} of {len(data)} bytes could be written; is the disk full?')
            place = [block['rows'], len(array), zlib.crc32(data), clips]
            self._enter(name, key, place)
            self._write_line([name, key, *place])

    def finish(self) -> Pack:
        """Write the index, and remove the files of a pack that was replaced.

        Returns:
            The pack, which has been opened and checked.
        """
        for file in self._files.values():
            os.fsync(file.fileno())
        blocks = {n: {k: v for k, v in block.items() if k != 'rows'} for n, block in self.blocks.items()}
        index = {'format': FORMAT, 'dtype': self.source.dtype, 'layout': self.source.layout}
        write_json(self.folder / INDEX_FILE, {**index, 'feature_spec': self.source.spec.to_dict(), 'blocks': blocks})
        # Removed, not emptied: a training may have them in its memory.
        for name in {*self._replaced} - {block['file'] for block in blocks.values()}:
            (self.folder / name).unlink(missing_ok=True)
        (self.folder / JOURNAL_FILE).unlink()
        return Pack(self.folder)


def _lost(array: np.ndarray, packed: np.ndarray) -> bool:
    """Check whether values have become infinite, or whole numbers (of tokens, say) others."""
    return not np.isfinite(packed).all() or bool((array == np.rint(array)).all() and (array != packed).any())


def _line(value: Any) -> bytes:
    return json.dumps(value).encode() + b'\n'


def _parsed(line: bytes) -> Any:
    """Parse a line of the journal; None for one that was not written to its end."""
    try:
        return json.loads(line) if line.endswith(b'\n') else None
    except ValueError:
        return None


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


def _block(streams: Sequence[StreamSpec], key: str, tef: bool = False) -> dict[str, Any]:
    ends = np.cumsum([0, *(s.dim for s in streams)]).tolist()
    columns = {s.name: ends[i : i + 2] for i, s in enumerate(streams)}
    width = ends[-1] + (2 if tef else 0)
    return {'width': width, 'columns': columns, 'key': key, 'entries': {}}


def _without_cuts(spec: FeatureSpec) -> FeatureSpec:
    streams = tuple(dataclasses.replace(s, max_length=None) for s in spec.streams)
    return dataclasses.replace(
        spec, streams=streams, text=dataclasses.replace(spec.text, max_length=None), max_clips=None
    )
