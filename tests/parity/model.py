"""Models of official options with official weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mmengine.logging import MessageHub
from torch import nn

from mmvmr.conversion.method import OfficialMethod
from mmvmr.registry import MODELS
from parity.recording import Tensors


def build_model(
    method: OfficialMethod, options: Mapping[str, Any], state: Tensors, overrides: Mapping[str, Any] | None = None
) -> nn.Module:
    """Build the model of official options with official weights.

    Args:
        method: The published implementation.
        options: Its options.
        state: Its state dict.
        overrides: Further changes of the model config.

    Returns:
        The model, without dropout.

    Raises:
        ValueError: If the weights do not fit the model.
    """
    model = MODELS.build(method.model_config(options, overrides))
    method.load(model, state)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        elif isinstance(getattr(module, 'dropout', None), float):
            module.dropout = 0.0
    return model


def at_epoch(epoch: int) -> Callable[[Any], None]:
    """Preparation of a run that takes place in an epoch of training."""
    return lambda model: MessageHub.get_current_instance().update_info('epoch', epoch)
