"""Targets of data sets that label every clip and no moment: TVSum, YouTube Highlights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmvmr.datasets.schema import UNLABELLED, Issue
from mmvmr.registry import TASK_UTILS, TRANSFORMS


class ClipTable(NamedTuple):
    """Label table of a video as a source of labels presents it.

    Attributes:
        saliency: Rating of every clip (L,), float32.
        clips: Clips that count as highlights (L,) bool.
    """

    saliency: np.ndarray
    clips: np.ndarray


@TASK_UTILS.register_module()
class AnnotatorLabels:
    """Many annotators rate every clip from 1 (TVSum: 20 annotators, 1 to 5).

    The rating is the sum over the annotators of (label - 1), brought to 0..``scale`` (QD-DETR). The better rated half
    of the clips counts as highlight (TR-DETR); among equal clips the earlier ones.

    Args:
        best: Best label of one annotator.
        scale: Rating of a clip that all annotators label best.
    """

    def __init__(self, best: float = 5.0, scale: float = 12.0) -> None:
        self.best = best
        self.scale = scale

    def issue(self, labels: np.ndarray) -> Issue | None:
        """Reason why labels cannot be rated.

        Args:
            labels: Labels (L, A).

        Returns:
            The issue; None for labels on the scale.
        """
        fix = 'bring the labels to this scale, set pipeline.targets.labels.best, or use BinaryLabels for 0 and 1'
        return _outside_scale(labels, (labels >= 1) & (labels <= self.best), f'1 to {self.best:g}', fix)

    def __call__(self, labels: np.ndarray) -> ClipTable:
        """Rate the clips of a video.

        Args:
            labels: Labels (L, A).

        Returns:
            Ratings and highlights.

        Raises:
            ValueError: If a label is outside the scale.
        """
        _refuse(self, labels)
        total = (labels - 1).sum(axis=1)
        clips = np.zeros(len(total), dtype=bool)
        clips[np.argsort(-total, kind='stable')[: (len(total) + 1) // 2]] = True
        return ClipTable((total / (labels.shape[1] * (self.best - 1)) * self.scale).astype(np.float32), clips)


@TASK_UTILS.register_module()
class BinaryLabels:
    """One label per clip, 0 or 1 (YouTube Highlights)."""

    def issue(self, labels: np.ndarray) -> Issue | None:
        """Reason why labels cannot be rated; as :meth:`AnnotatorLabels.issue`, with A = 1."""
        fix = "write one label of 0 or 1 per clip, or set pipeline.targets.labels.type='AnnotatorLabels'"
        if labels.shape[1] != 1:
            return Issue('label', f'has {labels.shape[1]} annotators, expected one', fix)
        return _outside_scale(labels, (labels == 0) | (labels == 1), '0 or 1', fix)

    def __call__(self, labels: np.ndarray) -> ClipTable:
        """Rate the clips of a video; as :meth:`AnnotatorLabels.__call__`, with A = 1."""
        _refuse(self, labels)
        return ClipTable(labels[:, 0].astype(np.float32), labels[:, 0] > 0)


def _outside_scale(labels: np.ndarray, inside: np.ndarray, scale: str, fix: str) -> Issue | None:
    if inside.all():
        return None
    clip, annotator = np.argwhere(~inside)[0]
    return Issue(f'label[{clip}][{annotator}]', f'is {labels[clip, annotator]:g}, expected {scale}', fix)


def _refuse(source: AnnotatorLabels | BinaryLabels, labels: np.ndarray) -> None:
    if issue := source.issue(labels):
        raise ValueError(f'{type(source).__name__}: {issue}')


@TRANSFORMS.register_module()
class BuildHighlightTargets(BaseTransform):
    """Fill ``gt_saliency`` (L,), ``gt_clips`` (L,) bool and one pair in ``gt_pairs`` (2, 1); ``gt_spans`` (0, 2).

    The pair is the best and the worst rated clip; a stable sort decides between equal ones. Where features and labels
    differ in length by a little, both are cut to the shorter (QD-DETR cuts TVSum in the same way). A sample without
    ``label`` is left as it is.

    Args:
        labels: Config of the ratings: :class:`AnnotatorLabels` or :class:`BinaryLabels`.
        length_tolerance: How far the number of labels may be from the number of clips, as a part of the labels; two
            are always allowed. More means features at another clip length, whose labels would all be displaced.
    """

    def __init__(self, labels: dict[str, Any], length_tolerance: float = 0.1) -> None:
        self.labels = TASK_UTILS.build(labels)
        self.length_tolerance = length_tolerance

    def row_issues(self, row: Mapping[str, Any], missing: bool = True) -> list[Issue]:
        """Reasons why a row cannot be trained on.

        Args:
            row: Annotation row.
            missing: Whether absent labels are one; otherwise only labels that are there are checked.

        Returns:
            The issues; empty for a row that can be trained on.
        """
        if row.get('label') is None:
            fix = f'write one list of labels per clip; {UNLABELLED}'
            return [Issue('label', 'is missing', fix)] if missing else []
        check = getattr(self.labels, 'issue', None)  # labels of other packages may have nothing to check
        issue = None if check is None else check(np.asarray(row['label'], dtype=np.float64))
        return [] if issue is None else [issue]

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Build the targets.

        Args:
            results: The sample, with ``video_feat``.

        Returns:
            The sample with targets.

        Raises:
            ValueError: If the numbers of labels and clips do not belong together.
        """
        if results.get('label') is None:
            return results
        table = np.asarray(results['label'], dtype=np.float64)
        available = self._available(results, len(table))
        length = min(available, len(table))
        results['video_feat'] = results['video_feat'][:length]
        saliency, clips = (part[:length] for part in self.labels(table))
        order = np.argsort(saliency, kind='stable')
        results['gt_spans'] = torch.zeros(0, 2)
        results['gt_saliency'], results['gt_clips'] = saliency, clips
        results['gt_pairs'] = np.array([[order[-1]], [order[0]]], dtype=np.int64)
        return results

    def _available(self, results: dict[str, Any], count: int) -> int:
        available = len(results['video_feat'])
        cut = getattr(self, 'max_clips', None) == available  # a video cut on purpose has more labels than clips
        if not cut and abs(available - count) > self.length_tolerance * count + 2:
            raise ValueError(
                f'vid {results["vid"]!r}: {available} clips of features for {count} labels; these features were '
                'extracted at another clip length: use those of the published archives (one vector per label)'
            )
        return available

    def bind(self, dataset: Any) -> None:
        """Take the largest number of clips from the data set."""
        self.max_clips = dataset.feature_spec.max_clips
