"""Pages from prediction files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmvmr.evaluation.functional import query_figures
from mmvmr.report.page import Page, PageAnswer, PageQuery, PageVideo, write_page

#: Figures that are shown per query, where the protocol has them.
SHOWN = ('MR-full-mAP', 'MR-full-mIoU', 'HL-min-VeryGood-mAP', 'HL-mAP', 'mAP-all')


def write_prediction_report(
    predictions: Mapping[str, Sequence[dict[str, Any]]],
    annotations: Sequence[dict[str, Any]],
    path: Path,
    protocol: str = 'qvhighlights',
    title: str = 'Predictions',
    top: int = 5,
) -> Path:
    """Write a page of timelines with predicted and true moments, and sortable metrics per query.

    Args:
        predictions: Name of a model to its rows in the published form.
        annotations: Rows with the ground truth of the same queries.
        path: The HTML file.
        protocol: Name of the evaluation protocol, for the metrics.
        title: Heading.
        top: Moments per query and model.

    Returns:
        The same path.

    Raises:
        ValueError: If the rows are invalid, or a query has no duration.
    """
    for row in annotations:
        if not row.get('duration'):
            raise ValueError(f'page: qid {row["qid"]} has no duration in the annotations, which the timeline needs')
    figures = {
        name: query_figures(rows, annotations, protocol, source=name, reference='the annotations')
        for name, rows in predictions.items()
    }
    found = {name: {row['qid']: row for row in rows} for name, rows in predictions.items()}
    videos: dict[str, PageVideo] = {}
    for index, row in enumerate(annotations):
        answers = []
        for name in predictions:
            values = {figure: float(figures[name][figure][index]) for figure in SHOWN if figure in figures[name]}
            metrics = {figure: round(value, 2) for figure, value in values.items() if value == value}
            answers.append(_answer(found[name][row['qid']], metrics, top))
        truth = row.get('relevant_windows')
        truth = None if truth is None else [(float(start), float(end)) for start, end in truth]
        vid = str(row['vid'])
        video = videos.setdefault(vid, PageVideo(vid, float(row['duration']), []))
        video.queries.append(PageQuery(row['query'], answers, truth))
    notes = [f'Metrics per query in percent, by the protocol {protocol}.']
    return write_page(Page(title, list(predictions), list(videos.values()), notes), path)


def _answer(row: dict[str, Any], metrics: dict[str, float], top: int) -> PageAnswer:
    moments = (row.get('pred_relevant_windows') or [])[:top]  # their order is the ranking, as for the metrics
    scores = row.get('pred_saliency_scores')
    saliency = None
    if scores:
        values = np.asarray(scores, dtype=float)
        span = values.max() - values.min()
        saliency = np.round((values - values.min()) / (span or 1.0), 4).tolist()
    return PageAnswer([(float(m[0]), float(m[1]), float(m[2])) for m in moments], saliency, metrics)
