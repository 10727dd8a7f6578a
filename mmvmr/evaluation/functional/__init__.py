"""Scoring of moment retrieval and highlight detection with numpy alone."""

from .clip_labels import ClipLabelRule, clip_label_average_precision, trapezoid_average_precision
from .evaluate import (
    evaluate_clip_labels,
    evaluate_highlights,
    evaluate_moments,
    evaluate_predictions,
    flatten_report,
    report_to_json,
)
from .highlight import HighlightBatch, highlight_average_precision, hit_at_one
from .moment import MomentBatch, detection_average_precision, hull_iou, pairwise_iou, rank_iou
from .padding import pad_rows
from .protocols import Protocol, get_protocol, protocol_names, register_protocol
from .validation import InputError, check_annotations, check_predictions

__all__ = [
    'ClipLabelRule',
    'HighlightBatch',
    'InputError',
    'MomentBatch',
    'Protocol',
    'check_annotations',
    'check_predictions',
    'clip_label_average_precision',
    'detection_average_precision',
    'evaluate_clip_labels',
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
    'rank_iou',
    'register_protocol',
    'report_to_json',
    'trapezoid_average_precision',
]
