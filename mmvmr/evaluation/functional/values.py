"""Checks of single values of a file, and the error that says what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Row = dict[str, Any]

_SCALARS = (int, float, np.integer, np.floating)


class InputError(ValueError):
    """Predictions or annotations that cannot be scored; the message says where and how to fix it."""


def shown_value(value: Any) -> str:
    """A value for a message, at most 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + '...'


def shape_is(values: Sequence[Any], width: int) -> bool:
    """Fast test that ``values`` is a regular table of finite numbers; anything odd is left to the slow path."""
    try:
        array = np.array(values)
    except (ValueError, TypeError):
        return False
    return (
        array.ndim == 2
        and array.shape[1] == width
        and array.dtype.kind in 'iuf'
        and not any(isinstance(value, bool) for row in values for value in row)
        and bool((np.abs(array) < 1e300).all())
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, _SCALARS) and not isinstance(value, bool)


def check_number(value: Any, where: str, what: str) -> None:
    """Refuse what is not a finite number.

    Args:
        value: Value of a file.
        where: Its row, for the message.
        what: What it is there, for the message.

    Raises:
        InputError: If it is not a number, or not finite.
    """
    if not _is_number(value):
        raise InputError(f'{where}: {what} is {shown_value(value)}, expected a number')
    if not abs(value) < 1e300:  # also false for NaN; whole numbers beyond float range compare without overflow
        raise InputError(f'{where}: {what} is {shown_value(value)}, expected a finite number')
