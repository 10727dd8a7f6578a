"""Choice of bfloat16 or float32, by the speed of bfloat16 on this machine."""

from __future__ import annotations

import platform
import re
from pathlib import Path

import torch
from mmengine.config import Config

from mmvmr.utils.cli import UserError

_FLAGS = {'avx512_bf16', 'amx_bf16', 'bf16', 'svebf16'}  # the last two: Arm


def cpu_has_bf16(cpuinfo: str | Path = '/proc/cpuinfo') -> bool:
    """Check whether the CPU has instructions for products of bfloat16 matrices.

    Args:
        cpuinfo: Where Linux lists the instructions; elsewhere torch is asked.

    Returns:
        False where it is unknown. Without them bfloat16 is about twelve times slower than float32.
    """
    try:
        text = Path(cpuinfo).read_text(encoding='utf-8', errors='replace')
    except OSError:
        asked = [getattr(torch.cpu, name, None) for name in ('_is_avx512_bf16_supported', '_is_amx_tile_supported')]
        return any(bool(ask()) for ask in asked if ask is not None and platform.machine() in ('x86_64', 'AMD64'))
    lines = re.findall(r'^(?:flags|Features)\s*:(.*)$', text, flags=re.MULTILINE)
    return bool(lines) and bool(_FLAGS & set(lines[0].split()))


def has_fast_bf16() -> bool:
    """Check whether bfloat16 autocast is faster than float32 on the device that is used."""
    return torch.cuda.is_available() or cpu_has_bf16()


def enable_amp(cfg: Config) -> None:
    """Train and evaluate under bfloat16 autocast, by a change of the config in place.

    Raises:
        UserError: If the config has an optimizer wrapper that autocast cannot replace.
    """
    wrapper = cfg.get('optim_wrapper')
    if wrapper is not None:
        kind = wrapper.get('type', 'OptimWrapper')
        if kind not in ('OptimWrapper', 'AutocastOptimWrapper'):
            raise UserError(f'--amp replaces an OptimWrapper, but optim_wrapper.type is {kind}')
        wrapper['type'] = 'AutocastOptimWrapper'
    for split, plain in (('val', 'ValLoop'), ('test', 'TestLoop')):
        loop = cfg.get(f'{split}_cfg')
        if loop is not None and loop.get('type', plain) == plain:
            loop['type'] = f'Autocast{plain}'


def settle_precision(cfg: Config, amp: bool = False, force: bool = False) -> str | None:
    """Choose between bfloat16 autocast and float32.

    Args:
        cfg: The config, which may ask for autocast itself; changed in place.
        amp: Autocast, where it is fast.
        force: Autocast in any case.

    Returns:
        What to tell the user where float32 is used instead of what was asked for, else None.

    Raises:
        UserError: If the config has an optimizer wrapper that autocast cannot replace.
    """
    if amp or force:
        enable_amp(cfg)
    parts = [cfg.get(key) for key in ('optim_wrapper', 'val_cfg', 'test_cfg')]
    cast = [part for part in parts if part is not None and str(part.get('type')).startswith('Autocast')]
    if not cast or force or has_fast_bf16():
        return None
    for part in cast:
        part['type'] = part['type'].removeprefix('Autocast')
        part.pop('dtype', None)
    return (
        'bfloat16 autocast is off: this CPU has no instructions for it (avx512_bf16, amx_bf16 or Arm bf16), and would '
        'be about 12 times slower than in float32, which is used instead; --force-amp insists'
    )
