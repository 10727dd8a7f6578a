"""Feature stores: where the vectors of a stream are kept.

A store answers ``read(row)`` with the stored array of an annotation row and ``missing(rows)`` with what it lacks.
Files are named by a template over the keys of the row (``{vid}.npz``, ``qid{qid}.npz``), so video and text streams
use the same stores.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mmvmr.datasets.stores.array_files import READERS
from mmvmr.datasets.stores.naming import NameTemplate, Row, describe
from mmvmr.registry import TASK_UTILS
from mmvmr.utils import check_choice
from mmvmr.utils.arrays import read_hdf5_array, require_numbers
from mmvmr.utils.choices import first_names
from mmvmr.utils.content import foreign_content, reason, regular_file
from mmvmr.utils.paths import below, inside


@TASK_UTILS.register_module()
class FolderStore:
    """One file per video or query: ``.npz``, ``.npy`` or ``.pt``.

    Args:
        folder: The folder, relative to ``data_root``.
        template: File name; ``{key}`` stands for a key of the annotation row, whose value may name subfolders
            (``cam1/v1``) but never leads out of the folder. ``.npz`` and ``.npy`` are told apart by their content.
        key: Array inside an ``.npz`` file or a dict of tensors; None takes ``features`` or ``last_hidden_state``,
            whichever is there.
        data_root: Root of the data set.

    Raises:
        ValueError: If the suffix of the template is unknown, or a field of it is not a key.
    """

    def __init__(self, folder: str, template: str = '{vid}.npz', key: str | None = None, data_root: str = '') -> None:
        self.folder = below(data_root, folder)
        self.name = NameTemplate(template)
        self.key = key
        suffix = Path(template).suffix
        self._read = READERS[check_choice(f'FolderStore: template {template!r}', 'suffix', suffix, sorted(READERS))]

    @property
    def where(self) -> str:
        """Name of this store in messages."""
        return str(self.folder.absolute())

    def path(self, row: Row) -> Path:
        """The file of an annotation row."""
        return inside(self.folder, self.name(row))

    def read(self, row: Row) -> np.ndarray:
        """Read the array of an annotation row as stored, usually (L, D) in float16 or float32.

        Raises:
            FileNotFoundError: If the file is absent.
            ValueError: If the file is truncated, of another format or has no such key, or the row names none.
        """
        path = self.path(row)
        try:
            return require_numbers(self._read(path, self.key))
        except FileNotFoundError as error:
            linked = ' (it is a link to a file that is absent)' if path.is_symlink() else ''
            raise FileNotFoundError(
                f'{path.absolute()}: no features for {describe(row)}{linked}; check the folder and the template '
                f'{self.name.template!r}'
            ) from error
        except (OSError, ValueError) as error:
            problem = reason(error).removeprefix(f'{path}: ')
            raise ValueError(
                f'{path.absolute()}: the features of {describe(row)} cannot be read: {problem}. '
                'If the file is truncated, delete it and extract or convert it again'
            ) from error

    def missing(self, rows: Iterable[Row]) -> list[str]:
        """Names of the files that are absent, each once in the order of the rows, without opening any."""
        present: dict[str, set[str]] = {}
        absent = []
        for name in self.name.names(rows):
            folder, _, file = name.rpartition('/')
            if folder not in present:
                present[folder] = _files_of(self.folder / folder)
            if file not in present[folder]:
                absent.append(name)
        return absent


def _files_of(folder: Path) -> set[str]:
    """Names of the files in a folder; a link to an absent file is none. One listing instead of a look at every file."""
    if not folder.is_dir():
        return set()
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries if entry.is_file()}


@TASK_UTILS.register_module()
class HDF5Store:
    """One HDF5 file with an array per video or query. Needs ``h5py``.

    Args:
        file: The file, relative to ``data_root``.
        template: Name of the entry inside the file; ``{key}`` stands for a key of the annotation row.
        key: Array inside a group of that name (ActivityNet: ``c3d_features``); None when the entry is the array itself.
        data_root: Root of the data set.

    Raises:
        ValueError: If a field of the template is not a key.
    """

    def __init__(self, file: str, template: str = '{vid}', key: str | None = None, data_root: str = '') -> None:
        self.file = below(data_root, file)
        self.key = key
        self.name = NameTemplate(template if key is None else f'{template}/{key}')
        self._opened: tuple[int, Any] | None = None

    @property
    def where(self) -> str:
        """Name of this store in messages."""
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
                problem = foreign_content(source) or f'{reason(error)}. Is it truncated?'
                raise ValueError(f'{self.where}: cannot be read as HDF5: {problem}') from error
        return self._opened[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, '_opened': None}

    def read(self, row: Row) -> np.ndarray:
        """Read the array of an annotation row as stored, usually (L, D).

        Raises:
            FileNotFoundError: If the file or the entry is absent.
            ValueError: If the file is damaged, or the entry is a group of arrays.
        """
        name, handle = self.name(row), self._handle()
        with self._readable():
            if name not in handle:
                raise FileNotFoundError(f'{self.where}: no entry {name!r}, the features of {describe(row)}')
            try:
                return require_numbers(read_hdf5_array(handle, name))
            except ValueError as error:
                raise ValueError(f'{self.where}: {error}') from None

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Say which file is damaged: what the library raises in the middle of one has many types."""
        try:
            yield
        except FileNotFoundError:
            raise
        except (RuntimeError, KeyError, OSError, AttributeError, TypeError) as error:
            raise ValueError(f'{self.where}: the file is damaged: {reason(error)}; write or fetch it again') from error

    def missing(self, rows: Iterable[Row]) -> list[str]:
        """Names of the absent entries, each once; ValueError for a group where an array is expected."""
        names = self.name.names(rows)
        if not self.file.is_file():
            return names
        with self._readable():
            return self._absent(names, self._handle())

    def entries(self) -> list[str]:
        """Names of all entries of the file, groups included; ValueError if it is damaged."""
        names: list[str] = []
        with self._readable():
            self._handle().visit(names.append)
        return names

    def _absent(self, names: Sequence[str], handle: Any) -> list[str]:
        absent = []
        for name in names:
            if name not in handle:
                absent.append(name)
            elif self._is_group(handle, name):
                self._refuse_group(handle, name)
        if absent and self.key is not None:
            entry = absent[0].removesuffix(f'/{self.key}')
            if entry in handle and self._is_group(handle, entry):
                self._refuse_group(handle, entry)
            elif entry in handle:
                raise ValueError(f'{self.where}: entry {entry!r} is an array itself; remove key={self.key!r}')
        return absent

    def _is_group(self, handle: Any, name: str) -> bool:
        return issubclass(handle.get(name, getclass=True), Mapping)

    def _refuse_group(self, handle: Any, name: str) -> None:
        arrays = sorted(handle[name])[:4]
        but_not = f', not {self.key!r}' if self.key is not None else ''
        advice = f'key={arrays[0]!r}' if len(arrays) == 1 else 'key to the name of the array'
        raise ValueError(f'{self.where}: entry {name!r} is a group with {arrays}{but_not}; set {advice}')


class ArrayStore:
    """Arrays in memory, for generated data and tests.

    Args:
        arrays: Name to array.
        template: Name of a row; ``{key}`` stands for a key of the annotation row.

    Raises:
        ValueError: If a field of the template is not a key.
    """

    where = 'memory'

    def __init__(self, arrays: Mapping[str, np.ndarray], template: str = '{vid}') -> None:
        self.arrays = arrays
        self.name = NameTemplate(template)

    def read(self, row: Row) -> np.ndarray:
        """The array of an annotation row."""
        name = self.name(row)
        if name not in self.arrays:
            raise FileNotFoundError(f'memory: no features {name!r} for {describe(row)}')
        return self.arrays[name]

    def missing(self, rows: Iterable[Row]) -> list[str]:
        """Names of the arrays that are absent, each once."""
        return [name for name in self.name.names(rows) if name not in self.arrays]


def check_complete(stores: Mapping[str, Any], rows: Sequence[Row]) -> None:
    """Make sure that every stream has every row, before training starts.

    Raises:
        FileNotFoundError: One message for all streams, with the first missing names and how many are missing.
        ValueError: If the rows do not name features of a stream.
    """
    lines = []
    for name, store in stores.items():
        try:
            missing = store.missing(rows)
        except ValueError as error:
            raise ValueError(f'dataset.stores.{name}: {error}') from error
        if missing:
            lines.append(f'stream {name!r}: {len(missing)} missing in {store.where}: {first_names(missing)}')
    if lines:
        raise FileNotFoundError(
            'features are missing; correct data_root or the folders of dataset.stores, or extract them.\n  '
            + '\n  '.join(lines)
        )
