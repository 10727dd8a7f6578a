"""Moment retrieval metric."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Any

from mmvmr.evaluation.functional import Protocol, check_predictions, evaluate_predictions, flatten_report
from mmvmr.evaluation.functional.validation import EXIST_KEY, WINDOWS_KEY
from mmvmr.evaluation.metrics.query_metric import QueryMetric
from mmvmr.registry import METRICS
from mmvmr.utils.io import write_jsonl


@METRICS.register_module()
class MomentRetrievalMetric(QueryMetric):
    """R1 (and R5) at IoU, mIoU and mAP, by length of the moment.

    Names of the figures: ``MR-full-mAP``, ``MR-full-mAP@0.5``, ``MR-full-R1@0.5``, ``MR-full-mIoU``,
    ``MR-short-mAP`` and so on, in percent. A length range without queries is NaN, with the reason in the log. With the
    protocol ``gmr`` the figures are those of queries that may have no moment: ``AUROC``, ``Rej-F1@0.4``, ``G-mIoU@1``.

    Args:
        protocol: Name of an evaluation protocol, or the protocol.
        outfile: Where to write the predictions, one JSON object per line in the published form, also for splits
            without ground truth; None = nowhere.
        ignore_existence: With the protocol ``gmr``: let the score of the best moment say whether there is one, as if
            the model had no existence head.
        **kwargs: See :class:`QueryMetric`.
    """

    def __init__(
        self,
        protocol: str | Protocol = 'qvhighlights',
        outfile: str | None = None,
        ignore_existence: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, **kwargs)
        self.outfile = outfile
        self.ignore_existence = ignore_existence

    def prediction(self, sample: dict[str, Any]) -> dict[str, Any]:
        """The prediction of a sample.

        Raises:
            ValueError: If the model predicted no moments.
        """
        if sample.get('pred_instances') is None:
            raise ValueError(
                f'sample {sample.get("qid")!r} has no pred_instances: MomentRetrievalMetric needs the windows and '
                "scores that a detector adds in mode='predict'"
            )
        return super().prediction(sample)

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Write the predictions and score them; empty when no query has ground truth."""
        if not results:
            self.warn('no sample was evaluated')
            return {}
        predictions = [result['prediction'] for result in results]
        annotations = [result['annotation'] for result in results]
        if self.outfile is not None:
            check_predictions(predictions, annotations)
            write_jsonl(self.outfile, predictions)
        labelled = [row.get('relevant_windows') for row in annotations]
        if not (any(labelled) if self.protocol.existence_rule is None else any(w is not None for w in labelled)):
            self.warn('no sample has relevant_windows (a test split with hidden ground truth?): nothing is scored')
            return {}
        moments_only = dataclasses.replace(self.protocol, saliency_levels=MappingProxyType({}))
        keys = ('qid', WINDOWS_KEY, *(() if self.ignore_existence else (EXIST_KEY,)))
        rows = [{key: row[key] for key in keys if key in row} for row in predictions]
        report = evaluate_predictions(rows, annotations, moments_only)
        for name, reason in report.get('reasons', {}).items():
            self.warn(f'{name}: {reason}')
        return flatten_report(report)
