"""Mixed precision without a gradient scaler, on CPUs too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.optim import OptimWrapper
from torch import nn

from mmvmr.registry import OPTIM_WRAPPERS


def autocast_dtype(name: str) -> torch.dtype:
    """The dtype of a name.

    Args:
        name: Only ``bfloat16``: float16 overflows without loss scaling.

    Returns:
        The dtype.

    Raises:
        ValueError: For any other name.
    """
    if name != 'bfloat16':
        raise ValueError(
            f'dtype={name!r}: only bfloat16 is supported here; for float16 on a GPU use '
            "optim_wrapper.type='AmpOptimWrapper' of mmengine, which scales the loss"
        )
    return torch.bfloat16


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(OptimWrapper):
    """Runs the forward pass under bf16 autocast; weights, gradients and the update stay float32.

    ``AmpOptimWrapper`` of mmengine refuses CPUs. bfloat16 has the exponent range of float32, so no loss scaling is
    needed, and gradient clipping works on true gradients.

    Args:
        *args: As for ``mmengine.optim.OptimWrapper``.
        dtype: Name of the dtype of matrix products.
        **kwargs: As for ``mmengine.optim.OptimWrapper``, e.g. ``clip_grad=dict(max_norm=0.1)``.
    """

    def __init__(self, *args: Any, dtype: str = 'bfloat16', **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dtype = autocast_dtype(dtype)

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast around the forward pass.

        Args:
            model: The model.

        Yields:
            Nothing.
        """
        with super().optim_context(model), torch.autocast(torch.device(get_device()).type, self.dtype):
            yield
