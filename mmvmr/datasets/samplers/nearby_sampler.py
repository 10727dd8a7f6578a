"""Groups of sentences that a window of a long video can hold together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from mmvmr.datasets.samplers.video_sampler import VideoSampler
from mmvmr.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class NearbyQuerySampler(VideoSampler):
    """Videos with sentences about near moments, for videos that :class:`CropClips` cuts (SnAG).

    The first unused moment of a video, with all unused ones that end within the shortest window that the crop may
    leave; of more than ``max_queries``, that many are chosen at random and the others come in a later group. How many
    groups that gives depends on the random numbers: those of all epochs are formed at once and divided evenly, at most
    ``epochs - 1`` groups of the last epoch are lost.

    Args:
        dataset: A data set with annotation ``rows`` and a ``feature_spec``.
        max_clips: Longest window of the crop.
        max_queries: Sentences of a group, at most.
        epochs: Epochs of the run.
        min_ratio: Smallest share that the crop leaves of a shorter video.
        step: Clips per vector that the loader keeps (``LoadResampledFeatures.step``).
        kwargs: ``shuffle``, ``seed`` and ``round_up`` of :class:`VideoSampler`.
    """

    def __init__(
        self,
        dataset: Dataset,
        max_clips: int,
        max_queries: int,
        epochs: int,
        min_ratio: float = 0.9,
        step: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(dataset, max_queries=max_queries, **kwargs)
        longest = max_clips * dataset.feature_spec.clip_len * step
        rng = np.random.default_rng([self.seed])
        drawn: list[tuple[int, ...]] = []
        for _ in range(epochs):
            for indices in self.videos.values():
                rows = [dataset.rows[i] for i in indices]
                duration = float(rows[0]['duration'])
                reach = longest if duration > longest else min_ratio * duration
                drawn += [tuple(indices[i] for i in group) for group in _near(_extents(rows), reach, max_queries, rng)]
        self.per_epoch = len(drawn) // epochs
        self.epochs = epochs
        self.drawn = drawn

    def _groups(self) -> list[tuple[int, ...]]:
        start = self.per_epoch * (self.epoch % self.epochs)
        groups = self.drawn[start : start + self.per_epoch]
        if self.shuffle:
            order = np.random.default_rng([self.seed, self.epoch]).permutation(len(groups))
            groups = [groups[i] for i in order]
        return groups

    def _count(self) -> int:
        return self.per_epoch


def _extents(rows: list[dict[str, Any]]) -> np.ndarray:
    """First start and last end of the moments of every row (N, 2), in seconds; the whole video without a moment."""
    extents = []
    for row in rows:
        windows = row.get('relevant_windows') or [[0.0, float(row['duration'])]]
        extents.append((min(start for start, _ in windows), max(end for _, end in windows)))
    return np.array(extents)


def _near(extents: np.ndarray, reach: float, most: int, rng: np.random.Generator) -> Iterator[list[int]]:
    """Groups of a video, each index once; those of a group are within ``reach`` seconds after the first of them."""
    order = np.argsort(extents[:, 0], kind='stable')
    unused = np.ones(len(order), dtype=bool)
    while unused.any():
        first = int(np.flatnonzero(unused)[0])
        start, end = extents[order[first]]
        inside = np.array([first])
        if end - start <= reach:
            moments = extents[order]
            inside = np.flatnonzero(unused & (moments[:, 0] >= start) & (moments[:, 1] <= start + reach))
            if len(inside) > most:
                inside = rng.choice(inside, most, replace=False)
        unused[inside] = False
        yield sorted(int(order[i]) for i in inside)
