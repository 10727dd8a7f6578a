"""Batch samplers that look at the annotations: batches of samples that belong to different videos."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from itertools import islice
from typing import Any

from torch.utils.data import Sampler

from mmvmr.registry import DATA_SAMPLERS
from mmvmr.utils import check_choice

REPEATS = ('defer', 'drop')


class RowBatchSampler(Sampler):
    """Base of batch samplers that look at a field of the annotations.

    Args:
        sampler: Yields the indices of an epoch.
        batch_size: Samples per batch.
        drop_last: Leave out a last batch that is not full.
    """

    def __init__(self, sampler: Any, batch_size: int, drop_last: bool = False) -> None:
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def of_rows(self, field: str, option: str) -> list[Any]:
        """A field of every annotation row of the sampler's data set.

        Args:
            field: Key of a row.
            option: For the message: the option that replaces it, and what it holds.

        Raises:
            TypeError: If the data set has no annotation rows.
        """
        dataset = getattr(self.sampler, 'dataset', None)
        if not hasattr(dataset, 'rows'):
            raise TypeError(
                f'{type(self).__name__} needs a sampler over a data set with annotation rows, found '
                f'{type(dataset).__name__}: give it {option}'
            )
        return [row[field] for row in dataset.rows]

    def __len__(self) -> int:
        count = len(self.sampler) / self.batch_size
        return math.floor(count) if self.drop_last else math.ceil(count)


@DATA_SAMPLERS.register_module()
class VideoBatchSampler(RowBatchSampler):
    """No video twice in a batch, so that the sentences of a batch are negatives of each other's videos (BM-DETR).

    ``train_dataloader=dict(batch_sampler=dict(type='VideoBatchSampler'))`` puts it after the sampler. Under
    distributed training a batch is that of one process.

    Args:
        sampler: Yields the indices of an epoch.
        batch_size: Samples per batch.
        drop_last: Leave out a last batch that is not full.
        repeats: An index whose video is in the batch already waits for a later one (``defer``): every index comes
            once, in ``len()`` batches. A batch has a video twice only where there is no other way, as a video has
            more queries than there are batches, or the last, smaller batch has no place for all that are left.
            ``drop`` loses such an index for the epoch, and yields fewer batches than ``len()``, as the official code
            of BM-DETR does (35 of 12,406 indices on Charades-STA).
        videos: Video of every index; None takes those of the annotations of the sampler's data set.

    Raises:
        TypeError: If the data set has no annotation rows.
        ValueError: If ``repeats`` is unknown.
    """

    def __init__(
        self,
        sampler: Any,
        batch_size: int,
        drop_last: bool = False,
        repeats: str = 'defer',
        videos: Sequence[Hashable] | None = None,
    ) -> None:
        super().__init__(sampler, batch_size, drop_last)
        self.repeats = check_choice(self, 'repeats', repeats, REPEATS)
        self.videos = self.of_rows('vid', 'videos=[...], the video of every index') if videos is None else videos

    def __iter__(self) -> Iterator[list[int]]:
        batches = self._dropping() if self.repeats == 'drop' else self._deferring()
        yield from (batch for batch in batches if len(batch) == self.batch_size or not self.drop_last)

    def _dropping(self) -> Iterator[list[int]]:
        batch: list[int] = []
        present: set[Hashable] = set()
        for index in self.sampler:
            if self.videos[index] in present:
                continue
            batch.append(index)
            present.add(self.videos[index])
            if len(batch) == self.batch_size:
                yield batch
                batch, present = [], set()
        if batch:
            yield batch

    def _deferring(self) -> Iterator[list[int]]:
        """Fill batch after batch in the order of the sampler; a video that has one index per batch left goes first."""
        indices = list(islice(self.sampler, len(self.sampler)))  # some samplers have no end
        left = Counter(self.videos[index] for index in indices)
        most = max(left.values(), default=0)
        stream = iter(indices)
        waiting: list[int] = []
        for remaining in range(math.ceil(len(indices) / self.batch_size), 0, -1):
            if remaining > most:  # more videos are left than a batch has places
                batch, waiting = self._fill(waiting, stream)
            else:
                urgent = {video for video, count in left.items() if count >= remaining}
                batch, waiting = self._finish([*waiting, *stream], urgent)
            left.subtract(self.videos[index] for index in batch)
            yield batch

    def _fill(self, waiting: list[int], stream: Iterator[int]) -> tuple[list[int], list[int]]:
        """A batch of different videos, and what waits on; the stream is read no further than needed."""
        batch: list[int] = []
        remaining: list[int] = []
        present: set[Hashable] = set()
        for index in waiting:
            fits = len(batch) < self.batch_size and self.videos[index] not in present
            (batch if fits else remaining).append(index)
            present.add(self.videos[index])
        while len(batch) < self.batch_size:
            index = next(stream)
            (remaining if self.videos[index] in present else batch).append(index)
            present.add(self.videos[index])
        return batch, remaining

    def _finish(self, waiting: list[int], urgent: set[Hashable]) -> tuple[list[int], list[int]]:
        """A batch with one index of every urgent video, and what waits on; repeats where there are too few videos."""
        order = sorted(range(len(waiting)), key=lambda position: self.videos[waiting[position]] not in urgent)
        present: set[Hashable] = set()
        first: list[int] = []
        again: list[int] = []
        for position in order:
            video = self.videos[waiting[position]]
            (again if video in present else first).append(position)
            present.add(video)
        chosen = set([*first, *again][: self.batch_size])
        batch = [waiting[position] for position in sorted(chosen)]
        return batch, [index for position, index in enumerate(waiting) if position not in chosen]
