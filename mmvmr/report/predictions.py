"""Pages of data sets: true moments, and what models predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmvmr.evaluation.functional import Protocol, get_protocol, query_figures
from mmvmr.preparation.statistics import clip_ratings
from mmvmr.report.page import Page, PageAnswer, PageQuery, PageVideo, write_page

#: Figures that are shown per query, where the protocol has them; the first one there is ranks the queries.
SHOWN = ('MR-full-mAP', 'MR-full-mIoU', 'HL-min-VeryGood-mAP', 'HL-mAP', 'mAP-all')
#: Choices of queries: all; from best to worst at equal distances; one end of the ranking.
CHOICES = ('all', 'spread', 'best', 'worst')

Row = Mapping[str, Any]
Rows = Sequence[dict[str, Any]]


def write_prediction_report(
    predictions: Mapping[str, Sequence[dict[str, Any]]],
    annotations: Sequence[dict[str, Any]],
    path: Path,
    protocol: str | Protocol = 'qvhighlights',
    title: str = 'Predictions',
    top: int = 5,
    show: Sequence[str] = ('all',),
    count: int = 20,
    videos: Mapping[str, Path] | None = None,
) -> Path:
    """Write a page of timelines with predicted and true moments, and sortable metrics per query.

    Args:
        predictions: Name of a model to its rows in the published form; without models the page shows what is true.
        annotations: Rows with the ground truth of the same queries.
        path: The HTML file.
        protocol: Evaluation protocol or its name, for the metrics.
        title: Heading.
        top: Moments per query and model.
        show: One of :data:`CHOICES`, or qids. Queries of one model are ranked by its first metric, those of two models
            by the difference of the first model and the second.
        count: Queries that ``spread``, ``best`` and ``worst`` show.
        videos: Name of a video to its file, where there are files.

    Raises:
        ValueError: If the rows are invalid, a query has no duration, or there is no such query to show.
    """
    for row in annotations:
        if not row.get('duration'):
            raise ValueError(f'page: qid {row["qid"]} has no duration in the annotations, which the timeline needs')
    protocol = get_protocol(protocol)
    if protocol.corpus_rule is not None:
        raise ValueError(f'page: it shows moments of one video, and the protocol {protocol.name!r} has those of many')
    figures = {name: _figures(rows, annotations, protocol, name) for name, rows in predictions.items()}
    by_qid = {name: {row['qid']: row for row in rows} for name, rows in predictions.items()}
    difference = _difference(figures)
    ranking = next(iter((difference or next(iter(figures.values()), {})).values()), None)
    pages: dict[str, PageVideo] = {}
    for index in _chosen(annotations, ranking, show, count):
        row = annotations[index]
        answers = [_answer(by_qid[name][row['qid']], _metrics(figures[name], index), top) for name in predictions]
        windows = row.get('relevant_windows')
        truth = None if windows is None else [(float(start), float(end)) for start, end in windows]
        metrics = {**_metrics(difference, index), **_of_truth(truth)}
        query = PageQuery(str(row['query']), answers, truth, _ratings(row, protocol.clip_len), metrics)
        vid = str(row['vid'])
        file = (videos or {}).get(vid)
        pages.setdefault(vid, PageVideo(vid, float(row['duration']), [], file)).queries.append(query)
    notes = [f'{name}: {_means(part)}' for name, part in figures.items()]
    if figures:
        notes.append(f'Metrics in percent, by the protocol {protocol.name}, over all {len(annotations)} queries')
    if videos is not None and (absent := sum(video.path is None for video in pages.values())):
        notes.append(f'{absent} of {len(pages)} videos have no file')
    return write_page(Page(title, list(predictions), list(pages.values()), notes), path)


Figures = Mapping[str, np.ndarray]


def _figures(rows: Rows, annotations: Rows, protocol: Protocol, name: str) -> Figures:
    figures = query_figures(rows, annotations, protocol, source=name, reference='the annotations')
    return {figure: figures[figure] for figure in SHOWN if figure in figures}


def _difference(figures: Mapping[str, Figures]) -> Figures:
    """The first figure of two models, one minus the other."""
    if len(figures) != 2:
        return {}
    first, second = figures.values()
    return {f'difference of {name}': first[name] - second[name] for name in [*first][:1] if name in second}


def _metrics(figures: Figures, index: int) -> dict[str, float]:
    """The figures of a query that are defined."""
    values = {name: float(values[index]) for name, values in figures.items()}
    return {name: round(value, 2) for name, value in values.items() if value == value}


def _means(figures: Figures) -> str:
    return ', '.join(f'{name} {np.nanmean(values):.2f}' for name, values in figures.items())


def _of_truth(truth: Sequence[tuple[float, float]] | None) -> dict[str, float]:
    """Number and length of the true moments."""
    if not truth:
        return {}
    mean = float(np.mean([end - start for start, end in truth]))
    return {'mean length (s)': round(mean, 2), 'moments': len(truth)}


def _ratings(row: Row, clip_len: float) -> list[float] | None:
    ratings = clip_ratings(row, clip_len)
    if ratings is None or max(ratings) <= 0:
        return None
    return [round(rating / max(ratings), 4) for rating in ratings]


def _chosen(annotations: Sequence[Row], ranking: np.ndarray | None, show: Sequence[str], count: int) -> list[int]:
    """Positions of the queries that are shown; see :func:`write_prediction_report`."""
    if list(show) == ['all']:
        return list(range(len(annotations)))
    if len(show) > 1 or show[0] not in CHOICES:
        positions = {str(row['qid']): index for index, row in enumerate(annotations)}
        if unknown := [qid for qid in show if qid not in positions]:
            raise ValueError(f'show: no query has the qid {unknown[0]!r}; expected qids or one of {", ".join(CHOICES)}')
        return [positions[qid] for qid in dict.fromkeys(show)]
    ranked = list(range(len(annotations)))
    if ranking is not None:
        ranked = sorted((i for i in ranked if ranking[i] == ranking[i]), key=lambda i: (-ranking[i], i))
    elif show[0] != 'spread':
        raise ValueError(f'show: {show[0]} needs predictions to rank the queries by; expected all, spread or qids')
    count = min(count, len(ranked))
    if show[0] == 'spread':
        return [ranked[int((k + 0.5) * len(ranked) / count)] for k in range(count)]
    return ranked[:count] if show[0] == 'best' else ranked[::-1][:count]


def _answer(row: Row, metrics: dict[str, float], top: int) -> PageAnswer:
    moments = (row.get('pred_relevant_windows') or [])[:top]  # their order is the ranking, as for the metrics
    scores = row.get('pred_saliency_scores')
    saliency = None
    if scores:
        values = np.asarray(scores, dtype=float)
        span = values.max() - values.min()
        saliency = np.round((values - values.min()) / (span or 1.0), 4).tolist()
    return PageAnswer([(float(m[0]), float(m[1]), float(m[2])) for m in moments], saliency, metrics)
