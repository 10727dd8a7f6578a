"""Devices by their names on command lines."""

from __future__ import annotations

import torch


def usable_device(name: str) -> torch.device:
    """Find a device that can be computed on.

    Args:
        name: ``auto`` (a GPU where there is one), ``cpu``, ``cuda``, ``cuda:1``, ...

    Raises:
        ValueError: If there is no such device, or this machine does not have it.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == 'auto':
        return torch.device('cuda' if count else 'cpu')
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f'device {name!r}: expected auto, cpu, cuda or cuda:NUMBER') from None
    if device.type == 'cuda' and (device.index or 0) >= count:
        raise ValueError(f'device {name!r}: torch finds {count} GPUs here; choose another one, or cpu')
    return device
