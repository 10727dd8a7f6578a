"""Sentences compared without regard to how they are typed."""

from __future__ import annotations

from typing import Any


def plain_sentence(text: Any) -> str:
    """A sentence without case, extra spaces and final full stop, to tell whether two are the same.

    Args:
        text: The sentence as annotated.

    Returns:
        The text to compare.
    """
    return ' '.join(str(text).casefold().split()).rstrip('. ')
