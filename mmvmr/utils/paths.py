"""Paths: files that come with a checkout, files below a data root, names from data that stay inside a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from mmvmr.utils.errors import UserError

_MAX_NAME_BYTES = 255  # of one part of a path, on all common file systems


def configs_dir() -> Path:
    """The folder of the shipped configs: of the checkout that the package is installed from, or inside the wheel.

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


def base_address(base: str | os.PathLike[str], folder: str | os.PathLike[str] | None) -> str:
    """Name of a config as ``_base_`` of another one has it.

    Args:
        base: The config file to inherit.
        folder: Folder of the other one; None for a name that holds in any folder.
    """
    if folder is not None:
        relative = Path(os.path.relpath(base, folder)).as_posix()
        return relative if relative.startswith('.') else f'./{relative}'
    path, shipped = Path(base).resolve(), configs_dir().resolve()
    return f'mmvmr::{path.relative_to(shipped).as_posix()}' if shipped in path.parents else path.as_posix()


def below(root: str | os.PathLike[str], path: str | os.PathLike[str] = '') -> Path:
    """Join a path that the user gave with a data root; ``~`` at the start of either is the home folder."""
    return Path(root).expanduser() / Path(path).expanduser()


def name_issue(name: str) -> str | None:
    """Find out why a name from a data file cannot be that of a file inside a folder.

    The rule is the same on all systems, so that a data set that is fine on one is fine on the others. It looks at the
    name only: subfolders that are links to other disks are the user's own.

    Args:
        name: Such as ``v1.npz`` or ``cam1/v1.npz``.

    Returns:
        The reason; None for a good name.
    """
    parts = name.split('/')
    if name.startswith('/') or re.match('[A-Za-z]:', name):
        return 'it is an absolute path'
    if '..' in parts:
        return "it leads out of the folder with '..'"
    if '\\' in name:
        return 'it has a backslash; folders are separated by /'
    if not all(parts) or '.' in parts:
        return 'one of its parts is empty or a dot'
    if any(ord(character) < 32 for character in name):
        return 'it has a control character'
    try:
        if max(len(part.encode()) for part in parts) > _MAX_NAME_BYTES:
            return f'a part of it is longer than {_MAX_NAME_BYTES} bytes'
    except UnicodeEncodeError:
        return 'it has a character that is not valid Unicode'
    return None


def inside(folder: str | os.PathLike[str], name: str) -> Path:
    """Join a folder with the name of a file, which comes from data and must not lead out of it.

    Raises:
        ValueError: If the name is not a relative path inside the folder.
    """
    if issue := name_issue(name):
        raise ValueError(
            f'{Path(folder).absolute()}: {name!r} cannot be a file in this folder: {issue}. Correct the vid or qid of '
            'the annotation'
        )
    return Path(folder) / PurePosixPath(name)


def refuse_own_input(out: str | os.PathLike[str], sources: Iterable[str | os.PathLike[str]]) -> None:
    """Never write into what is read; UserError if ``out`` is one of the ``sources``."""
    if os.path.isfile(out) and any(os.path.isfile(source) and os.path.samefile(out, source) for source in sources):
        raise UserError(f'{os.fspath(out)} is the input, which is never changed; give another file to write')
