"""Reading annotation files: one JSON object per line and per query, checked before training starts."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.logging import print_log

from mmvmr.datasets.agreement import Agreement
from mmvmr.datasets.schema import Issue, Rules, row_issues, unlabelled
from mmvmr.utils import check_choice
from mmvmr.utils.io import iterate_jsonl, regular_file


class AnnotationReader:
    """Reads and checks annotations of moments and of highlights.

    Known to be read without an issue: QVHighlights, Charades-STA, Charades-CD, TACoS, ActivityNet-Captions, TVSum and
    YouTube Highlights.

    :class:`mmvmr.datasets.schema.AnnotationRow` says what a row holds and checks it. Rows are returned as read, because
    evaluation compares with the annotation and not with what training makes of it.

    Args:
        window_tolerance: How far a window may reach past the end of the video, in seconds; annotations and video
            files are often rounded differently.
        outside: What to do with windows beyond that: ``error``, or ``clip`` for data sets that are known to have
            them (Charades-CD): targets are then cut to the video, and a window wholly outside gives no target.
        whole: Rows with a moment as long as the video: ``keep``, or ``drop`` (official BM-DETR).
        unlabelled: Rows without ``relevant_windows`` and without ``label``: ``keep`` (training refuses them), or
            ``drop``, with a line that says how many.
    """

    def __init__(
        self, window_tolerance: float = 0.1, outside: str = 'error', whole: str = 'keep', unlabelled: str = 'keep'
    ) -> None:
        self.whole = check_choice('annotations', 'whole', whole, ('keep', 'drop'))
        self.unlabelled = check_choice('annotations', 'unlabelled', unlabelled, ('keep', 'drop'))
        self.rules = Rules(window_tolerance, outside)

    def read(self, path: str | os.PathLike[str], limit: int | None = None) -> list[dict[str, Any]]:
        """Read and check a file.

        Args:
            path: The jsonl file.
            limit: Read only this many rows, the first ones.

        Returns:
            The rows in order.

        Raises:
            FileNotFoundError: If the file is absent.
            ValueError: If a line is not JSON or a row is impossible; the message names file, line, qid and field.
        """
        if limit is not None and limit <= 0:
            regular_file(path)
            return []
        rows: list[dict[str, Any]] = []
        agreement = Agreement()
        for line, row in iterate_jsonl(path):
            if isinstance(row, ValueError):
                raise row
            problem = _first(row_issues(row, self.rules) or agreement.issues(row, f'line {line}'))
            if problem:
                raise ValueError(
                    f'{path}:{line}: qid {row.get("qid", "(none)")!r}: {problem} '
                    '(tools/dataset_converters/validate.py lists the issues of all lines)'
                )
            rows.append(row)
            if len(rows) == limit:
                break
        if not rows:
            raise ValueError(f'{path}: no annotation in this file, expected one JSON object per line')
        return self.kept(rows, path)

    def kept(self, rows: Sequence[dict[str, Any]], path: str | os.PathLike[str]) -> list[dict[str, Any]]:
        """Leave out the rows that ``whole`` and ``unlabelled`` say; ``path`` is for the message."""
        left = [row for row in rows if self.whole == 'keep' or not covers_video(row)]
        bare = [row['qid'] for row in left if unlabelled(row)] if self.unlabelled == 'drop' else []
        if bare:
            text = f'{path}: {len(bare)} of {len(rows)} rows have no label and are left out (first qid {bare[0]!r})'
            print_log(text, logger='current', level=logging.WARNING)
            left = [row for row in left if not unlabelled(row)]
        return left


def _first(issues: Sequence[Issue]) -> str:
    """The first of several issues; one bad file may have thousands."""
    if not issues:
        return ''
    return str(issues[0]) + (f'; and {len(issues) - 1} more' if len(issues) > 1 else '')


def covers_video(row: Mapping[str, Any]) -> bool:
    """Check whether a row has a moment as long as the video, so that ``whole='drop'`` leaves it out."""
    return any(end - start >= row['duration'] for start, end in row.get('relevant_windows') or ())


def of_domain(rows: list[dict[str, Any]], domain: str, path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The rows of one ``domain``, in order (TVSum and YouTube Highlights train one model per domain).

    Raises:
        ValueError: If there is none.
    """
    chosen = [row for row in rows if row.get('domain') == domain]
    if not chosen:
        domains = sorted({str(row['domain']) for row in rows if 'domain' in row})
        raise ValueError(f'{path}: no row has domain={domain!r}, expected one of {domains}')
    return chosen
