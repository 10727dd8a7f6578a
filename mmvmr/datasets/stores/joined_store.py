"""A stream whose vectors are in several files."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from mmvmr.datasets.stores.naming import Row
from mmvmr.registry import TASK_UTILS


@TASK_UTILS.register_module()
class JoinedStore:
    """Arrays of several stores, cut to the shortest and put side by side, as one stream.

    Unlike several streams, which are normalised each, the joined vectors are normalised as one (TVSum: I3D features
    of frames and of optical flow).

    Args:
        parts: Name to config of a store, joined in the order of the dict; None removes a part.
        data_root: Root of the data set, given to every part.

    Raises:
        ValueError: If there is no part, or the vectors of one are normalised already.
    """

    #: By how many vectors parts may differ: extractors round the end of a video differently.
    tolerance = 2

    def __init__(self, parts: Mapping[str, Mapping[str, Any] | None], data_root: str = '') -> None:
        configs = [copy.deepcopy(dict(part)) for part in parts.values() if part is not None]
        if not configs:
            raise ValueError('JoinedStore: parts is empty, expected at least one store')
        self.names = [name for name, part in parts.items() if part is not None]
        self.parts = [TASK_UTILS.build(dict(config, data_root=data_root)) for config in configs]
        if ready := [part.where for part in self.parts if getattr(part, 'normalised', False)]:
            raise ValueError(f'JoinedStore: the vectors in {ready[0]} are normalised; pack them with --as-stored')

    @property
    def where(self) -> str:
        """Name of this store in messages."""
        return ' and '.join(dict.fromkeys(part.where for part in self.parts))

    def read(self, row: Row) -> np.ndarray:
        """Read the joined array of an annotation row, (L, D) in float32, D the sum over the parts.

        Raises:
            FileNotFoundError: If a part is missing.
            ValueError: If a part is damaged, not a sequence of vectors, or much longer than another.
        """
        arrays = [np.asarray(part.read(row), dtype=np.float32) for part in self.parts]
        if odd := [a.shape for a in arrays if a.ndim != 2]:
            raise ValueError(f'{self.where}: vid {row["vid"]!r} has an array of shape {odd[0]}, expected (length, D)')
        lengths = {name: len(array) for name, array in zip(self.names, arrays)}
        length, longest = min(lengths.values()), max(lengths.values())
        if longest - length > self.tolerance:
            counts = ', '.join(f'{name!r} has {count}' for name, count in lengths.items())
            raise ValueError(
                f'{self.where}: vid {row["vid"]!r}: the parts of a joined stream differ in their number of vectors '
                f'({counts}); extract them with one clip length'
            )
        return np.concatenate([a[:length] for a in arrays], axis=1)

    def missing(self, rows: Iterable[Row]) -> list[str]:
        """Names of the files that are absent, those of one part after those of another."""
        rows = list(rows)
        return list(dict.fromkeys(name for part in self.parts for name in part.missing(rows)))
