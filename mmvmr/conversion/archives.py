"""Unpacking archives whose members stay in their folder."""

from __future__ import annotations

import posixpath
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from mmvmr.utils.content import check_claimed_size, foreign_content, reason
from mmvmr.utils.paths import name_issue
from mmvmr.utils.progress import progress


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar file, of any compression.

    Only files and folders are written: links and devices, and names that lead out of the folder, are refused.

    Args:
        archive: The file.
        folder: The folder, which must not exist.

    Raises:
        ValueError: If it is not an archive, damaged, or a member is refused.
        OSError: If there is no space.
    """
    folder.mkdir(parents=True)
    members = _zip_members if zipfile.is_zipfile(archive) else _tar_members
    try:
        for name, stream in progress(members(archive), desc=archive.name, unit=' files'):
            name = posixpath.normpath(name)
            if issue := name_issue(name):
                raise ValueError(f'the member {name!r} is refused: {issue}')
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, 'xb') as out:
                shutil.copyfileobj(stream, out)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f'{archive}: no complete archive: {foreign_content(archive) or reason(error)}') from None
    except FileExistsError as error:
        raise ValueError(f'{archive}: two members have the same name, {error.filename}') from None
    except ValueError as error:
        raise ValueError(f'{archive}: {error}') from None


def _zip_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as content:
        infos = [info for info in content.infolist() if not info.is_dir()]
        check_claimed_size(sum(info.file_size for info in infos), archive.stat().st_size, 'it')
        for info in infos:
            with content.open(info) as stream:
                yield info.filename, stream


def _tar_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(archive) as content:
        claimed = 0
        for member in content:
            if member.isdir():
                continue
            stream = content.extractfile(member) if member.isfile() else None
            if stream is None:
                raise ValueError(f'the member {member.name!r} is refused: it is a link or a device, not a file')
            claimed += member.size
            check_claimed_size(claimed, archive.stat().st_size, 'it')
            yield member.name, stream
