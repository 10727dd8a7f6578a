"""Comparison of the weights of a checkpoint with those of a model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from mmvmr.utils.choices import first_names

#: First parts of weight names in the official repositories of this field.
_OFFICIAL = ('input_vid_proj.', 'input_txt_proj.', 'transformer.', 'span_embed.', 'class_embed.', 'query_embed.')
_CONVERT = 'mmvmr convert METHOD {path} OUT.pth'


class WeightMismatchError(ValueError):
    """The weights of a checkpoint are not those of the model."""


@dataclass(frozen=True)
class WeightFit:
    """Result of comparing the weights of a file with those of a model.

    Attributes:
        fitting: Names that both have with the same shape.
        missing: Names that only the model has.
        unexpected: Names that only the file has.
        misshapen: Names that both have, to (shape in the file, shape in the model).
    """

    fitting: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: Mapping[str, tuple[tuple[Any, ...], tuple[Any, ...]]]

    @property
    def exact(self) -> bool:
        """True if all weights of the model come from the file, and nothing of the file is left over."""
        return not (self.missing or self.unexpected or self.misshapen)

    def counts(self) -> str:
        """The counts, with the first names of whatever does not fit."""
        shapes = [f'{name} {given} instead of {expected}' for name, (given, expected) in self.misshapen.items()]
        total = len(self.fitting) + len(self.missing) + len(self.misshapen)
        parts = [f'{len(self.fitting)} of {total} weights of the model fit']
        parts += [f'{len(self.missing)} are missing in the file ({first_names(self.missing)})'] if self.missing else []
        parts += [f'{len(shapes)} have another shape ({first_names(shapes)})'] if shapes else []
        if self.unexpected:
            parts.append(f'{len(self.unexpected)} of the file are unexpected ({first_names(self.unexpected)})')
        return ', '.join(parts)


def compare_weights(expected: Mapping[str, Any], given: Mapping[str, Any]) -> WeightFit:
    """Compare the ``state_dict`` of a model with that of a file by name and shape, in their order."""
    shapes = {name: (_shape(given[name]), _shape(expected[name])) for name in expected if name in given}
    return WeightFit(
        fitting=tuple(name for name, (a, b) in shapes.items() if a == b),
        missing=tuple(name for name in expected if name not in given),
        unexpected=tuple(name for name in given if name not in expected),
        misshapen={name: pair for name, pair in shapes.items() if pair[0] != pair[1]},
    )


def _shape(value: Any) -> tuple[Any, ...]:
    """Shape of a weight, and what its numbers are where they are not real: torch would cast them without a word."""
    shape, dtype = tuple(getattr(value, 'shape', ())), getattr(value, 'dtype', None)
    if not isinstance(dtype, torch.dtype) or dtype.is_floating_point:
        return shape
    return (*shape, 'complex' if dtype.is_complex else 'whole numbers')


def weights_of(checkpoint: Mapping[str, Any], path: str) -> dict[str, torch.Tensor]:
    """The weights in a checkpoint.

    Args:
        checkpoint: As loaded: a dict with ``state_dict``, or bare weights.
        path: The file, for the message.

    Returns:
        Names to tensors.

    Raises:
        WeightMismatchError: If there are none, or something in their place.
    """
    weights = checkpoint.get('state_dict', checkpoint)
    if not isinstance(weights, Mapping):
        raise WeightMismatchError(f'{path}: `state_dict` is a {type(weights).__name__}, expected names and tensors')
    if not weights:
        raise WeightMismatchError(f'{path}: the file holds no weights (an empty dict); give a checkpoint of a training')
    wrong = next((name for name, value in weights.items() if not isinstance(value, torch.Tensor)), None)
    if wrong is not None:
        inner = 'state_dict' if 'state_dict' in checkpoint else 'file'
        official = next((k for k in ('model', 'model_state_dict', 'net') if k in weights), None)
        reason = (
            f'It has `{official}` instead of `state_dict`: probably an official checkpoint; convert it with '
            f'`{_CONVERT.format(path=path)}`'
            if official
            else 'Expected a dict with `state_dict`, names to tensors'
        )
        kind = type(weights[wrong]).__name__
        raise WeightMismatchError(f'{path}: no weights: `{wrong}` in the {inner} is a {kind}. {reason}')
    return dict(weights)


def require_fit(fit: WeightFit, checkpoint: Mapping[str, Any], path: str) -> None:
    """Refuse weights that are not exactly those of the model.

    Args:
        fit: Of :func:`compare_weights`.
        checkpoint: As loaded, for the likely reason.
        path: The file, for the message.

    Raises:
        WeightMismatchError: With counts, the first names and the likely reason.
    """
    if not fit.exact:
        raise WeightMismatchError(
            f'{path}: the weights are not those of the model of this config: {fit.counts()}. '
            f'Likely reason: {_likely_reason(fit, checkpoint, path)}'
        )


def require_finite(weights: Mapping[str, torch.Tensor], path: str) -> None:
    """Refuse weights with NaN or infinity.

    Args:
        weights: Names to tensors.
        path: The file, for the message.

    Raises:
        WeightMismatchError: With the count and the first names.
    """
    bad = not_finite(weights)
    if bad:
        raise WeightMismatchError(
            f'{path}: {len(bad)} of {len(weights)} weights hold NaN or infinity ({first_names(bad)}): the training '
            'diverged before they were saved. Use an earlier checkpoint'
        )


def not_finite(weights: Mapping[str, torch.Tensor]) -> list[str]:
    """Names of tensors that hold NaN or infinity; one transfer from the device for all of them."""
    floats = {name: value for name, value in weights.items() if value.is_floating_point() and value.numel()}
    if not floats:
        return []
    # A sum of squares or of absolute values may overflow; minimum and maximum of finite values do not.
    flags = torch.stack([torch.isfinite(torch.stack(value.detach().aminmax())).all() for value in floats.values()])
    return [name for name, fine in zip(floats, flags.tolist()) if not fine]


def _likely_reason(fit: WeightFit, checkpoint: Mapping[str, Any], path: str) -> str:
    prefix = _prefix(fit)
    if prefix:
        return (
            f'all names in the file begin with `{prefix}`, which the model has not (saved from a wrapper such as '
            f"DistributedDataParallel). Save the file again without it: {{name.removeprefix('{prefix}'): value}}"
        )
    if any(name.startswith(_OFFICIAL) for name in fit.unexpected):
        return f'an official checkpoint; convert it with `{_CONVERT.format(path=path)}`'
    if fit.misshapen and not fit.missing and not fit.unexpected:
        return (
            'the same method with another width or other features (model.shared.embed_dims, ffn_dims, number of '
            'queries, feature dimensions); use the config of the training'
        )
    made_by = _made_by(checkpoint)
    return (
        'another method, or other components than those of the training'
        + (f'; the checkpoint was made by the config `{made_by}`' if made_by else '')
        + '. Use the config of the training, which is next to the checkpoint'
    )


def _prefix(fit: WeightFit) -> str | None:
    if fit.fitting or fit.misshapen or not fit.unexpected:
        return None
    first = fit.unexpected[0].split('.')[0] + '.'
    if not all(name.startswith(first) for name in fit.unexpected):
        return None
    bare = {name.removeprefix(first) for name in fit.unexpected}
    return first if first == 'module.' or bare & set(fit.missing) else None


def _made_by(checkpoint: Mapping[str, Any]) -> str | None:
    meta = checkpoint.get('meta')
    name = meta.get('experiment_name') if isinstance(meta, Mapping) else None
    return re.sub(r'_\d{8}_\d{6}$', '', name) if isinstance(name, str) else None
