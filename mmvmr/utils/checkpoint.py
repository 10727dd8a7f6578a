"""Loading checkpoints without ever running code that is stored in them."""

from __future__ import annotations

import os
import pickle
import re
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import torch

from mmvmr.utils.content import check_claimed_size, foreign_content, reason, regular_file

_HOW_TO_CONVERT = (
    'Convert it once: `mmvmr convert METHOD {path} OUT.pth` reads official '
    'checkpoints without running their code; for one that you made yourself, save only '
    "`{{'state_dict': model.state_dict()}}`."
)
_NOT_TENSORS = 'Expected a tensor or a dict of tensors; save only those.'


class UnsafeCheckpointError(ValueError):
    """A checkpoint was refused because reading it would run code stored in the file."""


def load_checkpoint_safe(
    path: str | os.PathLike[str], map_location: Any = 'cpu', advice: str = _HOW_TO_CONVERT
) -> dict[str, Any]:
    """Load a checkpoint that consists of tensors and plain Python only.

    Args:
        path: A local file.
        map_location: As in ``torch.load``.
        advice: What the message says to do about a refused checkpoint; ``{path}`` in it is the file.

    Returns:
        The checkpoint. ``meta['config']`` is dropped, because ``mmengine`` would execute that text on resuming.

    Raises:
        FileNotFoundError: If there is no such file.
        UnsafeCheckpointError: If the file needs anything but tensors and plain Python.
        ValueError: If the file is truncated, or no checkpoint at all.
    """
    checkpoint = load_tensors(path, map_location, advice)
    if not isinstance(checkpoint, dict):
        raise ValueError(f'{path}: expected a dict with `state_dict`, found {type(checkpoint).__name__}')
    meta = checkpoint.get('meta')
    if isinstance(meta, dict):
        meta.pop('config', None)
    return checkpoint


def load_tensors(path: str | os.PathLike[str], map_location: Any = 'cpu', advice: str = _NOT_TENSORS) -> Any:
    """Load whatever ``torch.save`` wrote of tensors and plain Python.

    Args:
        path: A local file.
        map_location: As in ``torch.load``.
        advice: What the message says to do about a refused file; ``{path}`` in it is the file.

    Returns:
        The content.

    Raises:
        FileNotFoundError: If there is no such file.
        UnsafeCheckpointError: If the file needs anything but tensors and plain Python.
        ValueError: If the file is truncated, or not written by ``torch.save``.
    """
    source = regular_file(Path(path).expanduser())
    try:
        _check_claimed_size(source)
        return torch.load(source, map_location=map_location, weights_only=True)
    except Exception as error:  # a damaged pickle raises whatever its bytes happen to say
        content = foreign_content(source)
        if content is None and isinstance(error, pickle.UnpicklingError):
            raise _explained(source, str(error), advice) from None
        raise ValueError(f'{source}: not a complete checkpoint: {content or reason(error)}') from None


def _check_claimed_size(source: Path) -> None:
    """Refuse an archive whose compressed records would fill the memory."""
    if not zipfile.is_zipfile(source):
        return
    with zipfile.ZipFile(source) as archive:
        claimed = sum(info.file_size for info in archive.infolist())
    check_claimed_size(claimed, source.stat().st_size, 'it')


def _explained(source: Path, text: str, advice: str) -> ValueError:
    """The error for a message of torch, without its advice to read the file unsafely."""
    named = re.search(r'\b(?:GLOBAL|class)\s+([\w]+(?:\.[\w]+)+)', text)
    if named is None and 'nsupported' not in text:
        return ValueError(f'{source}: not a checkpoint: its content is damaged or of another kind')
    name = f' (it asks for `{named.group(1)}`)' if named else ''
    return UnsafeCheckpointError(
        f'{source}: refused, because loading this checkpoint would run code that is stored in it{name}. '
        + advice.format(path=source)
    )


# mmengine logs the name of a loader without its first ten characters.
def load_from_safe_file(filename: str, map_location: Any = None) -> dict[str, Any]:
    """Loader that mmengine calls for local files; see :func:`load_checkpoint_safe`."""
    return load_checkpoint_safe(filename, map_location)


def load_from_safe_http(filename: str, map_location: Any = None, **_: Any) -> dict[str, Any]:
    """Download to a temporary file, then load it as any other (mmengine would unpickle it)."""
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, filename.rsplit('/', 1)[-1] or 'checkpoint.pth')
        torch.hub.download_url_to_file(filename, target, progress=False)
        return load_checkpoint_safe(target, map_location)


def load_from_refused(filename: str, *_: Any, **__: Any) -> dict[str, Any]:
    """Loader that mmengine calls for every other scheme."""
    raise ValueError(f'{filename}: only local files and http(s) addresses can be loaded; download it and give the path')


def install_safe_loader() -> None:
    """Make every way mmengine loads a checkpoint (load_from, resume, Pretrained) use the safe loader."""
    from mmengine.runner import CheckpointLoader  # imports everything that trains

    for prefix in list(CheckpointLoader._schemes):
        CheckpointLoader.register_scheme(prefix, load_from_refused, force=True)
    CheckpointLoader.register_scheme('', load_from_safe_file, force=True)
    CheckpointLoader.register_scheme(['http://', 'https://'], load_from_safe_http, force=True)
