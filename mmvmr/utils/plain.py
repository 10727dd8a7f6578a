"""Turn anything a checkpoint may hold into types that ``torch.load(weights_only=True)`` reads back."""

from __future__ import annotations

from collections import OrderedDict, deque
from pathlib import Path
from typing import Any

import numpy as np
import torch

_PLAIN = (bool, int, float, complex, str, bytes, torch.Tensor, torch.dtype, torch.device, torch.Size)


def to_plain(value: Any, where: str = 'value') -> Any:
    """Replace numpy values, paths and queues by plain Python and tensors, recursively.

    Args:
        value: What is going to be saved.
        where: Name of ``value`` for the error message.

    Returns:
        The same structure made of dicts, lists, tuples, scalars, strings and tensors.

    Raises:
        TypeError: If something has no plain form; the message names the place and the type.
    """
    # Numpy first: np.float64 is a float, np.str_ is a str, and neither survives a strict load.
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in 'biufc':
            return to_plain(value.tolist(), where)
        return torch.from_numpy(np.ascontiguousarray(value))
    if value is None or type(value) in _PLAIN or isinstance(value, torch.Tensor):
        return value
    if isinstance(value, (dict, OrderedDict)):
        items = ((to_plain(k, f'a key of {where}'), to_plain(v, f'{where}[{k!r}]')) for k, v in value.items())
        return OrderedDict(items) if isinstance(value, OrderedDict) else dict(items)
    if isinstance(value, (list, deque)):
        return [to_plain(v, f'{where}[{i}]') for i, v in enumerate(value)]
    if isinstance(value, tuple):
        return tuple(to_plain(v, f'{where}[{i}]') for i, v in enumerate(value))
    if isinstance(value, (set, frozenset)):
        return [to_plain(v, where) for v in sorted(value)]
    if isinstance(value, Path):
        return str(value)
    for base in (int, float, str):  # subclasses such as enum members
        if isinstance(value, base):
            return base(value)
    raise TypeError(
        f'{where} cannot be stored in a checkpoint: {type(value).__module__}.{type(value).__qualname__} is neither '
        'plain Python, numpy nor a tensor, and a checkpoint that needs its class would run code when loaded. '
        'Store a dict of numbers and strings instead.'
    )
