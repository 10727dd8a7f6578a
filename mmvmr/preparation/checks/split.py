"""A split as the checks see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mmvmr.structures import FeatureSpec
from mmvmr.utils.io import iterate_jsonl

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Split:
    """Annotations of a split and the files that belong to them.

    Attributes:
        name: What messages call it; its first word is ``train``, ``val`` or ``test``.
        rows: Annotation rows.
        spec: The declared features; None where a data set declares none.
        stores: Stream name to feature store; empty where features are not looked at.
        tolerance: How far clips x clip length may be from the duration, as a part of it; None where the two need not
            agree.
        window_tolerance: How far a window may reach past the end of its video, in seconds.
        outside: What reading does with windows beyond that: ``error`` or ``clip``.
        augment: Name to transform of the augmentations with ``applicable(rows, clip_len)``: which samples they act on.
        targets: Transform that builds the training targets; None where there is none.
        path: The annotation file; None where the rows come from elsewhere.
        partial: Why these are not all rows of the annotation file; empty where they are.
    """

    name: str
    rows: Sequence[Row]
    spec: FeatureSpec | None = None
    stores: Mapping[str, Any] = field(default_factory=dict)
    tolerance: float | None = None
    window_tolerance: float = 0.1
    outside: str = 'error'
    augment: Mapping[str, Any] = field(default_factory=dict)
    targets: Any = None
    path: Path | None = None
    partial: str = ''

    @classmethod
    def of(cls, name: str, dataset: Any, **options: Any) -> Split:
        """The split that a data set holds.

        Args:
            name: What messages call it.
            dataset: A :class:`mmvmr.datasets.BaseMomentDataset`.
            options: Other attributes.
        """
        tolerance = duration_tolerance(dataset.pipeline.load)
        augment = {key: t for key, t in dataset.pipeline.augment.items() if hasattr(t, 'applicable')}
        options = {
            'augment': augment,
            'targets': dataset.pipeline.finish.get('targets'),
            'path': getattr(dataset, 'ann_path', None),
            **options,
        }
        return cls(name, dataset.rows, dataset.feature_spec, dataset.stores, tolerance, **options)

    @property
    def kind(self) -> str:
        """``train``, ``val`` or ``test``."""
        return self.name.split()[0]

    @property
    def clip_len(self) -> float:
        """Seconds per clip; 0 where nothing is declared."""
        return 0.0 if self.spec is None else self.spec.clip_len

    @cached_property
    def _lines(self) -> dict[Any, int]:
        if self.path is None:
            return {}
        return {row.get('qid'): line for line, row in iterate_jsonl(self.path) if isinstance(row, dict)}

    def place(self, row: Row) -> str:
        """Place of a row, for messages: ``train.jsonl:7, qid 3``, or the qid only where the rows come from no file."""
        line = self._lines.get(row['qid'])
        return f'qid {row["qid"]!r}' if line is None else f'{self.path}:{line}, qid {row["qid"]!r}'

    def videos(self) -> dict[Any, Row]:
        """Video to its first row."""
        rows: dict[Any, Row] = {}
        for row in self.rows:
            rows.setdefault(row['vid'], row)
        return rows


def duration_tolerance(load: Any) -> float | None:
    """Part of the duration by which clips x clip length may differ; None where a load transform does not compare."""
    return load.duration_tolerance if getattr(load, 'clip_time', None) == 'declared' else None
