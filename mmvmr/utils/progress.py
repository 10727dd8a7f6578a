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
    """A bar of tqdm (``options``) that appears after two seconds, where standard error is a terminal.

    None as ``items`` gives a bar that is updated by hand.
    """
    return tqdm(items, **{'disable': True if _quiet else None, 'delay': 2, 'dynamic_ncols': True, **options})
