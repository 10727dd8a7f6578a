"""Highlight detection metric."""

from __future__ import annotations

from typing import Any

from mmvmr.evaluation.functional import Protocol, check_predictions, evaluate_predictions, flatten_report
from mmvmr.evaluation.functional.validation import SALIENCY_KEY, has_labels, has_ratings
from mmvmr.evaluation.metrics.query_metric import QueryMetric
from mmvmr.registry import METRICS
from mmvmr.utils.io import write_jsonl


@METRICS.register_module()
class HighlightMetric(QueryMetric):
    """mAP and HIT@1 of the clip scores at every level of the annotators' ratings, or mAP against labels of every clip.

    Names of the figures: ``HL-min-VeryGood-mAP``, ``HL-min-VeryGood-Hit1`` and the same for ``Good`` and ``Fair``;
    ``HL-mAP`` for the protocols ``tvsum`` and ``youtube_highlights``.

    Args:
        protocol: Name of an evaluation protocol that scores highlights, or the protocol.
        outfile: Where to write the clip scores, one JSON object per line in the published form; None = nowhere.
        **kwargs: See :class:`QueryMetric`.

    Raises:
        ValueError: If the protocol does not score highlights.
    """

    def __init__(self, protocol: str | Protocol = 'qvhighlights', outfile: str | None = None, **kwargs: Any) -> None:
        super().__init__(protocol=protocol, **kwargs)
        self.outfile = outfile
        if not self.protocol.scores_highlights:
            raise ValueError(
                f'protocol {self.protocol.name!r} does not score highlights: remove HighlightMetric from the evaluator '
                'or choose a protocol with saliency_levels or a clip_rule'
            )

    def prediction(self, sample: dict[str, Any]) -> dict[str, Any]:
        """The clip scores of a sample, without its windows."""
        return super().prediction({**sample, 'pred_instances': None})

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Score the clip scores; empty when no query has ratings or the model predicts no saliency."""
        predictions = [result['prediction'] for result in results]
        annotations = [result['annotation'] for result in results]
        if self.outfile is not None and results:
            check_predictions(predictions, annotations)
            write_jsonl(self.outfile, predictions)
        rated, key = (has_ratings, 'saliency_scores') if self.protocol.clip_rule is None else (has_labels, 'label')
        if not any(rated(row) for row in annotations):
            self.warn(f'no sample has {key}: highlights are not scored')
            return {}
        if not any(SALIENCY_KEY in row for row in predictions):
            self.warn('the model predicts no saliency: highlights are not scored')
            return {}
        report = evaluate_predictions(predictions, annotations, self.protocol)
        if 'HL' in report.get('reasons', {}):
            self.warn(report['reasons']['HL'])
        return flatten_report(report)
