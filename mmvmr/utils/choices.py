"""Checks of options that take one of a few values."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar('T')


def check_choice(owner: object, name: str, value: T, choices: Iterable[Any], error: type[Exception] = ValueError) -> T:
    """Check that an option has one of its values.

    Args:
        owner: The object that has the option, or its name as the message should give it; empty for none.
        name: Name of the option.
        value: The value to check.
        choices: The values that the option takes.
        error: The exception to raise.

    Raises:
        ValueError: (or ``error``) If the value is none of the choices. The message names the owner, the option and
            the value, lists the choices and suggests the one that is written similarly.

    Examples:
        >>> check_choice('SpanL1Loss', 'coordinates', 'sums', ('mean', 'sum'))
        Traceback (most recent call last):
        ValueError: SpanL1Loss: coordinates='sums' is unknown, expected 'mean' or 'sum'; did you mean 'sum'?
    """
    choices = tuple(choices)
    if value in choices:
        return value
    prefix = owner if isinstance(owner, str) else type(owner).__name__
    prefix = f'{prefix}: ' if prefix else ''
    *others, last = map(repr, choices)
    expected = f'{", ".join(others)} or {last}' if others else last
    similar = difflib.get_close_matches(str(value), [choice for choice in choices if isinstance(choice, str)], n=1)
    hint = f'; did you mean {similar[0]!r}?' if similar else ''
    raise error(f'{prefix}{name}={value!r} is unknown, expected {expected}{hint}')
