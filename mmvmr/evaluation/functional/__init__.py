"""Scoring of moment retrieval and highlight detection with numpy only."""

from mmvmr.evaluation.functional.clip_labels import (
    ClipLabelRule,
    clip_label_average_precision,
    trapezoid_average_precision,
)
from mmvmr.evaluation.functional.compare import compare_figures, slices
from mmvmr.evaluation.functional.corpus import CorpusRule, check_corpus_predictions, corpus_chance, evaluate_corpus
from mmvmr.evaluation.functional.evaluate import (
    evaluate_clip_labels,
    evaluate_highlights,
    evaluate_moments,
    evaluate_predictions,
)
from mmvmr.evaluation.functional.highlight import HighlightBatch, highlight_average_precision, hit_at_one
from mmvmr.evaluation.functional.moment import (
    MomentBatch,
    detection_average_precision,
    hull_iou,
    pairwise_iou,
    rank_iou,
)
from mmvmr.evaluation.functional.padding import pad_rows
from mmvmr.evaluation.functional.per_query import query_figures
from mmvmr.evaluation.functional.protocols import Protocol, get_protocol, protocol_names, register_protocol
from mmvmr.evaluation.functional.reports import flatten_report, report_to_json
from mmvmr.evaluation.functional.submission import check_submission
from mmvmr.evaluation.functional.units import unit_notes
from mmvmr.evaluation.functional.validation import check_annotations, check_predictions
from mmvmr.evaluation.functional.values import InputError

__all__ = [
    'ClipLabelRule',
    'CorpusRule',
    'HighlightBatch',
    'InputError',
    'MomentBatch',
    'Protocol',
    'check_annotations',
    'check_corpus_predictions',
    'check_predictions',
    'check_submission',
    'clip_label_average_precision',
    'compare_figures',
    'corpus_chance',
    'detection_average_precision',
    'evaluate_clip_labels',
    'evaluate_corpus',
    'evaluate_highlights',
    'evaluate_moments',
    'evaluate_predictions',
    'flatten_report',
    'get_protocol',
    'highlight_average_precision',
    'hit_at_one',
    'hull_iou',
    'pad_rows',
    'pairwise_iou',
    'protocol_names',
    'query_figures',
    'rank_iou',
    'register_protocol',
    'report_to_json',
    'slices',
    'trapezoid_average_precision',
    'unit_notes',
]
