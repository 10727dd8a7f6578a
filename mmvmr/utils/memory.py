"""Amounts of memory as people write them, and the peak of a process."""

from __future__ import annotations

import math

_UNITS = {'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30, 'T': 1 << 40}


def memory_size(text: str) -> int:
    """Bytes of an amount of memory: ``2GB``, ``512 MB``, ``1.5GiB``, ``1000000``; units count in steps of 1024.

    Raises:
        ValueError: If it is something else.
    """
    number, unit = text.strip().rstrip('bB'), 1
    if number[-1:] in 'iI':
        number = number[:-1]
    if number and number[-1].upper() in _UNITS:
        number, unit = number[:-1], _UNITS[number[-1].upper()]
    try:
        size = int(float(number) * unit)
    except (ValueError, OverflowError):
        size = 0
    if size < 1:
        raise ValueError(f'{text!r} is not an amount of memory, expected e.g. 2GB or 512MB')
    return size


def memory_text(size: float) -> str:
    """Write an amount of memory in bytes with a unit, rounded up."""
    for unit, name in ((1 << 40, 'TB'), (1 << 30, 'GB'), (1 << 20, 'MB')):
        if size >= unit:
            return f'{math.ceil(size / unit * 10) / 10:g} {name}'
    return f'{math.ceil(size / 1024)} KB'
