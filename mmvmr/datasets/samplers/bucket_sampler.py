"""Batches of videos of similar length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from mmvmr.datasets.samplers.batch_samplers import RowBatchSampler
from mmvmr.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class BucketBatchSampler(RowBatchSampler):
    """Samples of similar length in a batch, so that less of a batch is padding.

    ``train_dataloader=dict(batch_sampler=dict(type='BucketBatchSampler'))`` puts it after the sampler. The indices of
    an epoch, in the order of the sampler, are cut into pools of ``pool`` batches; a pool is sorted by length, cut into
    batches, and the batches are shuffled. All follows from the seed and the epoch of the sampler. Under distributed
    training every process has the same number of batches, and those of a step are of similar length.

    Args:
        sampler: Yields the indices of an epoch, those of sentences or groups of them (:class:`VideoSampler`).
        batch_size: Samples per batch.
        drop_last: Leave out the last indices of the sampler that fill no batch.
        pool: Batches that are sorted together: with more of them lengths are more similar, and it is less random
            which samples share a batch.
        durations: Length of every index in any unit; None takes those of the annotations of the sampler's data set.

    Raises:
        TypeError: If the data set has no annotation rows.
        ValueError: If ``pool`` is not positive.
    """

    def __init__(
        self,
        sampler: Any,
        batch_size: int,
        drop_last: bool = False,
        pool: int = 16,
        durations: Sequence[float] | None = None,
    ) -> None:
        if pool < 1:
            raise ValueError(f'BucketBatchSampler: pool={pool}, expected a positive number of batches')
        super().__init__(sampler, batch_size, drop_last)
        self.pool = pool
        if durations is None:
            durations = self.of_rows('duration', 'durations=[...], the length of every index')
        self.durations = durations

    def __iter__(self) -> Iterator[list[Any]]:
        # The same in every process, so that batches of one step come from the same place of their sorted pools.
        rng = np.random.default_rng([getattr(self.sampler, 'seed', 0), getattr(self.sampler, 'epoch', 0)])
        count = len(self) * self.batch_size if self.drop_last else len(self.sampler)
        stream = islice(self.sampler, count)  # some samplers have no end
        while pool := sorted(islice(stream, self.pool * self.batch_size), key=self._duration):
            batches = [pool[start : start + self.batch_size] for start in range(0, len(pool), self.batch_size)]
            yield from (batches[place] for place in rng.permutation(len(batches)))

    def _duration(self, index: int | tuple[int, ...]) -> float:
        return self.durations[index[0] if isinstance(index, tuple) else index]
