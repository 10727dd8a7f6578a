"""Where the files that come with a checkout are."""

from __future__ import annotations

from pathlib import Path


def configs_dir() -> Path:
    """The folder of the shipped configs.

    Returns:
        ``configs`` of the checkout that the package is installed from.

    Raises:
        FileNotFoundError: If the package was installed without its checkout.
    """
    folder = Path(__file__).resolve().parents[2] / 'configs'
    if not folder.is_dir():
        raise FileNotFoundError(
            f'{folder}: the shipped configs are not there. Install mmvmr from a checkout with `pip install -e .`'
        )
    return folder
