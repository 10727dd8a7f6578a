"""Comparison of mmvmr with the recorded numbers of a published implementation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmvmr.registry import MODELS
from mmvmr.utils.io import read_json

from ..models.criterion import set_suffix
from ..structures import Outputs
from .method import OfficialMethod, Tensors, find_method, targets_of

GRADIENT_FLOOR = 1e-6


@dataclass
class Tolerances:
    """Largest allowed differences.

    Attributes:
        outputs: Of outputs and intermediates: absolute, relative above 1.
        losses: Of losses, relative.
        gradients: Of gradient norms, relative, with an absolute floor of 1e-6.
    """

    outputs: float = 5e-5
    losses: float = 1e-5
    gradients: float = 1e-2

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> Tolerances:
        """The defaults, overridden by ``tolerances`` of a ``config.json``."""
        named = config.get('tolerances') or {}
        return cls(**{key: float(named[key]) for key in ('outputs', 'losses', 'gradients') if key in named})


@dataclass
class Group:
    """Comparison of one group of numbers.

    Attributes:
        name: Name of the group, with the variant it belongs to.
        tolerance: Largest allowed scaled difference.
        count: How many arrays were compared.
        worst: Largest scaled difference.
        where: The array that has it.
        missing: Recorded arrays that nothing was compared with.
    """

    name: str
    tolerance: float
    count: int = 0
    worst: float = 0.0
    where: str = ''
    missing: list[str] = field(default_factory=list)

    def add(self, name: str, difference: float) -> None:
        """Take one array into account; NaN counts as infinitely wrong."""
        self.count += 1
        difference = float('inf') if np.isnan(difference) else difference
        if difference > self.worst or not self.where:
            self.worst, self.where = difference, name

    @property
    def passed(self) -> bool:
        """Whether something was compared, nothing is missing and all lies within the tolerance."""
        return self.count > 0 and not self.missing and self.worst <= self.tolerance


def load_arrays(path: Path) -> Tensors:
    """Read an ``.npz`` without unpickling.

    Args:
        path: The file.

    Returns:
        Name to tensor.
    """
    with np.load(path, allow_pickle=False) as data:
        return {name: torch.from_numpy(data[name]) for name in data.files}


def check_folder(folder: Path) -> Iterator[Group]:
    """Compare everything that a parity folder records about a model.

    Args:
        folder: A folder with ``config.json``, ``state_dict.npz``, ``inputs.npz``, ``targets.npz``, ``outputs*.npz``
            and ``losses*.npz``.

    Yields:
        One group after the other.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If the method or an option is not known, or weights do not fit.
    """
    config = read_json(folder / 'config.json')
    method = find_method(config, str(folder))
    tolerances = Tolerances.read(config)
    state = load_arrays(folder / 'state_dict.npz')
    for variant in method.variants:
        recorded = [folder / f'{name}{variant}.npz' for name in ('outputs', 'losses')]
        if not variant or any(path.exists() for path in recorded):
            model = build_model(method, config['args'], state, variant)
            if recorded[0].exists():
                yield from check_outputs(method, model, folder, variant, tolerances)
            if recorded[1].exists():
                yield from check_losses(method, model, state, folder, variant, tolerances)


def build_model(method: OfficialMethod, options: Mapping[str, Any], state: Tensors, variant: str = '') -> nn.Module:
    """Build the model of official options with official weights.

    Args:
        method: The published implementation.
        options: Its options.
        state: Its state dict.
        variant: Suffix of a recorded variant.

    Returns:
        The model, without dropout.

    Raises:
        ValueError: If the weights do not fit the model.
    """
    model = MODELS.build(method.model_config(options, variant))
    load_official(model, method, state)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        elif isinstance(getattr(module, 'dropout', None), float):
            module.dropout = 0.0
    return model


def load_official(model: nn.Module, method: OfficialMethod, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Load official weights strictly.

    Args:
        model: Model to load into.
        method: The published implementation.
        state: Official state dict.

    Returns:
        The converted state dict.

    Raises:
        ValueError: If a parameter is missing, left over, unknown or of another shape.
    """
    try:
        converted = method.convert(state)
    except KeyError as error:
        raise ValueError(str(error.args[0])) from None
    own = model.state_dict()
    wrong = [
        *(f'missing {key}' for key in own.keys() - converted.keys()),
        *(f'left over {key}' for key in converted.keys() - own.keys()),
        *(
            f'{key} has shape {tuple(converted[key].shape)}, expected {tuple(own[key].shape)}'
            for key in own.keys() & converted.keys()
            if own[key].shape != converted[key].shape
        ),
    ]
    if wrong:
        shown = '; '.join(sorted(wrong)[:5]) + (f' and {len(wrong) - 5} more' if len(wrong) > 5 else '')
        raise ValueError(f'{method.name}: the weights do not fit the model: {shown}. Check the options')
    model.load_state_dict(converted)
    return converted


def _inputs(folder: Path) -> Tensors:
    arrays = load_arrays(folder / 'inputs.npz')
    return {
        'video': arrays['src_vid'],
        'video_mask': arrays['src_vid_mask'].bool(),
        'text': arrays['src_txt'],
        'text_mask': arrays['src_txt_mask'].bool(),
    }


def check_outputs(
    method: OfficialMethod, model: nn.Module, folder: Path, variant: str, tolerances: Tolerances
) -> Iterator[Group]:
    """Compare the eval-mode forward pass."""
    inputs = _inputs(folder)
    targets = targets_of(load_arrays(folder / 'targets.npz'), inputs['video_mask'])
    model.eval()
    with torch.no_grad():
        ours = method.arrays(model, inputs, model.predict_sets(inputs, targets))
    recorded = load_arrays(folder / f'outputs{variant}.npz')
    groups = {
        'outputs': Group(f'outputs{variant}', tolerances.outputs),
        'inter': Group(f'intermediates{variant}', tolerances.outputs),
    }
    for name, reference in recorded.items():
        if name.startswith('extra.'):  # numbers about functions of the official code, not about this batch
            continue
        group = groups['inter' if name.startswith('inter.') else 'outputs']
        if name not in ours:
            group.missing.append(name)
            continue
        group.add(name, scaled_difference(ours[name], reference))
    yield from (group for group in groups.values() if group.count or group.missing)


def scaled_difference(found: Tensor, reference: Tensor) -> float:
    """Largest difference, absolute up to 1 and relative above."""
    if found.shape != reference.shape:
        return float('inf')
    reference = reference.double()
    difference = (found.double() - reference).abs() / reference.abs().clamp(min=1)
    return difference.max().item() if difference.numel() else 0.0


def check_losses(
    method: OfficialMethod, model: nn.Module, state: Tensors, folder: Path, variant: str, tolerances: Tolerances
) -> Iterator[Group]:
    """Compare losses, the norms of their gradients, and the Hungarian indices, in training mode."""
    inputs = _inputs(folder)
    targets = targets_of(load_arrays(folder / 'targets.npz'), inputs['video_mask'])
    recorded = load_arrays(folder / f'losses{variant}.npz')
    model.train()
    model.zero_grad()
    outputs = model.predict_sets(inputs, targets)
    terms = model.criterion.terms(outputs, targets)
    ours = method.losses(terms)
    ours['total'].backward()

    group = Group(f'losses{variant}', tolerances.losses)
    for name, reference in recorded.items():
        if '/' in name or 'indices.' in name or name.startswith('class_error'):
            continue
        if name not in ours:
            group.missing.append(name)
            continue
        scale = max(abs(reference.item()), 1e-12)
        group.add(name, abs(ours[name].item() - reference.item()) / scale)
    yield group
    yield _gradients(method, model, recorded, variant, tolerances)
    yield _indices(model, outputs, targets, recorded, variant)


def _gradients(
    method: OfficialMethod, model: nn.Module, recorded: Tensors, variant: str, tolerances: Tolerances
) -> Group:
    group = Group(f'gradient norms{variant}', tolerances.gradients)
    parameters = dict(model.named_parameters())
    for name, reference in recorded.items():
        if not name.startswith('gradnorm/'):
            continue
        key = method.rename(name.removeprefix('gradnorm/'))
        if key is None:
            if reference.item() > GRADIENT_FLOOR:
                group.missing.append(name)
            continue
        gradient = parameters[key].grad
        found = 0.0 if gradient is None else gradient.norm().item()
        excess = max(abs(found - reference.item()) - GRADIENT_FLOOR, 0.0)
        group.add(name.removeprefix('gradnorm/'), excess / max(abs(reference.item()), GRADIENT_FLOOR))
    return group


def _indices(model: nn.Module, outputs: Outputs, targets: Any, recorded: Tensors, variant: str) -> Group:
    group = Group(f'Hungarian indices{variant}', 0.0)
    sets = [s for s in outputs.sets if s.name == 'direct']
    matched = {set_suffix(s): m for s, m in zip(sets, model.criterion.assigner(sets, targets))}
    for name in recorded:
        if not name.endswith('indices.pred'):
            continue
        prefix = name.removesuffix('indices.pred')
        suffix = '' if not prefix else '.' + prefix.removeprefix('aux_').rstrip('.')
        if suffix not in matched:
            group.missing.append(name)
            continue
        pairs = matched[suffix]
        found = torch.stack((pairs.batch, pairs.query, pairs.gt))
        reference = torch.stack([recorded[f'{prefix}indices.{part}'] for part in ('batch', 'pred', 'tgt')])
        same = found.shape == reference.shape and bool((found == reference).all())
        group.add(name, 0.0 if same else float('inf'))
    return group
