"""Progress of what takes longer than two seconds: on a terminal only, with the time that is left."""

from __future__ import annotations

from typing import Any

from tqdm import tqdm

_quiet = False


def silence() -> None:
    """Show no progress in this process, which works for one that does."""
    global _quiet
    _quiet = True


def progress(items: Any = None, **options: Any) -> Any:
    """A bar that appears after two seconds, where standard error is a terminal.

    Args:
        items: What to iterate over; None for a bar that is updated by hand.
        **options: Of tqdm: ``total``, ``desc``, ``unit``, ...

    Returns:
        The bar of tqdm.
    """
    return tqdm(items, **{'disable': True if _quiet else None, 'delay': 2, 'dynamic_ncols': True, **options})
