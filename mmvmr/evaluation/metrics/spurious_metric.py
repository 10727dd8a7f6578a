"""Spurious metric: figures of moments that are still retrieved after they were masked."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from mmvmr.evaluation.functional import Protocol, evaluate_moments
from mmvmr.evaluation.functional.validation import WINDOWS_KEY
from mmvmr.evaluation.metrics.query_metric import QueryMetric, annotation_row, prediction_row
from mmvmr.registry import METRICS


def spurious_figures(report: dict[str, Any], thresholds: Sequence[float]) -> dict[str, float]:
    """The figures that TD-DETR reports of predictions on masked videos.

    Args:
        report: Of :func:`mmvmr.evaluation.functional.evaluate_moments`.
        thresholds: IoU thresholds of recall.

    Returns:
        ``Spurious-mAP``, ``Spurious-mAP@0.75``, ``Spurious-mIoU`` and ``Spurious-R1@<threshold>``, in percent.
    """
    full = report['full']
    figures = {
        'Spurious-mAP': full['MR-mAP']['average'],
        'Spurious-mAP@0.75': full['MR-mAP']['0.75'],
        'Spurious-mIoU': full['MR-mIoU'],
    }
    return {**figures, **{f'Spurious-R1@{t}': full['MR-R1'][str(t)] for t in thresholds}}


def mean_ap_ratio(plain: float, spurious: float) -> float:
    """The ratio mAP / Spurious mAP; NaN where nothing spurious is found."""
    return round(plain / spurious, 3) if spurious > 0 else math.nan


@METRICS.register_module()
class SpuriousMetric(QueryMetric):
    """R1 and mAP of the predictions on masked videos against the true windows, the lower the better (TD-DETR).

    It scores a view that :class:`mmvmr.datasets.transforms.MaskTargets` adds, in the pass that predicts the samples
    themselves::

        val_dataloader = dict(dataset=dict(pipeline=dict(augment=dict(
            spurious=dict(type='MaskTargets', view='spurious')))))
        val_evaluator = [dict(type='MomentRetrievalMetric'), dict(type='SpuriousMetric')]

    Names of the figures: ``Spurious-mAP``, ``Spurious-mAP@0.75``, ``Spurious-mIoU``, ``Spurious-R1@0.5`` and so on in
    percent, and ``Spurious-ratio``, mAP / Spurious mAP.

    Args:
        protocol: Name of an evaluation protocol, or the protocol.
        view: Name of the view.
        thresholds: IoU thresholds of recall.
        **kwargs: See :class:`QueryMetric`.

    Raises:
        ValueError: If the protocol scores no moments or not at one of the thresholds.
    """

    def __init__(
        self,
        protocol: str | Protocol = 'qvhighlights',
        view: str = 'spurious',
        thresholds: Sequence[float] = (0.5, 0.7, 0.9),
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, **kwargs)
        if not self.protocol.lengths:
            raise ValueError(f'SpuriousMetric: protocol {self.protocol.name!r} scores no moments')
        if unknown := sorted(set(thresholds) - set(self.protocol.recall_thresholds)):
            raise ValueError(
                f'SpuriousMetric: thresholds {unknown}: expected some of {self.protocol.recall_thresholds}'
            )
        self.view = view
        self.thresholds = tuple(thresholds)

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep the masked predictions of a batch, each with the plain one of its query; ValueError without any."""
        masked = [sample for sample in data_samples if sample.get('view') == self.view]
        if not masked:
            raise ValueError(
                f'SpuriousMetric: no sample has the view {self.view!r}; add it to the data set: '
                f"dataset.pipeline.augment.{self.view}=dict(type='MaskTargets', view='{self.view}')"
            )
        plain = {s['qid']: prediction_row(s) for s in data_samples if s.get('view', 'main') == 'main'}
        for sample in masked:
            self.results.append(
                {
                    'prediction': prediction_row(sample),
                    'plain': plain.get(sample['qid']),
                    'annotation': annotation_row(sample),
                }
            )

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Score the masked predictions; empty when no query has ground truth."""
        results = [result for result in results if result['annotation'].get('relevant_windows')]
        if not results:
            self.warn('no sample has relevant_windows: nothing is scored')
            return {}
        figures = spurious_figures(self._report(results, 'prediction'), self.thresholds)
        if all(result['plain'] is not None for result in results):
            plain = self._report(results, 'plain')['full']['MR-mAP']['average']
            figures['Spurious-ratio'] = mean_ap_ratio(plain, figures['Spurious-mAP'])
        return figures

    def _report(self, results: list[dict[str, Any]], key: str) -> dict[str, Any]:
        everything = dataclasses.replace(self.protocol, lengths=MappingProxyType({'full': None}))
        predictions = [result[key][WINDOWS_KEY] for result in results]
        return evaluate_moments(predictions, [r['annotation']['relevant_windows'] for r in results], everything)
