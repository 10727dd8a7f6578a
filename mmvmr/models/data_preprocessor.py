"""Padding a batch and moving it to the device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.registry import MODELS
from mmvmr.structures.padding import PaddedList, pad_sequences

_REQUIRED = ('video', 'text')


@MODELS.register_module()
class MomentDataPreprocessor(nn.Module):
    """Pads features to the longest of the batch and adds boolean masks (True = valid).

    An input that only some samples have (an unmatched sentence) is padding alone for the others: their mask is False
    throughout. ``video`` and ``text`` belong to every sample.

    Args:
        pad_to: Pad videos to at least this many clips, which keeps shapes constant for compiled models.
        non_blocking: Do not wait for copies to the device.
    """

    def __init__(self, pad_to: int | None = None, non_blocking: bool = True):
        super().__init__()
        self.pad_to = pad_to
        self.non_blocking = non_blocking
        self.device = torch.device('cpu')

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> MomentDataPreprocessor:
        """Follow the model to its device: torch moves modules with this method, alone or as a part of others."""
        self.device = fn(torch.empty(0, device=self.device)).device
        return super()._apply(fn, recurse)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Pad a collated batch.

        Args:
            data: ``inputs``: name to a list of (L, ...) tensors, or to one tensor that has no length (``video_index``);
                ``data_samples``: list of samples or None.
            training: Unused: training and inference pad in the same way.

        Returns:
            ``inputs``: name to (B, L, ...) and ``<name>_mask`` (B, L); ``data_samples`` as given.
        """
        inputs: dict[str, Tensor] = {}
        for name, features in data['inputs'].items():
            if isinstance(features, Tensor):
                inputs[name] = self._moved(features)
                continue
            at_least = (self.pad_to or 0) if name == 'video' else 0
            if not isinstance(features, PaddedList) or features.padded.shape[1] < at_least:
                features = pad_sequences(_complete(name, features), at_least)
            inputs[name], inputs[f'{name}_mask'] = self._moved(features.padded), self._moved(features.mask())
        return {'inputs': inputs, 'data_samples': data.get('data_samples')}

    def _moved(self, value: Tensor) -> Tensor:
        return value.to(self.device, non_blocking=self.non_blocking)


def _complete(name: str, features: list[Tensor | None]) -> list[Tensor]:
    """Put an empty sequence where a sample lacks the input.

    Raises:
        ValueError: If it is one that every sample needs.
    """
    present = next((f for f in features if f is not None), None)
    lacking = sum(f is None for f in features)
    if present is None or (lacking and name in _REQUIRED):
        raise ValueError(f'{lacking} of {len(features)} samples of the batch have no input {name!r}')
    return [present.new_zeros(0, *present.shape[1:]) if f is None else f for f in features]
