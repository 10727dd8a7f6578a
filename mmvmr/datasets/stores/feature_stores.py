"""Feature stores: where the vectors of a stream lie.

A store answers ``read(row)`` with the stored array of an annotation row and ``missing(rows)`` with what it lacks.
Files are named by a template over the keys of the row (``{vid}.npz``, ``qid{qid}.npz``), so video and text streams
use the same stores.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmvmr.registry import TASK_UTILS
from mmvmr.utils import check_choice
from mmvmr.utils.arrays import NpzArrays, read_hdf5_array, read_npy
from mmvmr.utils.checkpoint import load_tensors
from mmvmr.utils.content import foreign_content, reason, regular_file

Row = Mapping[str, Any]
# What the published archives call their arrays.
KEYS = ('features', 'last_hidden_state')


@TASK_UTILS.register_module()
class FolderStore:
    """One file per video or query: ``.npz``, ``.npy`` or ``.pt``.

    Args:
        folder: The folder, relative to ``data_root``.
        template: File name; ``{key}`` stands for a key of the annotation row. The suffix tells the format.
        key: Array inside an ``.npz`` file or a dict of tensors; None takes ``features`` or ``last_hidden_state``,
            whichever is there.
        data_root: Root of the data set.
    """

    def __init__(self, folder: str, template: str = '{vid}.npz', key: str | None = None, data_root: str = '') -> None:
        self.folder = Path(data_root, folder)
        self.template = template
        self.key = key
        suffix = Path(template).suffix
        self._read = _READERS[check_choice(f'FolderStore: template {template!r}', 'suffix', suffix, sorted(_READERS))]

    @property
    def where(self) -> str:
        """How a message calls this store."""
        return str(self.folder.absolute())

    def path(self, row: Row) -> Path:
        """The file of an annotation row."""
        return self.folder / self.template.format_map(row)

    def read(self, row: Row) -> np.ndarray:
        """Read the array of an annotation row, as stored.

        Args:
            row: Annotation row.

        Returns:
            The array, usually (L, D) in float16 or float32.

        Raises:
            FileNotFoundError: If the file is absent.
            ValueError: If the file is truncated, of another format or has no such key.
        """
        path = self.path(row)
        try:
            return self._read(path, self.key)
        except FileNotFoundError:
            raise FileNotFoundError(
                f'{path.absolute()}: no features for {_id(row)}; check the folder and the template {self.template!r}'
            ) from None
        except (OSError, ValueError) as error:
            found = reason(error).removeprefix(f'{path}: ')
            raise ValueError(
                f'{path.absolute()}: the features of {_id(row)} cannot be read: {found}. '
                'If the file is truncated, delete it and extract or convert it again'
            ) from error

    def missing(self, rows: Iterable[Row]) -> list[str]:
        """Names of the files that are absent, without opening any.

        Args:
            rows: Annotation rows.

        Returns:
            The names in the order of the rows, each once.
        """
        names = dict.fromkeys(self.template.format_map(row) for row in rows)
        if os.sep in self.template:
            return [name for name in names if not (self.folder / name).is_file()]
        present = set(os.listdir(self.folder)) if self.folder.is_dir() else set()
        return [name for name in names if name not in present]


@TASK_UTILS.register_module()
class HDF5Store:
    """One HDF5 file with an array per video or query. Needs ``h5py``.

    Args:
        file: The file, relative to ``data_root``.
        template: Name of the data set inside the file; ``{key}`` stands for a key of the annotation row.
        key: Array inside a group of that name; None when the name is the array itself.
        data_root: Root of the data set.
    """

    def __init__(self, file: str, template: str = '{vid}', key: str | None = None, data_root: str = '') -> None:
        self.file = Path(data_root, file)
        self.template = template if key is None else f'{template}/{key}'
        self._opened: tuple[int, Any] | None = None

    @property
    def where(self) -> str:
        """How a message calls this store."""
        return str(self.file.absolute())

    def _handle(self) -> Any:
        # An open file must not cross a fork: every worker process opens its own.
        if self._opened is None or self._opened[0] != os.getpid():
            try:
                import h5py
            except ImportError:
                raise ImportError(f'{self.where}: reading HDF5 needs h5py: pip install h5py') from None
            source = regular_file(self.file)
            try:
                self._opened = (os.getpid(), h5py.File(source, 'r'))
            except OSError as error:
                found = foreign_content(source) or f'{reason(error)}. Is it truncated?'
                raise ValueError(f'{self.where}: cannot be read as HDF5: {found}') from error
        return self._opened[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, '_opened': None}

    def read(self, row: Row) -> np.ndarray:
        """Read the array of an annotation row, as stored.

        Args:
            row: Annotation row.

        Returns:
            The array, usually (L, D).

        Raises:
            FileNotFoundError: If the file or the entry is absent.
            ValueError: If the file is damaged.
        """
        name, handle = self.template.format_map(row), self._handle()
        if name not in handle:
            raise FileNotFoundError(f'{self.where}: no entry {name!r}, the features of {_id(row)}')
        try:
            return read_hdf5_array(handle, name)
        except ValueError as error:
            raise ValueError(f'{self.where}: {error}') from None

    def missing(self, rows: Iterable[Row]) -> list[str]:
        """Names of the entries that are absent.

        Args:
            rows: Annotation rows.

        Returns:
            The names in the order of the rows, each once.
        """
        names = dict.fromkeys(self.template.format_map(row) for row in rows)
        if not self.file.is_file():
            return list(names)
        handle = self._handle()
        return [name for name in names if name not in handle]


def _at_spaces(sentence: str) -> list[str]:
    return sentence.lower().split()


def _at_punctuation(sentence: str) -> list[str]:
    kept = re.sub(r"([.,()!?'])", r' \1 ', sentence.lower())
    return re.sub(r'[;:]', ' ', kept.replace('"', '')).split()


_SPLITS = {'space': _at_spaces, 'punctuation': _at_punctuation}


@TASK_UTILS.register_module()
class WordVectorStore:
    """Tokens of a sentence from a table of word vectors (GloVe), as the VGG settings of Charades-STA use them.

    Words are lower-cased; one that the table lacks has the zero vector.

    Args:
        file: Text file with a word and its numbers per line, or an ``.npz`` with the arrays ``words`` (N,) and
            ``vectors`` (N, dim); relative to ``data_root``.
        dim: Dimension of a vector.
        split: What separates words: ``space``; or also ``punctuation``, whose marks are words of their own or go, as
            torchtext's ``basic_english`` does (SnAG).
        data_root: Root of the data set.

    Raises:
        ValueError: If ``split`` is unknown.
    """

    def __init__(self, file: str, dim: int = 300, split: str = 'space', data_root: str = '') -> None:
        check_choice(self, 'split', split, _SPLITS)
        self.file = Path(data_root, file)
        self.dim = dim
        self.split = _SPLITS[split]
        self._table: dict[str, np.ndarray] = {}
        self._looked_up: set[str] = set()

    @property
    def where(self) -> str:
        """How a message calls this store."""
        return str(self.file.absolute())

    def read(self, row: Row) -> np.ndarray:
        """Vectors of the words of the query.

        Args:
            row: Annotation row.

        Returns:
            Shape (number of words, dim), float32.
        """
        zero = np.zeros(self.dim, np.float32)
        return np.stack([zero if vector is None else vector for vector in self.vectors(row['query'])])

    def vectors(self, sentence: str) -> list[np.ndarray | None]:
        """Vectors of the words of a sentence.

        Args:
            sentence: The sentence.

        Returns:
            Per word (dim,), float32; None for a word that the table lacks.
        """
        words = self.split(sentence)
        self._look_up(words)
        return [self._table.get(word) for word in words]

    def missing(self, rows: Iterable[Row]) -> list[str]:
        """The table itself where it is absent. Reads the words of all rows at once.

        Args:
            rows: Annotation rows.

        Returns:
            The name of the file, or nothing.
        """
        if not self.file.is_file():
            return [self.file.name]
        self._look_up({word for row in rows for word in self.split(row['query'])})
        return []

    def _look_up(self, words: Iterable[str]) -> None:
        wanted = set(words) - self._looked_up
        if not wanted:
            return
        if not self.file.is_file():
            raise FileNotFoundError(f'{self.where}: no such table of word vectors')
        entries = self._entries_of_archive if self.file.suffix == '.npz' else self._entries_of_text
        self._table.update(entries(wanted))
        self._looked_up |= wanted

    def _entries_of_text(self, wanted: set[str]) -> Iterator[tuple[str, np.ndarray]]:
        with self.file.open(encoding='utf-8') as lines:
            for number, line in enumerate(lines, start=1):
                word, _, numbers = line.rstrip('\n').partition(' ')
                if word in wanted:
                    vector = np.array(numbers.split(), dtype=np.float32)
                    if vector.shape != (self.dim,):
                        raise ValueError(f'{self.where}:{number}: {vector.size} numbers, expected {self.dim}')
                    yield word, vector

    def _entries_of_archive(self, wanted: set[str]) -> Iterator[tuple[str, np.ndarray]]:
        try:
            words, vectors = (_read_npz(self.file, key) for key in ('words', 'vectors'))
        except (OSError, ValueError) as error:
            raise ValueError(
                f'{self.where}: cannot be read as a table of words and vectors: {reason(error)}'
            ) from error
        if vectors.shape != (len(words), self.dim):
            raise ValueError(f'{self.where}: vectors has the shape {vectors.shape}, expected {(len(words), self.dim)}')
        for word, vector in zip(words.tolist(), vectors):
            if word in wanted:
                yield word, vector.astype(np.float32)


class ArrayStore:
    """Arrays in memory, for generated data and tests.

    Args:
        arrays: Name to array.
        template: Name of a row; ``{key}`` stands for a key of the annotation row.
    """

    where = 'memory'

    def __init__(self, arrays: Mapping[str, np.ndarray], template: str = '{vid}') -> None:
        self.arrays = arrays
        self.template = template

    def read(self, row: Row) -> np.ndarray:
        """The array of an annotation row."""
        name = self.template.format_map(row)
        if name not in self.arrays:
            raise FileNotFoundError(f'memory: no features {name!r} for {_id(row)}')
        return self.arrays[name]

    def missing(self, rows: Iterable[Row]) -> list[str]:
        """Names of the arrays that are absent, each once."""
        names = dict.fromkeys(self.template.format_map(row) for row in rows)
        return [name for name in names if name not in self.arrays]


def check_complete(stores: Mapping[str, Any], rows: Sequence[Row]) -> None:
    """Make sure that every stream has every row, before training starts.

    Args:
        stores: Stream name to store.
        rows: Annotation rows.

    Raises:
        FileNotFoundError: One message for all streams, with the first missing names and how many are missing.
    """
    lines = []
    for name, store in stores.items():
        missing = store.missing(rows)
        if missing:
            shown = ', '.join(missing[:3]) + (', ...' if len(missing) > 3 else '')
            lines.append(f'stream {name!r}: {len(missing)} missing in {store.where}: {shown}')
    if lines:
        raise FileNotFoundError(
            'features are missing; correct data_root or the folders of dataset.stores, or extract them.\n  '
            + '\n  '.join(lines)
        )


def _id(row: Row) -> str:
    return f'vid {row["vid"]!r}, qid {row["qid"]!r}'


def _pick(holder: Mapping[str, Any], key: str | None) -> Any:
    names = list(holder)
    for candidate in KEYS if key is None else (key,):
        if candidate in names:
            return holder[candidate]
    if key is None and len(names) == 1:
        return holder[names[0]]
    raise ValueError(f'it holds the arrays {names}, expected {key or " or ".join(KEYS)}; set key=...')


def _read_npz(path: Path, key: str | None) -> np.ndarray:
    return _pick(NpzArrays(path), key)


def _read_npy(path: Path, key: str | None) -> np.ndarray:
    return read_npy(path)


def _read_pt(path: Path, key: str | None) -> np.ndarray:
    loaded = load_tensors(path)
    tensor = _pick(loaded, key) if isinstance(loaded, Mapping) else loaded
    if not isinstance(tensor, torch.Tensor):
        raise ValueError(f'it holds a {type(tensor).__name__}, expected a tensor')
    if tensor.dtype == torch.bfloat16:  # numpy has no such type
        tensor = tensor.float()
    return tensor.detach().numpy()


_READERS = {'.npz': _read_npz, '.npy': _read_npy, '.pt': _read_pt}
