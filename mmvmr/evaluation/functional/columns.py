"""Fast conversion of the values of a whole file to arrays, which fails on anything that is not as it should be."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from mmvmr.evaluation.functional.padding import Ragged

Row = dict[str, Any]


def _flat(values: Sequence[Any]) -> Any:
    """Many numbers as an array; None where one is not a finite number."""
    try:
        sum(values)  # refuses text, which numpy would read as a number, faster than a look at every type
        array = np.fromiter(values, np.float64, len(values))
    except (TypeError, ValueError, OverflowError):
        return None
    if bool in set(map(type, values)):
        return None
    return array if not len(array) or (array.min() > -1e300 and array.max() < 1e300) else None  # None for NaN, too


def table_of(tables: Sequence[Any], width: int) -> Ragged | None:
    """The tables of a file, rows of ``width`` numbers each; None where one is not of finite numbers."""
    if not {list, tuple}.issuperset(map(type, tables)):
        return None
    lengths = np.fromiter(map(len, tables), dtype=np.int64, count=len(tables))
    rows = list(chain.from_iterable(tables))
    if not rows:
        return Ragged(np.zeros((0, max(width, 1))), lengths)
    if not {list, tuple}.issuperset(map(type, rows)) or not {width}.issuperset(map(len, rows)):
        return None
    flat = _flat(list(chain.from_iterable(rows)))
    return None if flat is None else Ragged(flat.reshape(-1, width), lengths)


def numbers_of(lists: Sequence[Any]) -> Ragged | None:
    """The lists of a file; None unless every one is a list of finite numbers and none is empty."""
    if not {list, tuple}.issuperset(map(type, lists)) or not all(lists):
        return None
    flat = _flat(list(chain.from_iterable(lists)))
    lengths = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
    return None if flat is None else Ragged(flat, lengths)


def windows_of(tables: Sequence[Any], width: int) -> Ragged | None:
    """The windows of a file; None unless every one has ``width`` finite numbers and does not end before it starts."""
    table = table_of(tables, width)
    return table if table is not None and bool((table.entries[:, 0] <= table.entries[:, 1]).all()) else None


def ratings_of(rated: Sequence[Row], clip_len: float) -> Ragged | None:
    """The ratings of a file; None unless all rate different clips inside the video, each by as many annotators."""
    ratings, clips = [row['saliency_scores'] for row in rated], [row['relevant_clip_ids'] for row in rated]
    durations, table = _flat([row.get('duration') for row in rated]), table_of(ratings, _annotators(rated))
    if durations is None or table is None:
        return None
    if not {list}.issuperset(map(type, clips)) or [*map(len, clips)] != table.lengths.tolist():
        return None
    flat = list(chain.from_iterable(clips))
    if not {int}.issuperset(map(type, flat)) or not {list}.issuperset(map(type, ratings)):
        return None
    ends = np.repeat((durations / clip_len).astype(np.int64), table.lengths)
    places = np.array(flat, dtype=np.float64)
    if not bool(((places >= 0) & (places < ends)).all()):
        return None
    numbered = np.repeat(np.arange(len(table.lengths)), table.lengths) * (places.max(initial=0) + 1) + places
    return table if len(np.unique(numbered)) == len(numbered) else None


def converted(**columns: tuple[Ragged | None, list[bool]]) -> dict[str, Ragged]:
    """The values of all rows of a file, none for a row without the key, from those of the rows that have it."""
    values = {}
    for key, (part, present) in columns.items():
        if part is not None and len(part):
            lengths = np.zeros(len(present), dtype=np.int64)
            lengths[present] = part.lengths
            values[key] = Ragged(part.entries, lengths)
    return values


def _annotators(rated: Sequence[Row]) -> int:
    """Number of ratings of the first rated clip."""
    tables = (row['saliency_scores'] for row in rated)
    first = next((table[0] for table in tables if isinstance(table, (list, tuple)) and table), None)
    return len(first) if isinstance(first, (list, tuple)) else -1
