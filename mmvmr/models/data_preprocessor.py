"""Padding a batch and moving it to the device."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from mmvmr.registry import MODELS

_REQUIRED = ('video', 'text')


@MODELS.register_module()
class MomentDataPreprocessor(BaseDataPreprocessor):
    """Pads features to the longest of the batch and adds boolean masks (True = valid).

    An input that only some samples have (a negative sentence) is padding alone for the others: their mask is False
    throughout. ``video`` and ``text`` belong to every sample.

    Args:
        pad_to: Pad videos to at least this many clips, which keeps shapes constant for compiled models.
        non_blocking: Do not wait for copies to the device.
    """

    def __init__(self, pad_to: int | None = None, non_blocking: bool = True):
        super().__init__(non_blocking=non_blocking)
        self.pad_to = pad_to

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
                inputs[name] = self.cast_data(features)
                continue
            padded, mask = self._pad(_complete(name, features), self.pad_to if name == 'video' else None)
            inputs[name], inputs[f'{name}_mask'] = self.cast_data(padded), self.cast_data(mask)
        return {'inputs': inputs, 'data_samples': data.get('data_samples')}

    @staticmethod
    def _pad(features: list[Tensor], at_least: int | None) -> tuple[Tensor, Tensor]:
        lengths = [len(f) for f in features]
        dtype = torch.float32 if features[0].is_floating_point() else features[0].dtype
        # Not by pad_sequence, which writes everything twice.
        padded = features[0].new_empty(len(features), max(*lengths, at_least or 0), *features[0].shape[1:], dtype=dtype)
        plain = padded.device.type == 'cpu' and all(f.dtype == dtype and not f.requires_grad for f in features)
        # numpy moves a block of memory twice as fast as torch, which in turn converts numbers faster.
        target, parts = (padded.numpy(), [f.numpy() for f in features]) if plain else (padded, features)
        for row, (part, length) in enumerate(zip(parts, lengths)):
            target[row, :length] = part
            target[row, length:] = 0
        return padded, torch.arange(padded.shape[1]) < torch.tensor(lengths)[:, None]


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
