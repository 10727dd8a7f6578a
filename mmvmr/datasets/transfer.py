"""How batches get from the data-loading processes to the training process.

By default torch moves every tensor into a shared memory segment of its own, which costs a file descriptor, a socket
connection and fresh memory pages; a sample has six tensors, most of them tiny. Here a tensor that is a part of a
mapped file is sent as (file, offset) and mapped by the receiver, a small one is sent through the pipe, and only large
ones that were computed take torch's way. The receiver may write into what it got: nobody else sees it.
"""

from __future__ import annotations

from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np
import torch
from torch.multiprocessing.reductions import reduce_tensor
from torch.utils.data import get_worker_info

from .mapped_files import Place, own_part, place_of

# Bytes; what a pipe of Linux holds.
SMALL = 65536
_DTYPES = {torch.float64, torch.float32, torch.float16, torch.int64, torch.int32, torch.uint8, torch.bool}


def in_worker() -> bool:
    """Whether this is a data-loading process, whose batches are sent to another one."""
    return get_worker_info() is not None


def as_tensor(array: np.ndarray) -> torch.Tensor:
    """An array as a tensor that may be written into.

    Args:
        array: Any array. A read-only one is cached or mapped, and others see its memory.

    Returns:
        The tensor: of the memory of a writable array; of memory of its own otherwise, for which a part of a mapped file
        need not be copied.
    """
    if array.flags.writeable:
        return torch.from_numpy(array)
    place = place_of(array)
    if place is None:
        return torch.from_numpy(array.copy())
    window = torch.from_numpy(own_part(place, array.dtype.str, array.shape))
    if in_worker():  # elsewhere nothing is sent, and an attribute would go into what torch saves
        window.mapped_from = (place, array.dtype.str, window.data_ptr())
    return window


def light_transfer() -> None:
    """Send the tensors of this data-loading process in the way that the module describes."""
    ForkingPickler.register(torch.Tensor, _reduce)


def _reduce(tensor: torch.Tensor) -> tuple[Any, ...]:
    place, dtype, address = getattr(tensor, 'mapped_from', (None, '', 0))
    # A tensor that was written into, or has got other contents, is not what the file holds there.
    if place is not None and tensor._version == 0 and tensor.data_ptr() == address and tensor.is_contiguous():
        return _from_file, (place, dtype, tuple(tensor.shape))
    plain = tensor.device.type == 'cpu' and tensor.layout == torch.strided and tensor.dtype in _DTYPES
    if plain and tensor.nbytes <= SMALL and not tensor.requires_grad and not tensor.is_shared():
        array = tensor.numpy()
        return _from_bytes, (array.tobytes(), array.dtype.str, array.shape)
    return reduce_tensor(tensor)


def _from_file(place: Place, dtype: str, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.from_numpy(own_part(place, dtype, shape))


def _from_bytes(data: bytes, dtype: str, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.from_numpy(np.ndarray(shape, dtype, data).copy())
