"""Annotations in a table: one line per moment, with columns ``video``, ``query``, ``start``, ``end``."""

from __future__ import annotations

import csv
import difflib
import io
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmvmr.datasets.schema import Issue
from mmvmr.preparation.converters.durations import Lookup, looked_up
from mmvmr.preparation.converters.located import LocatedRow
from mmvmr.utils.io import read_text

REQUIRED = ('video', 'query', 'start', 'end')
COLUMNS = (*REQUIRED, 'duration', 'qid')
_NAMES = {'vid': 'video', 'relevant_windows': 'start, end'}
_REST = object()


def table_rows(path: str | os.PathLike[str], lookup: Lookup | None = None) -> list[LocatedRow]:
    """Read a table with commas, semicolons or tabs between the columns.

    Lines with the same video and sentence are one row with several windows. A line without ``start`` and ``end`` is a
    sentence without label: its row has no ``relevant_windows``. Without a column ``qid``, sentences are named after
    file and line (``train_2``): text features are stored by that name, and training and validation must not share it.

    Args:
        path: The table.
        lookup: Says how long a video is, where there is no column ``duration``.

    Returns:
        The rows, in the order of their first lines; further columns are kept as text.

    Raises:
        ValueError: If the header lacks a column.
    """
    rows: list[LocatedRow] = []
    first: dict[tuple[str, str], LocatedRow] = {}
    for number, cells in _lines(Path(path)):
        line = _line(f'{path}:{number}', f'{Path(path).stem}_{number}', cells, lookup)
        key = (line.row['vid'], line.row['query'])
        if line.issues or key not in first:
            rows.append(line)
            if not line.issues:
                first[key] = line
        else:
            _join(first[key], line, named=bool((cells.get('qid') or '').strip()))
    return rows


def _lines(source: Path) -> Iterator[tuple[int, dict[Any, Any]]]:
    """Number of each line that is not empty, and its cells by column; what is too much is a list below ``_REST``."""
    with io.StringIO(read_text(source), newline='') as stream:
        separator = max(',;\t', key=stream.readline().count)
        stream.seek(0)
        reader = csv.reader(stream, delimiter=separator, strict=True)
        header: list[str] = []
        first = 1
        try:
            for cells in reader:
                if first == 1:
                    _check_header(source, [name.strip() for name in cells])
                    header = [name.strip().lower() for name in cells]
                elif any(cells):
                    surplus = cells[len(header) :]
                    yield first, {**dict(zip(header, cells)), **({_REST: surplus} if any(surplus) else {})}
                first = reader.line_num + 1  # a cell in quotes may hold line breaks
        except csv.Error as error:
            hint = 'is a quotation mark not closed?'
            raise ValueError(f'{source}:{first}: not a line of a table ({error}); {hint}') from None


def _check_header(source: Path, names: list[str]) -> None:
    present = {'video' if name.lower() == 'vid' else name.lower() for name in names}
    absent = [name for name in REQUIRED if name not in present]
    if not absent:
        return
    close = [(name, difflib.get_close_matches(name, sorted(present), n=1)) for name in absent]
    hint = ''.join(f'; is {similar[0]!r} meant for {name!r}?' for name, similar in close if similar)
    raise ValueError(
        f'{source}:1: columns {absent} are missing, found {names}{hint}; the first line names the columns: '
        'video,query,start,end and optionally duration, qid'
    )


def _line(where: str, name: str, cells: Mapping[Any, Any], lookup: Lookup | None) -> LocatedRow:
    """One line as one row."""
    vid = (cells.get('video') or cells.get('vid') or '').strip()
    row: dict[str, Any] = {'qid': _qid(cells.get('qid'), name), 'query': (cells.get('query') or '').strip()}
    located = LocatedRow(where, row, names=_NAMES)
    row.update(duration=None, vid=vid)
    if cells.get(_REST):
        problem = f'has {len(cells[_REST])} values more than the header has columns'
        located.issues.append(Issue('line', problem, 'put sentences with commas in double quotes'))
        return located
    row['duration'] = _duration(located, cells.get('duration'), vid, lookup)
    times = {field: (cells.get(field) or '').strip() for field in ('start', 'end')}
    if any(times.values()):
        window = [_seconds(located, field, text) for field, text in times.items()]
        row['relevant_windows'] = [window]
        located.windows_at = [where]
        located.unknown = frozenset({'relevant_windows'} if None in window else ())
    own_columns = {*COLUMNS, 'vid'}
    row.update({key: value for key, value in cells.items() if key and value and key not in own_columns})
    return located


def _qid(text: str | None, name: str) -> int | str:
    text = (text or '').strip()
    return int(text) if re.fullmatch(r'0|[1-9]\d*', text) else text or name


def _duration(located: LocatedRow, text: str | None, vid: str, lookup: Lookup | None) -> float | None:
    if text := (text or '').strip():
        return _seconds(located, 'duration', text)
    duration = looked_up(vid, lookup)
    if isinstance(duration, Issue):
        located.issues.append(duration)
        return None
    return duration


def _seconds(located: LocatedRow, field: str, text: str) -> float | None:
    """A number of seconds; None, with an issue, for something else."""
    try:
        return float(text)
    except ValueError:
        pass
    fix = 'write seconds'
    if re.fullmatch(r'(\d+:)?\d+:\d+(\.\d+)?', text):
        total = 0.0
        for part in text.split(':'):
            total = total * 60 + float(part)
        fix = f'write {total:g}'
    elif re.fullmatch(r'\d+,\d+', text):
        fix = f'write {text.replace(",", ".")}'
    elif field == 'start' and text:
        fix = 'write seconds; a sentence with commas in it needs double quotes'
    located.issues.append(Issue(field, f'is {text!r}, expected a number of seconds', fix))
    return None


def _join(row: LocatedRow, line: LocatedRow, named: bool) -> None:
    """Add the moment of a line to the row of the same video and sentence."""
    for key in ('duration', 'qid') if named else ('duration',):
        ours, theirs = row.row[key], line.row[key]
        if ours != theirs:
            problem = f'is {ours!r} here and {theirs!r} at {line.where}, for the same video and sentence'
            row.issues.append(Issue(key, problem, 'write the same into both lines'))
    if 'relevant_windows' in line.row:
        row.row.setdefault('relevant_windows', []).extend(line.row['relevant_windows'])
    row.windows_at += line.windows_at
