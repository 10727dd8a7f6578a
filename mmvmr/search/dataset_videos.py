"""The videos of a data set as a collection."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmvmr.apis import EncodedVideo, MomentFinder


class DatasetVideos:
    """Videos of the rows of a data set, with the features in its stores.

    Args:
        dataset: A :class:`mmvmr.datasets.BaseMomentDataset`.
        finder: The model that answers.
    """

    def __init__(self, dataset: Any, finder: MomentFinder) -> None:
        self.dataset = dataset
        self.finder = finder
        self._rows = {str(row['vid']): row for row in dataset.rows}

    @property
    def names(self) -> list[str]:
        """Names of the videos, in the order of the annotations."""
        return list(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def load(self, name: str) -> EncodedVideo:
        """A video, ready to be asked.

        Args:
            name: Its ``vid``.
        """
        row = self._rows[name]
        stores = {stream: store for stream, store in self.dataset.stores.items() if stream != 'text'}
        streams = {stream: np.asarray(store.read(row)) for stream, store in stores.items()}
        return self.finder.encode_features(streams, float(row['duration']), name)

    def tokens(self) -> list[np.ndarray]:
        """Text features (tokens, dim) of the sentence of every row."""
        return [np.atleast_2d(self.dataset.stores['text'].read(row)) for row in self.dataset.rows]
