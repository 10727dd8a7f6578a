"""Pairs of synthesized videos and the originals, as the official TD-DETR code trains on them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
from mmengine.config import Config
from torch.utils.data import Dataset

from mmvmr.datasets.moment_dataset import BaseMomentDataset
from mmvmr.registry import DATASETS


@DATASETS.register_module()
class PairedDataset(Dataset):
    """N pairs that are synthesized, then the N originals: 2 N indices over the same N annotation rows.

    An item is asked for by (index, partner), as :class:`PairBatchSampler` does. Below N it is a list of two samples,
    both synthesized of that row and the partner's; from N on it is the original, and the partner does not matter.

    Args:
        dataset: Config of the data set.
        pair: Config of what makes the pairs, e.g. :class:`SynthesizePair`.
        pool: Config of :class:`PoolClips` where long videos get fewer clips: before the endpoint features for
            originals, after them for synthesized videos; None leaves the length.
        changes: Changes of ``dataset``, merged into it as those of a child config are.
    """

    def __init__(
        self,
        dataset: Mapping[str, Any],
        pair: Mapping[str, Any],
        pool: Mapping[str, Any] | None = None,
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        synthesis = {'augment': {'pair': pair}, 'pool': pool}
        self.pairs = _built(dataset, changes, synthesis)
        self.originals = _built(dataset, changes, {'augment': {'pool': pool}})
        self.datasets = [self.pairs, self.originals]
        self.feature_spec = self.originals.feature_spec
        self.metainfo = self.originals.metainfo

    def __len__(self) -> int:
        return 2 * len(self.originals)

    def prepare(self, index: int, partner: int, rng: Any = None) -> list[dict[str, Any]]:
        """The samples of an index.

        Args:
            index: From 0 to 2 N - 1.
            partner: The same. One that stands for an original means the last row: an error of the official code that
                decides about half of the partners of its strategy "random".
            rng: Source of random draws; by default that of the data set.

        Returns:
            Two samples below N, else one.
        """
        count = len(self.originals)
        if index >= count:
            return [self.originals.prepare(index - count, rng)]
        item = self.pairs.pipeline({**self.pairs.results(index, rng), 'partner': min(partner, count - 1)})
        return [item, *item.pop('views').values()]

    def __getitem__(self, item: tuple[int, int]) -> list[dict[str, Any]]:
        return self.prepare(*item)

    def video(self, index: int) -> np.ndarray:
        """Features that videos are compared by.

        Args:
            index: Index of a row, below N.

        Returns:
            (L, D), pooled where the originals are.
        """
        results = self.originals.loaded(index)
        for transform in self.originals.pipeline.augment.values():
            results = transform(results)
        return results['video_feat']


def _built(
    dataset: Mapping[str, Any], changes: Mapping[str, Any] | None, pipeline: Mapping[str, Any]
) -> BaseMomentDataset:
    cfg = Config({'dataset': copy.deepcopy(dict(dataset))})
    for change in (changes or {}, {'pipeline': pipeline}):
        cfg.merge_from_dict({'dataset': copy.deepcopy(dict(change))})
    return DATASETS.build(cfg.dataset)
