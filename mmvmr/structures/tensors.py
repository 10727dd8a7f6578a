"""Token sequences, and operations on every tensor of a nested structure."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar('T')


@dataclass
class Tokens:
    """A padded sequence of feature vectors.

    Attributes:
        feat: Features of shape (B, L, D).
        mask: Validity of shape (B, L), True = valid.
        pos: Positional embedding of shape (B, L, D), or None for none.
        lead: How many entries at the front are learned tokens, which have no neighbours in time.
        raw: The vectors before projection (B, L, D'), for components that look at the input features.
        layers: The entries in K layers of a frozen encoder, the last one at the end: (B, L, K, P, D) for clips with P
            tokens of a frame each, the class token in front, and (B, L, K, D) for text tokens.
    """

    feat: Tensor
    mask: Tensor
    pos: Tensor | None = None
    lead: int = 0
    raw: Tensor | None = None
    layers: Tensor | None = None

    def position(self) -> Tensor:
        """The positional embedding, zeros where the sequence has none: (B, L, D)."""
        return torch.zeros_like(self.feat) if self.pos is None else self.pos

    def input_mask(self) -> Tensor:
        """Validity of what comes from the input: ``mask`` without the learned tokens at the front (B, L)."""
        mask = self.mask.clone()
        mask[:, : self.lead] = False
        return mask

    def replace(self, feat: Tensor) -> Tokens:
        """The same sequence with other features."""
        return dataclasses.replace(self, feat=feat)

    def join(self, other: Tokens) -> Tokens:
        """This sequence followed by another, (B, L + L', D), with zero positions where only one has positions."""
        pos = None
        if self.pos is not None or other.pos is not None:
            pos = torch.cat((self.position(), other.position()), dim=1)
        lead = self.lead + (other.lead if self.lead == self.feat.shape[1] else 0)
        return Tokens(torch.cat((self.feat, other.feat), dim=1), torch.cat((self.mask, other.mask), dim=1), pos, lead)


def batch_axis(axis: int | None) -> Mapping[str, int | None]:
    """Metadata of a dataclass field that says which axis of its tensors counts the samples of the batch.

    None: the tensors are common to all samples. Fields without a declaration have it first.
    """
    return {'batch_axis': axis}


def map_tensors(value: T, fn: Callable[[Tensor], Tensor]) -> T:
    """Apply ``fn`` to every tensor inside (nested) flow structures, lists, tuples and dicts; other leaves stay."""
    if isinstance(value, Tensor):
        return fn(value)  # type: ignore[return-value]  # a tensor for a tensor, which T cannot say
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: map_tensors(getattr(value, f.name), fn) for f in dataclasses.fields(value)}
        return type(value)(**fields)
    if isinstance(value, dict):
        return type(value)((k, map_tensors(v, fn)) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return type(value)(map_tensors(v, fn) for v in value)
    return value


def select_samples(value: T, rows: Tensor, batch: int, axis: int | None = 0, where: str = 'value') -> T:
    """Keep some samples in every tensor of a structure, along the axes that its fields declare.

    Args:
        value: A structure, a container of structures, or a leaf.
        rows: Samples to keep (K,).
        batch: Number of samples B.
        axis: Axis that counts the samples in tensors that are directly in ``value``, see :func:`batch_axis`.
        where: Name of ``value`` for the message.

    Returns:
        The same structure with K samples; leaves that are not tensors are passed on unchanged.

    Raises:
        ValueError: If a tensor does not have B samples along its axis.
    """
    if isinstance(value, Tensor):
        if axis is None:
            return value
        if value.dim() <= axis or value.shape[axis] != batch:
            raise ValueError(
                f'{where} has shape {tuple(value.shape)}, expected the {batch} samples of the batch along axis {axis}: '
                'expand it, or declare the axis of its field with batch_axis'
            )
        return value.index_select(axis, rows)  # type: ignore[return-value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind, parts = type(value), {}
        for f in dataclasses.fields(value):
            name = f'{kind.__name__}.{f.name}'
            parts[f.name] = select_samples(getattr(value, f.name), rows, batch, f.metadata.get('batch_axis', 0), name)
        return kind(**parts)
    if isinstance(value, dict):
        return type(value)((k, select_samples(v, rows, batch, axis, f'{where}[{k!r}]')) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return type(value)(select_samples(v, rows, batch, axis, f'{where}[{i}]') for i, v in enumerate(value))
    return value
