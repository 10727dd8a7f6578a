"""Loading checkpoints without ever running code that is stored in them."""

from __future__ import annotations

import os
import pickle
import re
import tempfile
from pathlib import Path
from typing import Any

import torch
from mmengine.runner import CheckpointLoader

_HOW_TO_CONVERT = (
    'Convert it once: `python tools/model_converters/official_checkpoint.py METHOD {path} OUT.pth` reads official '
    'checkpoints without running their code; for one that you made yourself, save only '
    "`{{'state_dict': model.state_dict()}}`."
)


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
    source = Path(path).expanduser()
    if not source.is_file():
        what = 'is a folder, expected a checkpoint file' if source.is_dir() else 'no such checkpoint'
        raise FileNotFoundError(f'{source.absolute()}: {what}')
    try:
        checkpoint = torch.load(source, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        raise _explained(source, str(error), advice) from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise ValueError(f'{source}: not a complete checkpoint: {_first_line(error)}') from None
    if not isinstance(checkpoint, dict):
        raise ValueError(f'{source}: expected a dict with `state_dict`, found {type(checkpoint).__name__}')
    meta = checkpoint.get('meta')
    if isinstance(meta, dict):
        meta.pop('config', None)
    return checkpoint


def _explained(source: Path, text: str, advice: str) -> ValueError:
    found = re.search(r'\b(?:GLOBAL|class)\s+([\w]+(?:\.[\w]+)+)', text)
    if found is None and 'nsupported' not in text:
        last = text.strip().splitlines()[-1]
        return ValueError(f'{source}: not a checkpoint: {last}')
    name = f' (it asks for `{found.group(1)}`)' if found else ''
    return UnsafeCheckpointError(
        f'{source}: refused, because loading this checkpoint would run code that is stored in it{name}. '
        + advice.format(path=source)
    )


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


# mmengine logs the name of a loader without its first ten characters.
def load_from_safe_file(filename: str, map_location: Any = None) -> dict[str, Any]:
    """What mmengine calls for local files; see :func:`load_checkpoint_safe`."""
    return load_checkpoint_safe(filename, map_location)


def load_from_safe_http(filename: str, map_location: Any = None, **_: Any) -> dict[str, Any]:
    """Download to a temporary file, then load it as any other (mmengine would unpickle it)."""
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, filename.rsplit('/', 1)[-1] or 'checkpoint.pth')
        torch.hub.download_url_to_file(filename, target, progress=False)
        return load_checkpoint_safe(target, map_location)


def load_from_refused(filename: str, *_: Any, **__: Any) -> dict[str, Any]:
    """What mmengine calls for every other scheme."""
    raise ValueError(f'{filename}: only local files and http(s) addresses can be loaded; download it and give the path')


def install_safe_loader() -> None:
    """Make every way mmengine loads a checkpoint (load_from, resume, Pretrained) use the safe loader."""
    for prefix in list(CheckpointLoader._schemes):
        CheckpointLoader.register_scheme(prefix, load_from_refused, force=True)
    CheckpointLoader.register_scheme('', load_from_safe_file, force=True)
    CheckpointLoader.register_scheme(['http://', 'https://'], load_from_safe_http, force=True)
