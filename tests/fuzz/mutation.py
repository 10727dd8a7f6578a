"""Seeded damage: to the bytes of any file, and to the values of rows of JSON."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

#: Values that users, converters and broken scripts write where something else is expected.
ODD = (
    None,
    '',
    ' ',
    'x',
    '1',
    'nan',
    -1,
    0,
    1,
    10**30,
    1e308,
    -1e308,
    1e-320,
    0.5,
    True,
    [],
    {},
    [[]],
    [1, 2],
    [[2, 1]],
)
ODD_KEYS = ('views', 'gt_clips', 'timestamps', 'QID', 'relevant_window', 'note')


def damaged_bytes(content: bytes, rng: random.Random) -> bytes:
    """Flip, cut, remove, repeat or insert bytes.

    Args:
        content: The bytes of a good file.
        rng: Source of random draws.

    Returns:
        Other bytes.
    """
    data, place = bytearray(content), rng.randrange(len(content))
    kind = rng.randrange(5)
    if kind == 0:
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del data[place:]
    elif kind == 2:
        del data[place : place + rng.randint(1, 16)]
    elif kind == 3:
        data[place:place] = data[place : place + rng.randint(1, 32)]
    else:
        data[place:place] = rng.randbytes(rng.randint(1, 8))
    return bytes(data)


def damaged_rows(rows: list[dict[str, Any]], rng: random.Random) -> bytes:
    """Replace, remove or rename values of rows, or repeat a row.

    Args:
        rows: Good rows; they are left as they are.
        rng: Source of random draws.

    Returns:
        The jsonl.
    """
    rows = copy.deepcopy(rows)
    for _ in range(rng.randint(1, 2)):
        row = rng.choice(rows)
        key = rng.choice(list(row)) if row else ''
        kind = rng.randrange(5)
        if kind == 0:
            row.pop(key, None)
        elif kind == 1:
            row[rng.choice(ODD_KEYS)] = copy.deepcopy(rng.choice(ODD))
        elif kind == 2:
            rows.append(dict(row))
        elif kind == 3:
            _damage_inside(row, key, rng)
        else:
            row[key] = copy.deepcopy(rng.choice(ODD))
    return ''.join(json.dumps(row) + '\n' for row in rows).encode()


def _damage_inside(row: dict[str, Any], key: str, rng: random.Random) -> None:
    holder, place = row, key
    while isinstance(holder[place], list) and holder[place] and rng.random() < 0.8:
        holder, place = holder[place], rng.randrange(len(holder[place]))
    holder[place] = copy.deepcopy(rng.choice(ODD))


def write_damaged(path: Path, content: bytes, rows: list[dict[str, Any]] | None, rng: random.Random) -> None:
    """Write a damaged version of a file.

    Args:
        path: The file.
        content: Its good bytes.
        rows: Its rows, if it is jsonl; half of the damage is then done to them.
        rng: Source of random draws.
    """
    by_row = rows is not None and rng.random() < 0.5
    path.write_bytes(damaged_rows(rows, rng) if by_row else damaged_bytes(content, rng))
