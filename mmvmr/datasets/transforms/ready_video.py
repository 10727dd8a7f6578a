"""Videos that were packed as the model sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from mmvmr.structures import FeatureSpec

from ..feature_stores import Row
from ..packed_store import PackedStore
from .tef import endpoints


class ReadyVideo:
    """All video streams of a pack in the layout ``ready``: one array per video.

    Args:
        store: The store of the first stream.
    """

    def __init__(self, store: PackedStore) -> None:
        self.store = store
        self.dim = max(stop for _, stop in store.block.columns.values())

    def clips(self, row: Row) -> int:
        """Number of clips before the cut to ``max_clips``."""
        return self.store.block.entry(row).clips

    def read(self, row: Row) -> np.ndarray:
        """What the model sees of a video.

        Args:
            row: Annotation row.

        Returns:
            Shape (L, D + 2) in float32, TEF included. In float32 packs it is a read-only part of the mapped file.

        Raises:
            FileNotFoundError: If the pack lacks the video.
        """
        block = self.store.block
        rows = block.rows(block.entry(row))
        if block.width > self.dim:
            rows.flags.writeable = False
            return rows
        # torch converts float16 about twenty times faster than numpy.
        full = torch.empty(len(rows), self.dim + 2)
        full[:, : self.dim] = torch.from_numpy(rows)
        full[:, self.dim :] = torch.from_numpy(endpoints(len(rows)))
        return full.numpy()


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
