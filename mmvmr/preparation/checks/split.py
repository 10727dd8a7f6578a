"""A split as the checks see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmvmr.structures import FeatureSpec

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Split:
    """Annotations of a split and what lies beside them.

    Attributes:
        name: What messages call it; its first word is ``train``, ``val`` or ``test``.
        rows: Annotation rows.
        spec: The declared features; None where a data set declares none.
        stores: Stream name to feature store; empty where features are not looked at.
        tolerance: How far clips x clip length may be from the duration, as a part of it; None where the two need not
            agree.
        window_tolerance: How far a window may reach past the end of its video, in seconds.
        outside: What reading does with windows beyond that: ``error`` or ``clip``.
        augment: Name to transform of the augmentations that can say which samples they act on (``applicable``).
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
    partial: str = ''

    @classmethod
    def of(cls, name: str, dataset: Any, **options: Any) -> Split:
        """The split that a data set holds.

        Args:
            name: What messages call it.
            dataset: A :class:`mmvmr.datasets.BaseMomentDataset`.
            options: Other attributes.

        Returns:
            The split.
        """
        tolerance = duration_tolerance(dataset.pipeline.load)
        augment = {key: t for key, t in dataset.pipeline.augment.items() if hasattr(t, 'applicable')}
        return cls(name, dataset.rows, dataset.feature_spec, dataset.stores, tolerance, augment=augment, **options)

    @property
    def kind(self) -> str:
        """``train``, ``val`` or ``test``."""
        return self.name.split()[0]

    @property
    def clip_len(self) -> float:
        """Seconds per clip; 0 where nothing is declared."""
        return 0.0 if self.spec is None else self.spec.clip_len

    def videos(self) -> dict[Any, Row]:
        """Video to its first row."""
        rows: dict[Any, Row] = {}
        for row in self.rows:
            rows.setdefault(row['vid'], row)
        return rows


def duration_tolerance(load: Any) -> float | None:
    """How far a load transform lets clips x clip length be from the duration.

    Args:
        load: The transform.

    Returns:
        A part of the duration; None where it does not compare them.
    """
    return load.duration_tolerance if getattr(load, 'clip_time', None) == 'declared' else None
