"""Checks of options that take one of a few values, and names in messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar('T')


def closest(word: object, names: Iterable[Any], mark: str = '`') -> str:
    """A suggestion to append to an error message; empty where nothing is similar."""
    similar = difflib.get_close_matches(str(word), sorted(map(str, names)), n=1)
    return f'; did you mean {mark}{similar[0]}{mark}?' if similar else ''


def first_names(names: Iterable[Any], count: int = 3) -> str:
    """The first of several names, for a message."""
    names = list(map(str, names))
    return ', '.join(names[:count]) + (', ...' if len(names) > count else '')


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
    hint = closest(value, (choice for choice in choices if isinstance(choice, str)), "'")
    raise error(f'{prefix}{name}={value!r} is unknown, expected {expected}{hint}')
