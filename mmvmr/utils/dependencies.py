"""Clear messages for packages that cannot be declared as plain requirements."""

from __future__ import annotations

import importlib
from typing import Any


def require_mmcv() -> None:
    """Check that mmcv can be imported.

    No requirement line is satisfied by either of the two packages that provide it, so it is not in
    ``install_requires``.

    Raises:
        ImportError: If neither mmcv nor mmcv-lite is installed; the message names both.
    """
    try:
        importlib.import_module('mmcv')
    except ImportError as error:
        raise ImportError(
            'mmvmr needs `mmcv.transforms`. Install either package that provides it: `pip install mmcv-lite` '
            f'(a small wheel, enough for mmvmr) or `pip install mmcv` (with compiled operators). Found: {error}'
        ) from None


def require_transformers(user: str) -> Any:
    """Import the ``transformers`` package, which is optional.

    Args:
        user: Who needs it, for the message.

    Returns:
        The package.

    Raises:
        ImportError: If it is not installed.
    """
    return _required('transformers', user, 'pip install transformers')


def require_av(user: str) -> Any:
    """Import PyAV, which is optional: it decodes videos.

    Args:
        user: Who needs it, for the message.

    Returns:
        The package.

    Raises:
        ImportError: If it is not installed.
    """
    return _required('av', user, 'pip install av (or mmvmr[extract])')


def _required(package: str, user: str, how: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(f'{user} needs {package}: {how}. Found: {error}') from None
