"""The folder of extracted features: paths of files, which of them are done, and the settings they were made with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmvmr.datasets.moment_dataset import SPEC_FILE
from mmvmr.features.spec import TEXT, ExtractionSpec
from mmvmr.structures import FeatureSpec
from mmvmr.utils import atomic_write, check_choice, read_json, write_json
from mmvmr.utils.arrays import read_npz
from mmvmr.utils.paths import inside

RECORD_FILE = 'extraction.json'
VIDEO_KEY = 'features'
TEXT_KEYS = ('last_hidden_state', 'pooler_output')
#: Array with the sentence itself: annotations number anew, or are corrected, and a file is named by its qid alone.
SENTENCE_KEY = 'query'
DTYPES = {'float16': np.float16, 'float32': np.float32}


class FeatureFolder:
    """Reads and writes ``<folder of the stream>/<vid>.npz`` and ``<folder of the text>/qid<qid>.npz``.

    Args:
        root: The folder; it can be the ``data_root`` of a config.
        spec: What is extracted.
        dtype: ``float16``, as published features are stored, or ``float32``.
    """

    def __init__(self, root: str | os.PathLike[str], spec: ExtractionSpec, dtype: str = 'float16') -> None:
        check_choice(self, 'dtype', dtype, DTYPES)
        self.root, self.spec, self.dtype = Path(root), spec, dtype
        self._recorded = False

    def check(self) -> None:
        """Check that files may go here; the first one that is written says with what they are made.

        Raises:
            ValueError: If the folder has features that were made in another way, or nobody knows how.
        """
        mine, record, marker = self._settings(), self.root / RECORD_FILE, self.root / SPEC_FILE
        theirs = read_json(record) if record.is_file() else None
        issue = None if theirs == mine else self._occupied(theirs, mine)
        if issue is None and theirs is None and marker.is_file():
            others = FeatureSpec.from_dict(read_json(marker))
            issue = '; '.join(self.spec.features.differences(others, 'asked for', 'there')) or None
        if issue is not None:
            raise ValueError(
                f'{self.root}: other features are here already: {issue}. Use another --out, or remove them'
            )

    def _settings(self) -> dict[str, Any]:
        return {**self.spec.to_dict(), 'dtype': self.dtype}

    def _record(self) -> None:
        """Write down what the files are made with, before the first one is there."""
        if not self._recorded:
            write_json(self.root / SPEC_FILE, self.spec.features.to_dict())
            write_json(self.root / RECORD_FILE, self._settings())
            self._recorded = True

    def _occupied(self, theirs: Mapping[str, Any] | None, mine: Mapping[str, Any]) -> str | None:
        names = {*self.spec.folders.values(), *(theirs or {}).get('folders', {}).values()}
        files = (self.root / name for name in sorted(names))
        if not any(next(folder.rglob('*.npz'), None) for folder in files):
            return None
        return f'there is no {RECORD_FILE} that says how they were made' if theirs is None else _change(theirs, mine)

    def path(self, name: str, item: Any) -> Path:
        """The file of a video or sentence.

        Args:
            name: Name of the stream, or ``text``.
            item: ``vid`` or ``qid``.

        Returns:
            Its path, which is inside the folder of the stream.

        Raises:
            ValueError: If the name leads out of it.
        """
        file = f'qid{item}.npz' if name == TEXT else f'{item}.npz'
        return inside(self.root / self.spec.folders[name], file)

    def issue(self, name: str, item: Any, sentence: str | None = None) -> str | None:
        """Why a file is not done.

        Args:
            name: Name of the stream, or ``text``.
            item: ``vid`` or ``qid``.
            sentence: The sentence that the qid stands for.

        Returns:
            ``absent``, or what is wrong with it; None for a file that is complete and fits the specification.

        Raises:
            ValueError: If the file is of another sentence. One of an earlier version does not say its sentence.
        """
        path = self.path(name, item)
        if not path.is_file():
            return 'absent'
        try:
            arrays = read_npz(path)  # compares the checksums
        except (OSError, ValueError) as error:
            return f'it cannot be read: {error}'
        key = TEXT_KEYS[0] if name == TEXT else VIDEO_KEY
        if key not in arrays:
            return f'it has no array {key!r}'
        vectors = arrays[key]
        if vectors.ndim != 2 or not len(vectors) or vectors.shape[1] != self.spec.dim(name):
            return f'its shape is {vectors.shape}, expected (length, {self.spec.dim(name)})'
        if vectors.dtype != DTYPES[self.dtype]:
            return f'it is {vectors.dtype}, expected {self.dtype}'
        if not all(np.isfinite(array).all() for name, array in arrays.items() if name != SENTENCE_KEY):
            return 'it has NaN or infinite values'
        if sentence is not None and (there := str(arrays.get(SENTENCE_KEY, sentence))) != sentence:
            raise ValueError(
                f'{path}: these are the features of {there!r}, and qid {item} stands for {sentence!r} now; make every '
                'qid unique or use another --out, or remove the file where the sentence was corrected'
            )
        return None

    def write(self, name: str, item: Any, *arrays: np.ndarray, sentence: str | None = None) -> None:
        """Write a file, completely or not at all.

        Args:
            name: Name of the stream, or ``text``.
            item: ``vid`` or ``qid``.
            *arrays: The vectors (clips, dim); for text the tokens (L, dim) and the vector of the sentence (dim',).
            sentence: The sentence itself, for text.

        Raises:
            ValueError: If a number is too large for float16.
        """
        keys = TEXT_KEYS if name == TEXT else (VIDEO_KEY,)
        if self.dtype == 'float16' and any(np.abs(a).max() > np.finfo(np.float16).max for a in arrays):
            raise ValueError(f'{name} of {item}: values too large for float16; use --dtype float32')
        stored = {key: array.astype(DTYPES[self.dtype]) for key, array in zip(keys, arrays)}
        if sentence is not None:
            stored[SENTENCE_KEY] = np.array(sentence)
        self._record()
        with atomic_write(self.path(name, item)) as tmp:
            np.savez(tmp, **stored)

    def find(self, task: Any) -> None:
        """Nothing: tasks name only streams that are not done."""

    def put(self, task: Any, streams: Mapping[str, np.ndarray], duration: float) -> dict[str, Any]:
        """Write the streams of a video; see :class:`mmvmr.features.jobs.Store`."""
        for name, array in streams.items():
            self.write(name, task.vid, array)
        return {'clips': {name: len(array) for name, array in streams.items()}}


def _change(theirs: Mapping[str, Any], mine: Mapping[str, Any], prefix: str = '') -> str:
    """The first value that is not the same."""
    key = next(k for k in (*mine, *theirs) if mine.get(k) != theirs.get(k))
    there, here = theirs.get(key), mine.get(key)
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        return _change(there, here, f'{prefix}{key}.')
    return f'{prefix}{key} is {there!r} there, {here!r} asked for'
