"""A video that consists of several stored videos, one after another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from mmvmr.datasets.stores.naming import Row


class PartsStore:
    """Reads the ``parts`` of an annotation row from another store and puts their clips one after another.

    Args:
        store: Store of the parts, which are named by ``vid`` there.
        lengths: Number of clips of every part, where known; shared by the streams of a data set, so that parts end at
            the same clip in all of them. A part that is not named yet is entered when it is first read.
        cache: Keep the stored arrays of parts in memory (in every worker process).
    """

    def __init__(self, store: Any, lengths: dict[Any, int], cache: bool = True) -> None:
        self.store = store
        self.lengths = lengths
        self.normalised = getattr(store, 'normalised', False)
        self.finite = getattr(store, 'finite', False)
        self._kept: dict[Any, np.ndarray] | None = {} if cache else None

    @property
    def where(self) -> str:
        """Name of this store in messages."""
        return self.store.where

    def read(self, row: Row) -> np.ndarray:
        """Read the joined array of an annotation row with ``parts``: (L, D), L the sum over the parts.

        Raises:
            FileNotFoundError: If a part is missing.
            ValueError: If a part is damaged or has another number of clips than expected.
        """
        return np.concatenate([self._part(vid, row) for vid in row['parts']])

    def _part(self, vid: Any, row: Row) -> np.ndarray:
        if self._kept is not None and vid in self._kept:
            return self._kept[vid]
        array = self.store.read({**row, 'vid': vid})
        expected = self.lengths.setdefault(vid, len(array))
        if len(array) != expected:
            raise ValueError(
                f'{self.where}: vid {vid!r} has {len(array)} clips here, expected {expected} (num_clips of its '
                'annotation, or its clips in another stream): windows of joined videos would be wrong; correct '
                'num_clips, or extract the streams with one clip length'
            )
        if self._kept is not None:
            self._kept[vid] = array
        return array

    def missing(self, rows: Iterable[Row]) -> list[str]:
        """Names of the files that are absent, each once."""
        parts = {vid: row for row in rows for vid in row['parts']}
        return self.store.missing([{**row, 'vid': vid} for vid, row in parts.items()])
