"""What is known about one published implementation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from torch import Tensor, nn

from mmvmr.utils.paths import configs_dir

from ..structures import MomentTargets, Outputs

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class OfficialMethod:
    """Translation between a published implementation and mmvmr.

    Attributes:
        name: Name of the method, that of its config folder.
        repository: ``owner/name`` of the official code, by which a parity folder is recognised.
        base: Model config below ``configs/_base_/models``.
        options: Official options to what they change in the model config; raises ValueError for an option that
            mmvmr does not implement.
        keys: Regular expressions and replacements, official parameter name to ours; the first that matches the
            whole name counts.
        unused: Regular expressions of official parameters that never receive a gradient and do not exist here.
        arrays: Our outputs under the official names of ``outputs.npz``: ``f(model, inputs, outputs)``.
        losses: Our unweighted terms under the official names of ``losses.npz``.
        variants: File suffix to config changes, for the recorded variants (``outputs_maskfix.npz``).
    """

    name: str
    repository: str
    base: str
    options: Callable[[Mapping[str, Any]], dict[str, Any]]
    keys: tuple[tuple[str, str], ...]
    unused: tuple[str, ...]
    arrays: Callable[[nn.Module, Tensors, Outputs], Tensors]
    losses: Callable[[Mapping[str, tuple[float, Tensor]]], Tensors]
    variants: Mapping[str, dict[str, Any]] = field(default_factory=lambda: {'': {}})

    def model_config(self, options: Mapping[str, Any], variant: str = '') -> ConfigDict:
        """The model config that corresponds to official options.

        Args:
            options: Options of the official run.
            variant: Suffix of a recorded variant.

        Returns:
            Config of the detector.
        """
        cfg = Config.fromfile(configs_dir() / '_base_' / 'models' / self.base)
        cfg.merge_from_dict({'model': self.options(options)})
        cfg.merge_from_dict({'model': self.variants[variant]})
        return cfg.model

    def rename(self, key: str) -> str | None:
        """Our name of an official parameter.

        Args:
            key: Official name; a leading ``module.`` of a parallel wrapper is ignored.

        Returns:
            The name, or None for parameters that the official code never uses.

        Raises:
            KeyError: If the name is unknown.
        """
        key = key.removeprefix('module.')
        for pattern, replacement in self.keys:
            match = re.fullmatch(pattern, key)
            if match:
                return match.expand(replacement)
        if any(re.fullmatch(pattern, key) for pattern in self.unused):
            return None
        raise KeyError(f'{self.name}: no rule for the official parameter {key!r}')

    def convert(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Official state dict to ours; unused parameters are left out."""
        renamed = ((self.rename(key), value) for key, value in state.items())
        return {key: value for key, value in renamed if key is not None}


METHODS: dict[str, OfficialMethod] = {}


def register(method: OfficialMethod) -> OfficialMethod:
    """Make a method known to the converter and the parity check."""
    METHODS[method.name] = method
    return method


def find_method(config: Mapping[str, Any], where: str) -> OfficialMethod:
    """The method that a parity folder was recorded from.

    Args:
        config: Its ``config.json``.
        where: The folder, for messages.

    Returns:
        The method.

    Raises:
        ValueError: If the repository is not known.
    """
    repository = str(config.get('repo', '')).removeprefix('https://github.com/').removesuffix('.git')
    for method in METHODS.values():
        if method.repository.lower() == repository.lower():
            return method
    known = ', '.join(sorted(m.repository for m in METHODS.values()))
    raise ValueError(f'{where}/config.json: repo={repository!r} is not a known implementation; known: {known}')


def targets_of(arrays: Mapping[str, Tensor], clip_mask: Tensor) -> MomentTargets:
    """Recorded criterion targets as ours.

    Args:
        arrays: Content of ``targets.npz``.
        clip_mask: Valid clips (B, Lv).

    Returns:
        Targets; what was not recorded is neutral (no ratings, no pairs, every sample its own video).
    """
    batch, length = clip_mask.shape
    counts = arrays['spans_count'].tolist()
    rows = arrays['spans_cat'].split(counts)
    most = max([*counts, 1])
    spans = torch.tensor([0.5, 1.0]).repeat(batch, most, 1)
    for row, span in zip(spans, rows):
        row[: len(span)] = span
    saliency = arrays.get('saliency_all_labels', torch.zeros(batch, length))[:, :length].float()
    if 'saliency_pos_labels' in arrays:
        pairs = torch.stack((arrays['saliency_pos_labels'], arrays['saliency_neg_labels']), dim=1)
    else:
        pairs = torch.full((batch, 2, 1), -1)
    return MomentTargets(
        spans=spans,
        span_mask=torch.arange(most) < torch.tensor(counts)[:, None],
        saliency=saliency,
        clips=saliency > 0,
        pairs=pairs,
        clip_mask=clip_mask,
        video_index=torch.arange(batch),
        views=['main'] * batch,
    )
