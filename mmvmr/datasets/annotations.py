"""Reading annotation files: one JSON object per line and per query, checked before training starts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmvmr.datasets.schema import Fault, Rules, row_faults
from mmvmr.utils import check_choice, read_jsonl


class AnnotationReader:
    """Reads and checks annotations of moments and of highlights.

    Known to be read without a fault: QVHighlights, Charades-STA, Charades-CD, TACoS, ActivityNet-Captions, TVSum and
    YouTube Highlights.

    :class:`mmvmr.datasets.schema.AnnotationRow` says what a row holds and checks it. Rows are returned as read, because
    evaluation compares with the annotation and not with what training makes of it.

    Args:
        window_tolerance: How far a window may reach past the end of the video, in seconds; annotations and video
            files are often rounded differently.
        outside: What to do with windows beyond that: ``error``, or ``clip`` for data sets that are known to have
            them (Charades-CD): targets are then cut to the video, and a window wholly outside gives no target.
        whole: Rows with a moment as long as the video: ``keep``, or ``drop`` (official BM-DETR).
    """

    def __init__(self, window_tolerance: float = 0.1, outside: str = 'error', whole: str = 'keep') -> None:
        self.whole = check_choice('annotations', 'whole', whole, ('keep', 'drop'))
        self.rules = Rules(window_tolerance, outside)

    def read(self, path: str | os.PathLike[str], limit: int | None = None) -> list[dict[str, Any]]:
        """Read and check a file.

        Args:
            path: The jsonl file.
            limit: Read only the first so many rows.

        Returns:
            The rows in order.

        Raises:
            FileNotFoundError: If the file is absent.
            ValueError: If a line is not JSON or a row is impossible; the message names file, line, qid and field.
        """
        rows = read_jsonl(path, limit)
        if not rows:
            raise ValueError(f'{path}: no annotation in this file, expected one JSON object per line')
        seen: dict[Any, int] = {}
        for number, row in enumerate(rows):
            problem = _first(row_faults(row, self.rules))
            if not problem and row['qid'] in seen:
                problem = f'the qid occurs in line {_line(path, seen[row["qid"]])} already; make every qid unique'
            if problem:
                raise ValueError(
                    f'{path}:{_line(path, number)}: qid {row.get("qid", "(none)")!r}: {problem} '
                    '(tools/dataset_converters/validate.py lists the faults of all lines)'
                )
            seen[row['qid']] = number
        return [row for row in rows if self.whole == 'keep' or not covers_video(row)]


def _first(faults: Sequence[Fault]) -> str:
    """The first of several faults; one bad file may have thousands."""
    if not faults:
        return ''
    return str(faults[0]) + (f'; and {len(faults) - 1} more' if len(faults) > 1 else '')


def covers_video(row: Mapping[str, Any]) -> bool:
    """Whether a row has a moment as long as the video.

    Args:
        row: Annotation row.

    Returns:
        True where ``whole='drop'`` leaves it out.
    """
    return any(end - start >= row['duration'] for start, end in row.get('relevant_windows') or ())


def of_domain(rows: list[dict[str, Any]], domain: str, path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The rows of one domain (TVSum and YouTube Highlights train one model per domain).

    Args:
        rows: Annotation rows.
        domain: Value of their key ``domain``.
        path: The file they come from, for the message.

    Returns:
        The rows of that domain, in order.

    Raises:
        ValueError: If there is none.
    """
    chosen = [row for row in rows if row.get('domain') == domain]
    if not chosen:
        known = sorted({str(row['domain']) for row in rows if 'domain' in row})
        raise ValueError(f'{path}: no row has domain={domain!r}, expected one of {known}')
    return chosen


def _line(path: str | os.PathLike[str], row: int) -> int:
    """Line of the ``row``-th object of a file; only computed for a message, as empty lines are rare."""
    with Path(path).open('rb') as lines:
        filled = [number for number, line in enumerate(lines, start=1) if line.strip()]
    return filled[row]
