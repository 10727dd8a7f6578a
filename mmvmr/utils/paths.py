"""Where the files that come with a checkout are."""

from __future__ import annotations

from pathlib import Path


def configs_dir() -> Path:
    """The folder of the shipped configs.

    Returns:
        ``configs`` of the checkout that the package is installed from, or the copy inside an installed wheel.

    Raises:
        FileNotFoundError: If there is neither.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / '.mim' / 'configs', package.parent / 'configs'):
        if (folder / '_base_').is_dir():
            return folder
    raise FileNotFoundError(
        f'{package}: the shipped configs are not there. Install mmvmr from a wheel, or from a checkout with '
        '`pip install -e .`'
    )
