"""Folders of runs: one training at a time, nothing overwritten, a folder for every test."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from mmengine.dist import broadcast_object_list, is_main_process

from mmvmr.utils.choices import first_names
from mmvmr.utils.cli import UserError

try:
    import fcntl
except ImportError:  # Windows: without locks, finished runs are still protected
    fcntl = None  # type: ignore[assignment]

METRICS_FILE = 'metrics.json'
POINTER = 'last_checkpoint'
_LOCK = '.lock'
_CHECKPOINT = re.compile(r'(epoch|iter)_\d+\.pth|best_.+\.pth')
#: Names that atomic_write gives to files it has not finished.
_LEFTOVER = re.compile(r'\..+\.[a-z0-9_]{8}\.tmp\.pth|\.last_checkpoint\.[a-z0-9_]{8}\.tmp')
# Closing any handle of a file drops the locks that the process has on it, so every lock has one handle.
_held: dict[Path, IO[str]] = {}


def acquire(folder: Path) -> dict[str, Any] | None:
    """Lock a folder for this process.

    The lock is a record lock of the kernel: it ends with the process, however that ends, and is not inherited by
    data-loading processes, which may outlive a killed training by seconds.

    Args:
        folder: Made if it does not exist.

    Returns:
        None when the lock is held now, else what its holder wrote: ``pid``, ``host``, ``started``.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if folder in _held:
        return None
    handle = open(folder / _LOCK, 'a+', encoding='utf-8')  # noqa: SIM115  open as long as the lock is held
    try:
        if fcntl is not None:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.seek(0)
        holder = _parse(handle.read())
        handle.close()
        return holder
    _held[folder] = handle
    return None


def release(folder: Path) -> None:
    """Unlock a folder, which may not be locked."""
    handle = _held.pop(folder.resolve(), None)
    if handle is not None:
        handle.close()


def note(folder: Path, **more: Any) -> None:
    """Write who holds the lock of a folder, with further entries."""
    handle = _held[folder.resolve()]
    handle.seek(0)
    handle.truncate()
    entry = {'pid': os.getpid(), 'host': socket.gethostname(), 'started': time.strftime('%Y-%m-%d %H:%M:%S'), **more}
    json.dump(entry, handle)
    handle.flush()


def _parse(text: str) -> dict[str, Any]:
    try:
        note = json.loads(text)
    except ValueError:
        return {}
    return note if isinstance(note, dict) else {}


def checkpoints_in(folder: Path) -> list[Path]:
    """Checkpoints, regular files only, that a training left in its folder, which may be missing, sorted by name."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if _CHECKPOINT.fullmatch(p.name) and p.is_file() and not p.is_symlink())


def latest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint in a folder that its pointer names.

    Args:
        folder: Of a training. It may have been moved or copied since: only the name in the pointer counts.

    Returns:
        The file; None where nothing has been saved.

    Raises:
        UserError: If the pointer names a file that is gone.
    """
    pointer = folder / POINTER
    if not pointer.is_file():
        return None
    named = Path(pointer.read_text(encoding='utf-8').strip())
    for candidate in (folder / named.name, named):  # the second: default_hooks.checkpoint.out_dir
        if candidate.is_file():
            return candidate
    raise UserError(f'--resume auto: {pointer} names {named}, which is gone; give a checkpoint: --resume PATH')


@contextmanager
def claim_training(work_dir: str, resumed: str | None, overwrite: bool) -> Iterator[Callable[[], None]]:
    """Hold the work dir of a training, on the main process for all of them.

    Args:
        work_dir: The folder.
        resumed: The checkpoint that is continued, if any.
        overwrite: Whether checkpoints of an earlier run there may be removed.

    Yields:
        A function to call when everything is built: removes the checkpoints of the run that is overwritten.

    Raises:
        UserError: On all processes, if another process trains there or an earlier run would be overwritten.
    """
    folder = Path(work_dir)
    message: list[str | None] = [None]
    if is_main_process():
        message[0] = _refusal(folder, resumed, overwrite)
    broadcast_object_list(message)
    if message[0] is not None:
        raise UserError(message[0])
    try:
        yield lambda: _clear(folder) if overwrite and is_main_process() else None
    finally:
        release(folder)


def _refusal(folder: Path, resumed: str | None, overwrite: bool) -> str | None:
    if folder.exists() and not folder.is_dir():
        return f'--work-dir {folder}: is a file, expected a folder'
    holder = acquire(folder)
    if holder is not None:
        who = f'process {holder.get("pid", "?")} on {holder.get("host", "?")}, since {holder.get("started", "?")}'
        return f'{folder} is in use by another training ({who}): wait for it, or take another folder with --work-dir'
    resumes_here = resumed is not None and Path(resumed).resolve().parent == folder.resolve()
    checkpoints = checkpoints_in(folder)
    if checkpoints and not resumes_here and not overwrite:
        release(folder)
        names = first_names(path.name for path in checkpoints)
        return (
            f'{folder} holds the checkpoints of an earlier run ({names}): continue it with --resume, take another '
            'folder with --work-dir, or remove its checkpoints with --overwrite'
        )
    note(folder)
    _remove_leftovers(folder)
    return None


def _remove_leftovers(folder: Path) -> None:
    """Remove checkpoints that a killed run was writing."""
    for path in folder.iterdir():
        if _LEFTOVER.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            path.unlink()


def _clear(folder: Path) -> None:
    """Remove the checkpoints of an earlier run; its logs and tests stay."""
    (folder / POINTER).unlink(missing_ok=True)
    for path in checkpoints_in(folder):
        path.unlink()
    # A launcher that restarts this process must not clear what it has saved since.
    note(folder, cleared_for=os.getppid())


def cleared_before(work_dir: str) -> bool:
    """Check whether what is in the folder was saved by an earlier attempt of the same launcher, which cleared it."""
    answer = [False]
    if is_main_process():
        path = Path(work_dir) / _LOCK
        entry = _parse(path.read_text(encoding='utf-8')) if path.is_file() else {}
        answer[0] = entry.get('cleared_for') == os.getppid()
    broadcast_object_list(answer)
    return answer[0]


@contextmanager
def claim_evaluation(work_dir: str | Path, checkpoint: str, split: str) -> Iterator[Path]:
    """Hold a folder for a test.

    Args:
        work_dir: Work dir of the tool.
        checkpoint: File or address of the weights.
        split: Name of what is tested.

    Yields:
        The folder, the same on all processes; see :func:`reserve_evaluation_folder`.
    """
    chosen: list[Path | None] = [None]
    if is_main_process():
        chosen[0] = reserve_evaluation_folder(work_dir, checkpoint, split)
    broadcast_object_list(chosen)
    assert chosen[0] is not None
    try:
        yield chosen[0]
    finally:
        release(chosen[0])


def reserve_evaluation_folder(work_dir: str | Path, checkpoint: str, split: str) -> Path:
    """Find and lock the folder of a test, ``WORK_DIR/test/CHECKPOINT-SPLIT``.

    Args:
        work_dir: Work dir of the tool.
        checkpoint: File or address of the weights.
        split: Name of what is tested.

    Returns:
        The folder. ``-2``, ``-3``, ... is appended where the metrics of an earlier test are in it, or another process
        is about to write them.
    """
    name = re.sub(r'[^\w.@=+-]+', '_', f'{Path(checkpoint).stem}-{split}').strip('.') or 'test'
    number = 1
    while True:
        folder = Path(work_dir) / 'test' / (name if number == 1 else f'{name}-{number}')
        if not (folder / METRICS_FILE).exists() and acquire(folder) is None:
            note(folder)
            return folder
        number += 1


def find_metrics(work_dir: str | Path) -> Path:
    """The metrics of the latest finished test in a work dir.

    Args:
        work_dir: As given to the test.

    Returns:
        The JSON file.

    Raises:
        UserError: If no test has been finished there.
    """
    paths = sorted(Path(work_dir).glob(f'test/*/{METRICS_FILE}'), key=lambda path: path.stat().st_mtime_ns)
    if not paths:
        raise UserError(f'{work_dir}: no finished test, expected test/CHECKPOINT-SPLIT/{METRICS_FILE}')
    return paths[-1]
