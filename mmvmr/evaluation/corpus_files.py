"""Prediction files of a collection: JSON lines, and the one JSON object that TVR's evaluator reads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmvmr.evaluation.functional.corpus import MOMENTS_KEY, VIDEOS_KEY
from mmvmr.evaluation.functional.protocols import Protocol, get_protocol
from mmvmr.utils.io import read_json, read_jsonl, write_json, write_jsonl

Row = dict[str, Any]
#: Task of TVR's file to the key of a row.
_TASKS = {'VCMR': MOMENTS_KEY, 'VR': VIDEOS_KEY}


def read_predictions(path: str | os.PathLike[str], protocol: str | Protocol) -> list[Row]:
    """Read a prediction file, for the protocol ``corpus`` also TVR's ``.json``.

    Args:
        path: The file.
        protocol: Protocol or its name.

    Returns:
        Its rows.

    Raises:
        ValueError: If the file is of another form.
    """
    if get_protocol(protocol).corpus_rule is not None and Path(path).suffix == '.json':
        return _from_tvr(read_json(path), path)
    return read_jsonl(path)


def _from_tvr(content: Any, path: str | os.PathLike[str]) -> list[Row]:
    names = content.get('video2idx') if isinstance(content, dict) else None
    tasks = [task for task in _TASKS if isinstance(content, dict) and isinstance(content.get(task), list)]
    if not isinstance(names, dict) or not tasks:
        raise ValueError(
            f'{path}: expected an object with `video2idx` and a list `VCMR` or `VR`, as TVR submissions have'
        )
    by_number = {number: name for name, number in names.items()}
    rows: dict[Any, Row] = {}
    for task in tasks:
        for i, entry in enumerate(content[task]):
            where = f'{path}: {task}[{i}]'
            if not isinstance(entry, dict) or 'desc_id' not in entry or not isinstance(entry.get('predictions'), list):
                raise ValueError(f'{where}: expected an object with `desc_id` and a list `predictions`')
            row = rows.setdefault(entry['desc_id'], {'qid': entry['desc_id'], 'query': entry.get('desc')})
            if _TASKS[task] in row:
                raise ValueError(f'{where}: desc_id {entry["desc_id"]!r} occurs twice in {task}')
            row[_TASKS[task]] = [_named(one, by_number, where, task) for one in entry['predictions']]
    return [*rows.values()]


def _named(entry: Any, by_number: dict[Any, str], where: str, task: str) -> list[Any]:
    if not isinstance(entry, list) or len(entry) != 4:
        raise ValueError(f'{where}: a prediction is {entry!r}, expected [video index, start, end, score]')
    if entry[0] not in by_number:
        raise ValueError(f'{where}: the video index {entry[0]!r} is not in video2idx')
    return [by_number[entry[0]], *(entry[1:] if task == 'VCMR' else entry[3:])]


def write_corpus_predictions(path: str | os.PathLike[str], rows: Sequence[Row]) -> None:
    """Write predictions.

    Args:
        path: ``.json`` for the form of TVR's evaluator, else JSON lines.
        rows: Rows with ``qid``, ``query``, ``pred_corpus_moments`` and ``pred_videos``.
    """
    if Path(path).suffix != '.json':
        write_jsonl(path, rows)
        return
    entries = [entry for row in rows for key in (MOMENTS_KEY, VIDEOS_KEY) for entry in row.get(key) or ()]
    numbers = {str(name): number for number, name in enumerate(dict.fromkeys(entry[0] for entry in entries))}
    content: dict[str, Any] = {'video2idx': numbers}
    for task, key in _TASKS.items():
        content[task] = [
            {
                'desc_id': row['qid'],
                'desc': row.get('query'),
                'predictions': [
                    [numbers[str(name)], *(values if task == 'VCMR' else (0, 0, *values))] for name, *values in row[key]
                ],
            }
            for row in rows
        ]
    write_json(path, content)
