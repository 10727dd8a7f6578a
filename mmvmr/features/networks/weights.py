"""Reading published weights without running code, and one clear message where they do not fit a network."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmvmr.utils.checkpoint import UnsafeCheckpointError, load_checkpoint_safe

# Where published checkpoints keep their weights: PySlowFast, mmengine and Lightning, PANNs.
_WRAPPERS = ('model_state', 'state_dict', 'model')
_MAX_NAMED = 4
_SAVE_WEIGHTS_ALONE = (
    'Save its weights alone, with a program that you trust to read it: '
    "`torch.save({{'state_dict': checkpoint['model']}}, 'weights.pth')` or the like."
)
# Files of torch are zip archives or, before torch 1.6, a row of pickles of which the first holds this number.
_TORCH_MAGIC = pickle.dumps(torch.serialization.MAGIC_NUMBER, protocol=2)


def _empty_array(*_: Any) -> np.ndarray:
    """Stands in for numpy's ``_reconstruct``: the array that the state which follows in the pickle fills."""
    return np.empty(0, dtype='b')


def _array_of_buffer(buffer: bytes, dtype: np.dtype, shape: tuple[int, ...], order: str) -> np.ndarray:
    """What numpy's ``_frombuffer`` does: an array of the bytes that pickle protocol 5 holds."""
    return np.frombuffer(buffer, dtype=dtype).reshape(shape, order=order)


def _latin1(text: str, encoding: str) -> bytes:
    """Stands in for ``_codecs.encode``, by which Python 3 writes bytes in pickle protocol 2."""
    if encoding != 'latin1':
        raise UnsafeCheckpointError(f'it asks for the encoding {encoding!r}')
    return text.encode('latin1')


_ALLOWED = {
    ('numpy.core.multiarray', '_reconstruct'): _empty_array,
    ('numpy._core.multiarray', '_reconstruct'): _empty_array,
    ('numpy.core.numeric', '_frombuffer'): _array_of_buffer,
    ('numpy._core.numeric', '_frombuffer'): _array_of_buffer,
    ('_codecs', 'encode'): _latin1,
    ('numpy', 'ndarray'): np.ndarray,
    ('numpy', 'dtype'): np.dtype,
}


class _ArraysOnly(pickle.Unpickler):
    """An unpickler to which every class is unknown, except what numpy arrays of numbers are made of."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise UnsafeCheckpointError(f'it asks for `{module}.{name}`') from None


def read_numpy_pickle(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a pickle of nested dicts of numpy arrays; anything else in it is refused.

    Args:
        path: The file.

    Returns:
        The outermost dict.

    Raises:
        FileNotFoundError: If there is no such file.
        UnsafeCheckpointError: If the pickle names anything but numpy arrays and plain Python values.
        ValueError: If the file is truncated, no pickle, or does not hold a dict.
    """
    source = Path(path).expanduser()
    if not source.is_file():
        raise FileNotFoundError(f'{source.absolute()}: no such file of weights')
    try:
        with open(source, 'rb') as file:
            content = _ArraysOnly(file, encoding='latin1').load()  # latin1: arrays pickled by Python 2
    except UnsafeCheckpointError as error:
        raise UnsafeCheckpointError(
            f'{source}: refused, because reading this pickle would run code: {error}. Expected nested dicts of numpy '
            'arrays only; save the weights as such'
        ) from None
    except Exception as error:  # a damaged pickle raises whatever its bytes happen to say
        raise ValueError(f'{source}: not a complete pickle of numpy arrays: {type(error).__name__}: {error}') from None
    if not isinstance(content, dict):
        raise ValueError(f'{source}: expected a pickled dict of arrays, found {type(content).__name__}')
    return content


def is_plain_pickle(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a pickle that ``torch.save`` did not write.

    Args:
        path: The file.

    Returns:
        False also for files that cannot be read: whoever loads them says why.
    """
    try:
        with open(Path(path).expanduser(), 'rb') as file:
            start = file.read(len(_TORCH_MAGIC))
    except OSError:
        return False
    return start.startswith(b'\x80') and start != _TORCH_MAGIC


def read_state_dict(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Read the tensors of a checkpoint saved by ``torch.save``, wherever the published layouts keep them.

    A wrapping key (``model_state`` of PySlowFast, ``model`` of PANNs, ``state_dict``) is opened and the prefix
    ``module.`` of DataParallel is dropped.

    Args:
        path: The file.

    Returns:
        Names and tensors.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such checkpoint, or loading it would run code.
    """
    content: Mapping[str, Any] = load_checkpoint_safe(path, advice=_SAVE_WEIGHTS_ALONE)
    for key in _WRAPPERS:
        if isinstance(content.get(key), Mapping):
            content = content[key]
            break
    state = {str(k).removeprefix('module.'): v for k, v in content.items() if isinstance(v, Tensor)}
    if not state:
        raise ValueError(
            f'{path}: holds no tensors, neither at its top nor under one of {_WRAPPERS}; found the keys '
            f'{_some(map(str, content))}'
        )
    return state


def load_weights(network: nn.Module, state: Mapping[str, Tensor], source: str | os.PathLike[str]) -> None:
    """Copy weights into a network, all of them or none.

    Args:
        network: The network.
        state: Its weights by name. ``num_batches_tracked`` may be absent (old checkpoints and other frameworks do not
            count batches, and inference does not use it).
        source: Where they come from, for the message.

    Raises:
        ValueError: If a name is missing or unexpected or a shape differs; one message names them.
    """
    expected = network.state_dict()
    counters = {name for name in expected if name.endswith('num_batches_tracked')}
    missing = sorted(set(expected) - counters - set(state))
    unexpected = sorted(set(state) - set(expected))
    shapes = [
        f'{name} {tuple(state[name].shape)} instead of {tuple(value.shape)}'
        for name, value in expected.items()
        if name in state and state[name].shape != value.shape
    ]
    found = [
        f'{len(names)} {what} ({_some(names)})'
        for what, names in (('missing', missing), ('unexpected', unexpected), ('of another shape', shapes))
        if names
    ]
    if found:
        raise ValueError(
            f'{source}: these are not weights of {type(network).__name__}: {"; ".join(found)}. '
            f'Expected {len(expected) - len(counters)} tensors with the published names; check that the file belongs '
            'to this architecture'
        )
    network.load_state_dict(state, strict=False)


def to_tensor(array: Any, name: str, source: str | os.PathLike[str]) -> Tensor:
    """One array of numbers from a pickle as a float32 tensor.

    Args:
        array: What the pickle holds.
        name: What it is called there, for the message.
        source: The file, for the message.

    Returns:
        The tensor, which owns its memory.

    Raises:
        ValueError: If it is no array of real numbers.
    """
    if not isinstance(array, np.ndarray) or array.dtype.kind not in 'fiu':
        kind = f'array of {array.dtype}' if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f'{source}: {name} is {kind}, expected an array of real numbers')
    return torch.from_numpy(np.array(array, dtype=np.float32))


def _some(names: Iterable[str]) -> str:
    names = list(names)
    shown = ', '.join(names[:_MAX_NAMED])
    return shown + (f', and {len(names) - _MAX_NAMED} more' if len(names) > _MAX_NAMED else '')
