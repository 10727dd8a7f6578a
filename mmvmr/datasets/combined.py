"""Several data sets as one, and a data set several times in an epoch."""

from __future__ import annotations

import bisect
import copy
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from torch.utils.data import Dataset

from mmvmr.datasets.moment_dataset import BaseMomentDataset
from mmvmr.datasets.rng import SeededRng
from mmvmr.registry import DATASETS


@DATASETS.register_module()
class ConcatDataset(Dataset):
    """The samples of several data sets, one data set after another.

    For several annotation files over the same features, a list as ``ann_file`` of :class:`MomentDataset` is simpler,
    and the only way to group the sentences of a video that occurs in several of the files.

    Args:
        datasets: Configs of the data sets, whose features have to be of one kind.

    Raises:
        ValueError: If there is no data set, or their features differ.
    """

    def __init__(self, datasets: Sequence[Mapping[str, Any]]) -> None:
        if not datasets:
            raise ValueError('ConcatDataset: datasets is empty, expected at least one config')
        self.datasets = [_built(self, config) for config in datasets]
        first = self.datasets[0]
        for number, other in enumerate(self.datasets[1:], start=2):
            if lines := first.feature_spec.differences(other.feature_spec, 'first data set', f'data set {number}'):
                raise ValueError(f'ConcatDataset: the features of the data sets differ: {"; ".join(lines)}')
        self.feature_spec = first.feature_spec
        self.metainfo = first.metainfo
        self._ends = list(itertools.accumulate(map(len, self.datasets)))

    def __len__(self) -> int:
        return self._ends[-1]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Annotation rows of all data sets, in order."""
        return [row for dataset in self.datasets for row in dataset.rows]

    def loaded(self, index: int) -> dict[str, Any]:
        """A sample after loading and before augmentation."""
        number, inner = self._place(index)
        return self.datasets[number].loaded(inner)

    def _place(self, index: int) -> tuple[int, int]:
        number = bisect.bisect_right(self._ends, index)
        return number, index - (self._ends[number - 1] if number else 0)

    def __getitem__(self, index: int | tuple[int, ...]) -> dict[str, Any] | list[dict[str, Any]]:
        if not isinstance(index, tuple):
            number, inner = self._place(index)
            return _prepared(self.datasets[number], inner, index)
        places = [self._place(i) for i in index]
        if len({number for number, _ in places}) > 1:
            vid = self.rows[index[0]]['vid']
            raise ValueError(
                f'ConcatDataset: vid {vid!r} is in several data sets, and the sampler groups the sentences of a video: '
                'give the annotation files as a list in ann_file of one data set instead'
            )
        group = tuple(inner for _, inner in places)
        return [_prepared(self.datasets[number], inner, i, group) for i, (number, inner) in zip(index, places)]


@DATASETS.register_module()
class RepeatDataset(Dataset):
    """A data set several times in an epoch, each time with other random draws.

    Args:
        dataset: Config of the data set.
        times: Number of repetitions.

    Raises:
        ValueError: If ``times`` is not positive.
    """

    def __init__(self, dataset: Mapping[str, Any], times: int) -> None:
        if times < 1:
            raise ValueError(f'RepeatDataset: times={times}, expected a positive number')
        self.dataset = _built(self, dataset)
        self.times = times
        self.feature_spec = self.dataset.feature_spec
        self.metainfo = self.dataset.metainfo

    def __len__(self) -> int:
        return self.times * len(self.dataset)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Annotation rows of all repetitions."""
        return list(self.dataset.rows) * self.times

    def __getitem__(self, index: int | tuple[int, ...]) -> dict[str, Any]:
        if isinstance(index, tuple):
            raise ValueError(
                'RepeatDataset: the sampler groups the sentences of a video, and would take a sentence and its '
                'repetition for two; train for more epochs instead'
            )
        return _prepared(self.dataset, index % len(self.dataset), index)


def _built(owner: Dataset, config: Mapping[str, Any]) -> BaseMomentDataset:
    dataset = DATASETS.build(copy.deepcopy(dict(config)))
    if not isinstance(dataset, BaseMomentDataset):
        raise ValueError(f'{type(owner).__name__}: {type(dataset).__name__} cannot be inside it')
    return dataset


def _prepared(dataset: BaseMomentDataset, index: int, outer: int, group: tuple[int, ...] | None = None) -> Any:
    """A sample with random draws of its place in the whole, so that no two places share theirs."""
    return dataset.prepare(index, SeededRng(dataset.seed, dataset.epoch, outer), group)
