"""Samplers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Dataset, Sampler

from mmvmr.registry import DATA_SAMPLERS
from mmvmr.utils import check_choice

OVERFLOWS = ('split', 'draw')


@DATA_SAMPLERS.register_module()
class VideoSampler(Sampler):
    """Videos with their sentences: what methods need that encode a video once for all its sentences (MMN, SnAG).

    It yields one tuple of row indices per video, and ``batch_size`` of the data loader counts videos. Together with
    ``collate_fn=dict(type='video_collate')`` a model gets every video once. The order depends only on (seed, epoch).

    Args:
        dataset: A data set with annotation ``rows`` (:class:`mmvmr.datasets.BaseMomentDataset`).
        shuffle: Whether videos come in random order.
        seed: Seed of the order; None takes one that all processes share.
        round_up: Repeat videos so that all processes have equally many. Metrics count every query once all the same.
        max_queries: Sentences of a video in one group, at most; None for all of them.
        overflow: With more sentences than that: ``split`` them into several groups of the epoch (at random if
            ``shuffle``), or ``draw`` as many at random.

    Raises:
        TypeError: If the data set has no annotation rows.
        ValueError: If an option is unknown.
    """

    def __init__(
        self,
        dataset: Dataset,
        shuffle: bool = True,
        seed: int | None = None,
        round_up: bool = True,
        max_queries: int | None = None,
        overflow: str = 'split',
    ) -> None:
        self.overflow = check_choice(self, 'overflow', overflow, OVERFLOWS)
        if not hasattr(dataset, 'rows'):
            raise TypeError(f'VideoSampler needs a data set with annotation rows, found {type(dataset).__name__}')
        self.dataset = dataset
        if max_queries is not None and max_queries < 1:
            raise ValueError(f'VideoSampler: max_queries={max_queries}, expected a positive number or None')
        self.rank, self.world_size = get_dist_info()
        self.shuffle = shuffle
        self.seed = sync_random_seed() if seed is None else seed
        self.round_up = round_up
        self.max_queries = max_queries
        self.epoch = 0
        self.videos: dict[Any, list[int]] = {}
        for index, row in enumerate(dataset.rows):
            self.videos.setdefault(row['vid'], []).append(index)

    def _groups(self) -> list[tuple[int, ...]]:
        """All groups of the epoch, the same on every process."""
        rng = np.random.default_rng([self.seed, self.epoch])
        groups: list[tuple[int, ...]] = []
        for indices in self.videos.values():
            size = self.max_queries or len(indices)
            if len(indices) <= size:
                groups.append(tuple(indices))
                continue
            order = rng.permutation(indices).tolist() if self.shuffle else indices
            stop = size if self.overflow == 'draw' else len(order)
            groups += [tuple(sorted(order[start : start + size])) for start in range(0, stop, size)]
        if self.shuffle:
            groups = [groups[i] for i in rng.permutation(len(groups))]
        return groups

    def _count(self) -> int:
        if self.max_queries is None or self.overflow == 'draw':
            return len(self.videos)
        return sum(math.ceil(len(indices) / self.max_queries) for indices in self.videos.values())

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        groups = self._groups()
        if self.round_up:
            total = len(self) * self.world_size
            groups = (groups * math.ceil(total / max(len(groups), 1)))[:total]
        return iter(groups[self.rank :: self.world_size])

    def __len__(self) -> int:
        count = self._count()
        if self.round_up:
            return math.ceil(count / self.world_size)
        return math.ceil((count - self.rank) / self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch, counted from 0."""
        self.epoch = epoch
