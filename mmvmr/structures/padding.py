"""Sequences of different lengths in one padded tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor


class PaddedList(list):
    """List of (L, ...) tensors that are the rows of one zero-padded tensor, which is sent between processes at once.

    Args:
        padded: Shape (B, L, ...).
        lengths: Length of every row.
    """

    def __init__(self, padded: Tensor, lengths: Sequence[int]) -> None:
        super().__init__(row[:length] for row, length in zip(padded, lengths))
        self.padded, self.lengths = padded, list(lengths)

    def __reduce__(self) -> tuple[Any, ...]:
        return PaddedList, (self.padded, self.lengths)

    def pin_memory(self) -> PaddedList:
        """The same in page-locked memory, for the data loader of torch."""
        return PaddedList(self.padded.pin_memory(), self.lengths)

    def mask(self) -> Tensor:
        """Validity of shape (B, L), True = valid."""
        return torch.arange(self.padded.shape[1]) < torch.tensor(self.lengths)[:, None]


def pad_sequences(sequences: Sequence[Tensor | np.ndarray], at_least: int = 0, shared: bool = False) -> PaddedList:
    """Pad sequences (L, ...) with zeros to the longest, at least to ``at_least``; floating ones become float32.

    ``shared`` memory can be mapped by another process.
    """
    lengths = [len(sequence) for sequence in sequences]
    shape = (len(sequences), max(*lengths, at_least), *sequences[0].shape[1:])
    if isinstance(sequences[0], np.ndarray):
        padded = torch.empty(shape)
    else:
        first = sequences[0]
        padded = first.new_empty(0 if shared else shape, dtype=None if not first.is_floating_point() else torch.float32)
    if shared:  # as torch.utils.data.default_collate does
        storage = padded._typed_storage()._new_shared(torch.Size(shape).numel(), device=padded.device)
        padded = padded.new(storage).resize_(shape)
    # numpy moves a block of memory twice as fast as torch, which in turn converts numbers faster.
    plain = all(_movable(sequence, padded) for sequence in sequences)
    target: Any = padded.numpy() if plain else padded
    for number, (sequence, length) in enumerate(zip(sequences, lengths)):
        target[number, :length] = sequence.numpy() if plain and isinstance(sequence, Tensor) else sequence
        target[number, length:] = 0
    return PaddedList(padded, lengths)


def _movable(sequence: Tensor | np.ndarray, padded: Tensor) -> bool:
    if isinstance(sequence, np.ndarray):
        return True
    return sequence.device.type == 'cpu' and sequence.dtype == padded.dtype and not sequence.requires_grad
