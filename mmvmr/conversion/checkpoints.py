"""Reading official checkpoints without running the code that their pickles name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmvmr.utils.arrays import read_npz
from mmvmr.utils.checkpoint import load_tensors
from mmvmr.utils.content import parse_yaml, regular_file
from mmvmr.utils.io import read_json, read_text


class _Inert:
    """Stands in for any class that a pickle names: keeps what it is given and does nothing."""

    def __init__(self, *args: Any, **kwargs: Any):
        self.arguments = args
        self.__dict__.update(kwargs)

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, Mapping):
            self.__dict__.update(state)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.__dict__[str(key)] = value


def read_official(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read an official state dict and the options stored next to it.

    Official checkpoints (``.ckpt``) pickle their options as objects of classes such as ``argparse.Namespace``. Every
    such class is replaced by an inert one, so that nothing of the file is ever executed.

    Args:
        path: A ``.ckpt``/``.pth`` file, or a ``state_dict.npz`` with a ``config.json`` next to it.

    Returns:
        The state dict, and the options (empty if there are none).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file holds no state dict.
    """
    regular_file(path)
    if path.suffix == '.npz':
        config = path.parent / 'config.json'
        state = {name: torch.from_numpy(value) for name, value in read_npz(path).items()}
        return state, recorded_options(read_json(config)) if config.exists() else {}
    content = _load_inert(path)
    for key in ('model_ema', 'model', 'state_dict', 'net'):  # the average is what SnAG evaluates
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            return _tensors(content[key], path), _plain(content.get('opt'))
    if isinstance(content, Mapping):
        return _tensors(content, path), {}
    raise ValueError(f'{path}: expected a dict with a state dict under `model`, found {type(content).__name__}')


def read_options(path: Path) -> dict[str, Any]:
    """Read an official option file (``opt.json``, a ``config.json`` with ``args``, or YAML).

    Returns:
        Name to value.

    Raises:
        ValueError: If the file is no JSON or YAML object.
    """
    options = _read_yaml(path) if path.suffix in ('.yml', '.yaml') else read_json(path)
    if not isinstance(options, dict):
        raise ValueError(f'{path}: expected an object of options, found {type(options).__name__}')
    return recorded_options(options) if 'args' in options else options


def recorded_options(config: Mapping[str, Any]) -> dict[str, Any]:
    """The official options of a recorded run: ``args`` of its ``config.json``, or ``opt`` where that is a remark."""
    options = config['args']
    return dict(options if isinstance(options, Mapping) else config['opt'])


def _read_yaml(path: Path) -> Any:
    try:
        return parse_yaml(read_text(path))
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from None


def _load_inert(path: Path) -> Any:
    try:
        named = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception:  # loading says what is wrong with the file
        named = []
    stubs = [(type('Inert', (_Inert,), {}), name) for name in named]
    with torch.serialization.safe_globals(stubs):
        return load_tensors(path, advice='Give a checkpoint of weights and options only')


def _tensors(state: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    wrong = [str(key) for key, value in state.items() if not isinstance(value, Tensor)]
    if wrong or not state:
        raise ValueError(f'{path}: expected a state dict of tensors, found other entries: {", ".join(wrong[:5])}')
    return dict(state)


def _plain(options: Any) -> dict[str, Any]:
    """Options as plain JSON values; what is none of these is left out."""
    values = options if isinstance(options, Mapping) else vars(options) if isinstance(options, _Inert) else {}
    plain = {}
    for key, value in values.items():
        try:
            plain[str(key)] = json.loads(json.dumps(value))
        except (TypeError, ValueError):
            continue
    return plain
