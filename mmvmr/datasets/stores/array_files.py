"""Reading the array of one feature file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmvmr.utils.arrays import NpzArrays, read_npy
from mmvmr.utils.checkpoint import load_tensors
from mmvmr.utils.content import regular_file

#: What the published archives call their arrays.
KEYS = ('features', 'last_hidden_state')
_ZIP_MAGIC = b'PK\x03\x04'


def _pick(holder: Mapping[str, Any], key: str | None) -> Any:
    names = list(holder)
    for candidate in KEYS if key is None else (key,):
        if candidate in names:
            return holder[candidate]
    if key is None and len(names) == 1:
        return holder[names[0]]
    raise ValueError(f'it holds the arrays {names}, expected {key or " or ".join(KEYS)}; set key=...')


def _read_npz(path: Path, key: str | None) -> np.ndarray:
    return read_npy(path) if _starts_with(path, np.lib.format.MAGIC_PREFIX) else _pick(NpzArrays(path), key)


def _read_npy(path: Path, key: str | None) -> np.ndarray:
    return _pick(NpzArrays(path), key) if _starts_with(path, _ZIP_MAGIC) else read_npy(path)


def _starts_with(path: Path, magic: bytes) -> bool:
    with open(regular_file(path), 'rb') as file:
        return file.read(len(magic)) == magic


def _read_pt(path: Path, key: str | None) -> np.ndarray:
    loaded = load_tensors(path)
    tensor = _pick(loaded, key) if isinstance(loaded, Mapping) else loaded
    if not isinstance(tensor, torch.Tensor):
        raise ValueError(f'it holds a {type(tensor).__name__}, expected a tensor')
    if tensor.dtype == torch.bfloat16:  # numpy has no such type
        tensor = tensor.float()
    return tensor.detach().numpy()


#: Suffix of a file to the function that reads an array of it.
READERS = {'.npz': _read_npz, '.npy': _read_npy, '.pt': _read_pt}
