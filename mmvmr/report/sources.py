"""Pages from the answers of a finder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmvmr.evaluation.functional.moment import pairwise_iou
from mmvmr.report.page import Page, PageAnswer, PageQuery, PageVideo, write_page

if TYPE_CHECKING:
    from mmvmr.apis.answers import Answer, Answers


def answer_page(models: Sequence[Answers]) -> Page:
    """A page of one video, with the answers of one model or of several to the same sentences.

    Args:
        models: The answers of every model.

    Raises:
        ValueError: If there is no model, or they were asked different sentences.
    """
    if not models:
        raise ValueError('report: no answers were given')
    first = models[0]
    sentences = [answer.query for answer in first]
    for other in models[1:]:
        if [answer.query for answer in other] != sentences:
            raise ValueError(f'report: {other.model} was asked other sentences than {first.model}; ask all the same')
    queries = []
    for row in zip(*models):
        truth = next((list(answer.truth) for answer in row if answer.truth), None)
        queries.append(PageQuery(row[0].query, [_page_answer(answer, truth) for answer in row], truth))
    names = [answers.model or f'model {number}' for number, answers in enumerate(models, start=1)]
    notes = list(dict.fromkeys(note for answers in models for note in answers.notes))
    return Page(first.name, names, [PageVideo(first.name, first.duration, queries, first.path)], notes)


def _page_answer(answer: Answer, truth: list[tuple[float, float]] | None) -> PageAnswer:
    moments = [(m.start, m.end, m.score) for m in answer.moments]
    saliency = None if answer.saliency is None else [round(float(value), 4) for value in answer.saliency]
    metrics = {} if answer.probability is None else {'in this video (%)': round(100 * answer.probability, 1)}
    if truth:
        first = np.array([moments[0][:2] if moments else (0.0, 0.0)])
        metrics['IoU'] = float(pairwise_iou(first, np.array(truth)).max())
    return PageAnswer(moments, saliency, metrics)


def write_answer_report(answers: Answers | Sequence[Answers], path: Path, embed: bool = False) -> Path:
    """Write the page of one video.

    Args:
        answers: The answers of one model, or of several models to the same sentences.
        path: The HTML file.
        embed: See :func:`mmvmr.report.write_page`.
    """
    models = answers if isinstance(answers, (list, tuple)) else [answers]
    return write_page(answer_page(models), path, embed)
