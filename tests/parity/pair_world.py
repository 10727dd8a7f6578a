"""Recorded data sets of TD-DETR's data code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mmvmr.datasets import ArrayStore, BaseMomentDataset
from mmvmr.official_td_detr import PairedDataset
from mmvmr.structures import FeatureSpec

Recorded = Mapping[str, Any]


class World:
    """One recorded data set.

    Args:
        name: Name of the set.
        entry: Its rows, clip length and largest number of clips.
        raw: Recorded features of all sets.
        config: The ``config.json``.
    """

    def __init__(self, name: str, entry: Recorded, raw: Mapping[str, np.ndarray], config: Recorded) -> None:
        self.raw = {key.removeprefix(f'{name}/'): value for key, value in raw.items() if key.startswith(f'{name}/')}
        self.rows: list[dict[str, Any]] = entry['rows']
        self.entry, self.config = entry, config
        self.highlights = name == 'hl'
        self.streams = [f'stream{i}' for i in range(entry['streams'])]

    def dataset(self, alpha: float) -> PairedDataset:
        """The set as ``configs/td_detr/td_detr_official_*.py`` describe it."""
        pipeline = {
            'load': {'type': 'LoadMomentFeatures', 'duration_tolerance': float('inf')},
            'tef': {'type': 'AppendTEF'} if 'tef' in self.config['ctx_mode'] else None,
            'targets': {
                'type': 'BuildMomentTargets',
                'labels': {'type': 'HighlightLabels' if self.highlights else 'MomentLabels'},
                'max_windows': self.config['max_windows'],
                'short': 'preceding',
                'beyond': 'keep',
                'labelled': 'first',
            },
            'pack': {'type': 'PackMomentInputs', 'meta_keys': _META},
        }
        pool = None if self.highlights else {'type': 'PoolClips', 'max_clips': self.entry['max_v_l']}
        recorded = {'type': self._recorded, 'pipeline': pipeline}
        return PairedDataset(recorded, {'type': 'SynthesizePair', 'alpha': alpha}, pool)

    def _recorded(self, pipeline: Recorded) -> BaseMomentDataset:
        return BaseMomentDataset(self.rows, self._stores(), self._spec(), pipeline)

    def _spec(self) -> FeatureSpec:
        first = self.rows[0]
        return FeatureSpec.from_dict(
            {
                'streams': {name: {'dim': self.raw[f'{first["vid"]}/{name}'].shape[1]} for name in self.streams},
                'text': {'dim': self.raw[f'qid{first["qid"]}/text'].shape[1], 'max_length': self.config.get('max_q_l')},
                'clip_len': float(self.entry['clip_len']),
                'tef': 'tef' in self.config['ctx_mode'],
            }
        )

    def _stores(self) -> dict[str, Any]:
        stores = {name: ArrayStore(self.raw, f'{{vid}}/{name}') for name in self.streams}
        return {**stores, 'text': ArrayStore(self.raw, 'qid{qid}/text')}


_META = (
    *('vid', 'qid', 'query', 'duration', 'clip_len', 'num_clips', 'relevant_windows', 'view', 'annotation'),
    *('index', 'source_clips', 'source_duration', 'relevant_clip_ids', 'saliency_scores'),
)
