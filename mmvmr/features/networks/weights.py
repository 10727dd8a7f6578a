"""Reading published weights without running code, and one clear message where they do not fit a network."""

from __future__ import annotations

import io
import math
import os
import pickle
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmvmr.utils.checkpoint import UnsafeCheckpointError, load_checkpoint_safe
from mmvmr.utils.choices import first_names
from mmvmr.utils.content import foreign_content, reason, regular_file
from mmvmr.utils.weights import compare_weights

# Where published checkpoints keep their weights: PySlowFast, mmengine and Lightning, PANNs.
_WRAPPERS = ('model_state', 'state_dict', 'model')
_MAX_DEPTH = 20
_SAVE_WEIGHTS_ALONE = (
    'Save only its weights, with a program that you trust to read it: '
    "`torch.save({{'state_dict': checkpoint['model']}}, 'weights.pth')` or the like."
)
# Files of torch are zip archives or, before torch 1.6, a row of pickles of which the first holds this number.
_TORCH_MAGIC = pickle.dumps(torch.serialization.MAGIC_NUMBER, protocol=2)


class _Dtype:
    """A dtype inside a pickle. Only plain numbers become one of numpy."""

    def __init__(self, code: str, align: bool = False, copy: bool = True) -> None:
        self._code, self._order = code, '='

    def fill(self, state: Sequence[Any]) -> None:
        """Take the state ``(version, byte order, ...)`` that follows in the pickle."""
        self._order = state[1]

    def plain(self) -> np.dtype:
        """The dtype of numpy."""
        if not isinstance(self._code, str) or not re.fullmatch(r'[fiub][1248]|b1', self._code):
            raise UnsafeCheckpointError(f'it has an array of dtype {self._code!r}, not of plain numbers')
        return np.dtype(self._code).newbyteorder('=' if self._order not in ('<', '>') else self._order)


class _Array:
    """An array inside a pickle; the state that follows holds its bytes."""

    def __init__(self, *_: Any) -> None:
        self.value: np.ndarray | None = None

    def fill(self, state: Sequence[Any]) -> None:
        """Take the state ``(version, shape, dtype, Fortran order, bytes)`` that follows in the pickle."""
        _, shape, dtype, fortran, data = state
        self.value = _array_of_bytes(data, dtype, shape, 'F' if fortran else 'C').value

    def checked(self) -> np.ndarray:
        """The array of numpy."""
        if self.value is None:
            raise ValueError('an array without content')
        return self.value


def _array_of_bytes(data: Any, dtype: Any, shape: Any, order: str = 'C') -> _Array:
    """An array of exactly the bytes that the pickle holds: nothing is allocated for what it merely claims."""
    if isinstance(data, str):  # written by Python 2
        data = data.encode('latin1')
    if not isinstance(data, (bytes, bytearray)) or not isinstance(dtype, _Dtype) or not isinstance(shape, tuple):
        raise ValueError('an array whose content is not bytes, dtype and shape')
    plain = dtype.plain()
    sizes = [size for size in shape if isinstance(size, int) and size >= 0]
    if len(sizes) != len(shape) or math.prod(sizes) * plain.itemsize != len(data):
        raise ValueError(f'an array of shape {shape} and {plain} with {len(data)} bytes')
    array = _Array()
    array.value = np.frombuffer(bytes(data), dtype=plain).reshape(shape, order='F' if order == 'F' else 'C')
    return array


def _latin1(text: str, encoding: str) -> bytes:
    """Stands in for ``_codecs.encode``, by which Python 3 writes bytes in pickle protocol 2."""
    if encoding != 'latin1':
        raise UnsafeCheckpointError(f'it asks for the encoding {encoding!r}')
    return text.encode('latin1')


#: What a pickle may name. ``ndarray`` only ever is an argument of ``_reconstruct``: it cannot be called.
_ALLOWED = {
    ('numpy.core.multiarray', '_reconstruct'): _Array,
    ('numpy._core.multiarray', '_reconstruct'): _Array,
    ('numpy.core.numeric', '_frombuffer'): _array_of_bytes,
    ('numpy._core.numeric', '_frombuffer'): _array_of_bytes,
    ('_codecs', 'encode'): _latin1,
    ('numpy', 'ndarray'): 'ndarray',
    ('numpy', 'dtype'): _Dtype,
}


class _ArraysOnly(pickle._Unpickler):
    """An unpickler to which every class is unknown, except what numpy arrays of numbers are made of.

    It is the one in Python: that in C allocates whatever a length or a memo index in the file claims.
    """

    dispatch = dict(pickle._Unpickler.dispatch)

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise UnsafeCheckpointError(f'it asks for `{module}.{name}`') from None

    def load_build(self) -> None:
        """Pass a state to an array or a dtype; nothing else has one."""
        state, target = self.stack.pop(), self.stack[-1]
        if not isinstance(target, (_Array, _Dtype)):
            raise UnsafeCheckpointError(f'it changes a {type(target).__name__}')
        target.fill(state)

    dispatch[pickle.BUILD[0]] = load_build


def _plain(value: Any, done: dict[int, Any], depth: int = 0) -> Any:
    """The value with arrays of numpy; every object once, however often the pickle refers to it."""
    if id(value) in done:
        return done[id(value)]
    if depth > _MAX_DEPTH:
        raise ValueError(f'nested more than {_MAX_DEPTH} deep')
    if isinstance(value, _Array):
        result: Any = value.checked()
    elif isinstance(value, dict):
        result = {key: _plain(entry, done, depth + 1) for key, entry in value.items()}
    elif isinstance(value, (list, tuple)):
        result = type(value)(_plain(entry, done, depth + 1) for entry in value)
    else:
        result = value
    done[id(value)] = result
    return result


def read_numpy_pickle(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a pickle of nested dicts of numpy arrays; anything else in it is refused.

    Raises:
        FileNotFoundError: If there is no such file.
        UnsafeCheckpointError: If the pickle names anything but numpy arrays and plain Python values.
        ValueError: If the file is truncated, no pickle, or does not hold a dict.
    """
    source = regular_file(Path(path).expanduser())
    try:
        held = io.BytesIO(source.read_bytes())
        loaded = _ArraysOnly(held, encoding='latin1').load()  # latin1: arrays pickled by Python 2
        content = _plain(loaded, {})
    except UnsafeCheckpointError as error:
        raise UnsafeCheckpointError(
            f'{source}: refused, because reading this pickle would run code: {error}. Expected nested dicts of numpy '
            'arrays only; save the weights as such'
        ) from None
    except Exception as error:  # a damaged pickle raises whatever its bytes happen to say
        problem = foreign_content(source) or f'{type(error).__name__}: {reason(error)}'
        raise ValueError(f'{source}: not a complete pickle of numpy arrays: {problem}') from None
    if not isinstance(content, dict):
        raise ValueError(f'{source}: expected a pickled dict of arrays, found {type(content).__name__}')
    return content


def is_plain_pickle(path: str | os.PathLike[str]) -> bool:
    """Check whether a file is a pickle that ``torch.save`` did not write; no if it cannot be read."""
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

    Returns:
        Names and tensors.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not such a checkpoint, or loading it would run code.
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
            f'{first_names(content)}'
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
    expected = network.state_dict().items()
    wanted = {name: value for name, value in expected if name in state or not name.endswith('num_batches_tracked')}
    fit = compare_weights(wanted, state)
    if not fit.exact:
        raise ValueError(
            f'{source}: these are not weights of {type(network).__name__}: {fit.counts()}. Check that the file belongs '
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
        ValueError: If it is not an array of real numbers.
    """
    if not isinstance(array, np.ndarray) or array.dtype.kind not in 'fiu':
        kind = f'array of {array.dtype}' if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f'{source}: {name} is {kind}, expected an array of real numbers')
    return torch.from_numpy(np.array(array, dtype=np.float32))
