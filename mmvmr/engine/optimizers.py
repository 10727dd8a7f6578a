"""mmengine's optimizers without the packages that one of them would bring.

``mmengine.optim`` imports ``transformers`` to register Adafactor, more than a second of processor time at the start of
every training. While it is imported here, before anything else of this package, ``transformers`` counts as absent;
Adafactor is registered as a function that imports it when a config names it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.registry import OPTIMIZERS


@contextmanager
def counted_as_absent(package: str) -> Iterator[None]:
    """Let imports of a package fail in the body, as where it is not installed; one that is imported already stays.

    Args:
        package: Its name as imported.
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # Python's own mark of a module that is not there
    try:
        yield
    finally:
        del sys.modules[package]


def adafactor(*args: Any, **kwargs: Any) -> Any:
    """Build the Adafactor of ``transformers``; arguments as there."""
    from transformers import Adafactor

    return Adafactor(*args, **kwargs)


with counted_as_absent('transformers'):
    importlib.import_module('mmengine.optim')
if 'Adafactor' not in OPTIMIZERS:
    OPTIMIZERS.register_module(name='Adafactor', module=adafactor)
