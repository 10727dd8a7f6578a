"""Videos that were packed as the model sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from mmvmr.datasets.stores.naming import Row
from mmvmr.datasets.stores.packed_store import PackedStore
from mmvmr.datasets.stores.transfer import as_tensor, computed
from mmvmr.datasets.transforms.tef import endpoints
from mmvmr.structures import FeatureSpec


class ReadyVideo:
    """All video streams of a pack in the layout ``ready``: one array per video.

    Args:
        store: The store of the first stream.
    """

    def __init__(self, store: PackedStore) -> None:
        self.store = store
        self.dim = max(stop for _, stop in store.block.columns.values())

    def read(self, row: Row) -> tuple[np.ndarray, int]:
        """Input of the model for a video.

        Args:
            row: Annotation row.

        Returns:
            The features (L, D + 2) in float32, TEF included: in float32 packs a read-only part of the mapped file;
            and the number of clips before the cut to ``max_clips``.

        Raises:
            FileNotFoundError: If the pack lacks the video.
        """
        block = self.store.block
        entry = block.entry(row)
        rows = block.rows(entry)
        if block.width > self.dim:
            return rows, entry.clips
        return computed(with_endpoints, rows), entry.clips


def with_endpoints(rows: np.ndarray) -> np.ndarray:
    """Features in float32, followed by TEF.

    Args:
        rows: Shape (L, D).

    Returns:
        Shape (L, D + 2).
    """
    length, dim = rows.shape
    full = np.empty((length, dim + 2), dtype=np.float32)
    torch.from_numpy(full)[:, :dim] = as_tensor(rows)  # converts float16 about twenty times faster than numpy
    full[:, dim:] = endpoints(length)
    return full


def ready_video(stores: Mapping[str, Any], spec: FeatureSpec) -> ReadyVideo | None:
    """Find the block that holds all video streams ready for the model.

    Args:
        stores: Stream name to store.
        spec: The specification of the data set.

    Returns:
        The reader, or None where the streams are not those of one such block.
    """
    found = [stores[stream.name] for stream in spec.streams]
    if not all(isinstance(store, PackedStore) and store.pack.ready for store in found):
        return None
    block = found[0].block
    together = all(store.block is block for store in found)
    return ReadyVideo(found[0]) if together and list(block.columns) == [store.stream for store in found] else None
