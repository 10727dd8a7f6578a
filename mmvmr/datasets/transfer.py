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

from .mapped_files import locate, mapped_part, own_part

# Bytes; what a pipe of Linux holds.
SMALL = 65536


def in_worker() -> bool:
    """Whether this is a data-loading process, whose batches are sent to another one."""
    return get_worker_info() is not None


def mapped_window(array: np.ndarray) -> torch.Tensor | None:
    """A tensor in the memory of a mapped file, without a copy.

    Args:
        array: Any array.

    Returns:
        The tensor; None for an array that is not a contiguous part of a mapped file.
    """
    window = mapped_part(array) if array.flags.c_contiguous else None
    return None if window is None else torch.from_numpy(window)


def light_transfer() -> None:
    """Send the tensors of this data-loading process in the way that the module describes."""
    ForkingPickler.register(torch.Tensor, _reduce)


def _reduce(tensor: torch.Tensor) -> tuple[Any, ...]:
    plain = tensor.device.type == 'cpu' and tensor.layout == torch.strided and not tensor.requires_grad
    if plain and tensor.dtype != torch.bfloat16:  # numpy has no bfloat16
        place = locate(tensor.data_ptr(), tensor.nbytes) if tensor.is_contiguous() else None
        if place is not None or tensor.nbytes <= SMALL:
            array = tensor.numpy()
            kind = (array.dtype.str, array.shape)
            return (_from_bytes, (array.tobytes(), *kind)) if place is None else (_from_file, (*place, *kind))
    return reduce_tensor(tensor)


def _from_file(path: str, offset: int, dtype: str, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.from_numpy(own_part(path, offset, dtype, shape))


def _from_bytes(data: bytes, dtype: str, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.from_numpy(np.ndarray(shape, dtype, data).copy())
