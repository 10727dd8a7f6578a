"""Transfer of batches from the data-loading processes to the training process.

By default torch moves every tensor into a separate shared memory segment, which costs a file descriptor, a socket
connection and fresh memory pages; a sample has six tensors, most of them tiny. Here a tensor that is a part of a
mapped file is sent as (file, offset) and mapped by the receiver, one that was computed from such a part alone is
computed by the receiver once more, a small one is sent through the pipe, and only large others take torch's way. The
receiver may write into what it got: nobody else sees it.
"""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.multiprocessing.reductions import reduce_tensor
from torch.utils.data import get_worker_info

from mmvmr.datasets.stores.mapped_files import Place, own_part, place_of

# Bytes; what a pipe of Linux holds.
SMALL = 65536
_DTYPES = {torch.float64, torch.float32, torch.float16, torch.int64, torch.int32, torch.uint8, torch.bool}


class Origin(NamedTuple):
    """Origin of the contents of an array.

    Attributes:
        place: Their place in a file.
        dtype: Type of the numbers there.
        shape: Shape of the array there.
        change: Function of a module that makes the array of what is stored there; None where it is stored as it is.
    """

    place: Place
    dtype: str
    shape: tuple[int, ...]
    change: Callable[[np.ndarray], np.ndarray] | None = None


class Computed(np.ndarray):
    """A read-only array that remembers what it was computed from; what is made of it does not."""

    origin: Origin | None = None


def computed(change: Callable[[np.ndarray], np.ndarray], array: np.ndarray) -> np.ndarray:
    """Change an array in such a way that another process can do it again.

    Args:
        change: Function of a module; it makes a new array and depends on nothing but its argument.
        array: The array.

    Returns:
        What the function returned; read-only and with the origin where the array is a part of a mapped file.
    """
    result, place = change(array), place_of(array)
    if place is None:
        return result
    remembering = result.view(Computed)
    remembering.origin = Origin(place, array.dtype.str, array.shape, change)
    remembering.setflags(write=False)
    return remembering


def in_worker() -> bool:
    """True in a data-loading process, whose batches are sent to another one."""
    return get_worker_info() is not None


def as_tensor(array: np.ndarray) -> torch.Tensor:
    """An array as a tensor that may be written into.

    Args:
        array: Any array. A read-only one is cached or mapped, and others see its memory.

    Returns:
        The tensor: of the memory of a writable array; of new memory otherwise, for which a part of a mapped file
        need not be copied.
    """
    if array.flags.writeable:
        return torch.from_numpy(array)
    origin = getattr(array, 'origin', None)
    if origin is None and (place := place_of(array)) is not None:
        origin = Origin(place, array.dtype.str, array.shape)
        array = own_part(place, array.dtype.str, array.shape)
    elif origin is not None and in_worker():
        array = array.base  # writable; what is sent is memory of the receiver
    else:
        array = np.array(array)
    tensor = torch.from_numpy(array)
    if origin is not None and in_worker():  # elsewhere nothing is sent, and an attribute would go into what torch saves
        tensor.origin = (origin, tensor.data_ptr(), tensor.shape)
    return tensor


def light_transfer() -> None:
    """Send the tensors of this data-loading process in the way that the module describes."""
    ForkingPickler.register(torch.Tensor, _reduce)


def _reduce(tensor: torch.Tensor) -> tuple[Any, ...]:
    origin, *memory = getattr(tensor, 'origin', (None,))
    # A tensor that was written into, or has got other contents, is not what it was made of.
    unchanged = origin is not None and tensor._version == 0 and tensor.is_contiguous()
    if unchanged and memory == [tensor.data_ptr(), tensor.shape]:
        return _from_file, (origin,)
    plain = tensor.device.type == 'cpu' and tensor.layout == torch.strided and tensor.dtype in _DTYPES
    if plain and tensor.nbytes <= SMALL and not tensor.requires_grad and not tensor.untyped_storage().is_shared():
        array = tensor.numpy()
        return _from_bytes, (array.tobytes(), array.dtype.str, array.shape)
    return reduce_tensor(tensor)


def _from_file(origin: Origin) -> torch.Tensor:
    array = own_part(origin.place, origin.dtype, origin.shape)
    return torch.from_numpy(array if origin.change is None else origin.change(array))


def _from_bytes(data: bytes, dtype: str, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.from_numpy(np.ndarray(shape, dtype, data).copy())
