"""TimeLens-Bench: Charades, ActivityNet and QVHighlights annotated again, and the results of its evaluation."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmvmr.datasets.schema import row_issues, shown
from mmvmr.preparation.converters.answers import windows_of_answer
from mmvmr.preparation.converters.by_video import by_name, video_rows
from mmvmr.preparation.converters.located import LocatedRow
from mmvmr.utils.io import iterate_jsonl, read_json

#: Between video, sentence and true window in the keys of results.
_BETWEEN = '>>>'


def clean_sentence(text: str) -> str:
    """A sentence as the official prompts have it: single spaces, no full stop at the end."""
    return re.sub(r'\s+', ' ', text).strip().strip('.').strip()


def timelens_rows(path: str | os.PathLike[str]) -> list[LocatedRow]:
    """Read annotations, ``{video: {duration, spans, queries}}`` with a span per query.

    Args:
        path: The JSON file.

    Returns:
        One row per sentence, in order, with qids such as ``3MSZA_0``.

    Raises:
        ValueError: If the file has another form.
    """
    rows = video_rows(path, by_name, keys=('queries', 'spans'))
    for located in rows:
        if isinstance(located.row.get('query'), str):
            located.row['query'] = clean_sentence(located.row['query'])
    return rows


def timelens_predictions(
    path: str | os.PathLike[str], annotations: Sequence[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], int]:
    """Read results of the official evaluation: ``{"video>>>sentence>>>span": {timestamps, answers}}``.

    Windows that begin after the end of the video or end before they start, which the official code writes for answers
    that it cannot read, overlap with nothing and are left out.

    Args:
        path: A JSON object, or jsonl with objects.
        annotations: Rows that :func:`timelens_rows` makes, with qid.

    Returns:
        Predictions in the order of the annotations, whose windows score 1, 1/2, 1/3, ...; and how many of them have no
        window.

    Raises:
        ValueError: If an annotation is wrong, a result has none or another form, or two results are of one query.
    """
    by_text: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for number, row in enumerate(annotations, start=1):
        if issues := row_issues(row):
            raise ValueError(f'annotation {number}: {issues[0]}; give the file that timelens.py wrote')
        by_text.setdefault((row['vid'], row['query']), []).append(row)
    windows_of: dict[Any, list[list[float]]] = {}
    for key, result in _results(path):
        row = _annotation(path, key, by_text)
        if row['qid'] in windows_of:
            raise ValueError(f'{path}: two results are of qid {row["qid"]!r}, {key!r}; remove one')
        windows_of[row['qid']] = list(_windows(path, key, result, row['duration']))
    rows = [
        {
            **{name: row[name] for name in ('qid', 'query', 'vid')},
            'pred_relevant_windows': [[*w, 1 / rank] for rank, w in enumerate(windows_of[row['qid']], start=1)],
        }
        for row in annotations
        if row['qid'] in windows_of
    ]
    return rows, sum(not row['pred_relevant_windows'] for row in rows)


def _results(path: str | os.PathLike[str]) -> Iterator[tuple[str, Any]]:
    parts = (line for _, line in iterate_jsonl(path)) if Path(path).suffix == '.jsonl' else [read_json(path)]
    for part in parts:
        if isinstance(part, ValueError):
            raise part
        if not isinstance(part, dict):
            raise ValueError(f'{path}: found {shown(part)}, expected an object {{"video>>>sentence>>>span": ...}}')
        yield from part.items()


def _annotation(
    path: str | os.PathLike[str], key: str, by_text: Mapping[tuple[str, str], list[Mapping[str, Any]]]
) -> Mapping[str, Any]:
    """The annotation that a key names; the span tells equal sentences of a video apart."""
    parts = key.split(_BETWEEN)
    if len(parts) != 3:
        raise ValueError(f'{path}: key {key!r}, expected video>>>sentence>>>span')
    video, sentence, span = parts
    rows = by_text.get((video.removesuffix('.mp4'), clean_sentence(sentence)), [])
    if len(rows) > 1:
        try:
            window = [float(value) for value in ast.literal_eval(span)]
        except (MemoryError, RecursionError, SyntaxError, TypeError, ValueError):  # deep nesting as well
            raise ValueError(
                f'{path}: key {key!r}: {span!r} is not a window, expected [start, end] in seconds'
            ) from None
        rows = [row for row in rows if row.get('relevant_windows') == [window]][:1]
    if not rows:
        raise ValueError(f'{path}: key {key!r} is of no query of the annotations; give those of the same data set')
    return rows[0]


def _windows(path: str | os.PathLike[str], key: str, result: Any, duration: float) -> Iterator[list[float]]:
    if not isinstance(result, dict) or not {'timestamps', 'answers'} & set(result):
        raise ValueError(f'{path}: result of {key!r} is {shown(result)}, expected an object with timestamps or answers')
    windows, answer = result.get('timestamps'), result.get('answers')
    if windows is None:
        if not isinstance(answer, str):
            raise ValueError(f'{path}: answers of {key!r} is {shown(answer)}, expected a text, or timestamps')
        windows = windows_of_answer(answer, duration) or []
    elif not isinstance(windows, list) or not all(map(_is_window, windows)):
        raise ValueError(f'{path}: timestamps of {key!r} are {shown(windows)}, expected [[start, end], ...] in seconds')
    for window in windows:
        start, end = map(float, window)
        if start < min(end, duration):
            yield [start, end]


def _is_window(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(time) in (int, float) for time in value)
