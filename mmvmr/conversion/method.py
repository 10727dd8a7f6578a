"""What is known about one published implementation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from torch import Tensor, nn

from mmvmr.structures import MomentTargets, Outputs
from mmvmr.utils.paths import configs_dir

Tensors = dict[str, Tensor]


@dataclass
class Case:
    """One recorded run of an official model.

    Attributes:
        label: Shown behind the names of the groups, e.g. ``_maskfix``.
        outputs: Recorded outputs; names that start with ``inter.`` are intermediates. Empty: not compared.
        losses: Recorded losses and ``gradnorm/<parameter>``. Empty: not compared.
        indices: Recorded Hungarian indices: log suffix of the set (``''`` = final, ``.0`` = layer 0) to the rows
            sample, query, span (3, M).
        train: Whether the outputs were recorded in training mode (dropout 0).
        options: Official options that differ from ``config.json``.
        overrides: Changes of the model config.
        targets: Fields of :class:`MomentTargets` that differ.
        inputs: Another batch than that of the folder.
        predictions: Suffix of the names of annotations and recorded predictions (``preds<suffix>.json``) of this run;
            the case without a label has the empty suffix.
        prepare: Called before each pass, e.g. to set the epoch.
    """

    label: str = ''
    outputs: Tensors = field(default_factory=dict)
    losses: Tensors = field(default_factory=dict)
    indices: Tensors = field(default_factory=dict)
    train: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    targets: Mapping[str, Any] = field(default_factory=dict)
    inputs: Tensors | None = None
    predictions: str | None = None
    prepare: Callable[[nn.Module], None] = lambda model: None


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
        data: Runs the data pipeline on recorded raw features: ``f(folder, config)``, its arrays under the names of
            ``inputs.npz`` and ``targets.npz``. None where nothing was recorded.
        cases: What a parity folder records, read from it: ``f(folder, config)``. The default reads ``outputs.npz``
            and ``losses.npz``.
        targets: Recorded ``targets.npz`` (beside the inputs) to ours: ``f(arrays, clip_mask, config)``.
        extra: Numbers about single functions of the official code: ``f(folder, config)`` yields their name, ours and
            the recorded ones.
        layouts: Regular expressions of official parameters that are stored in another shape, and the function that
            brings them into ours.
        inputs: Reads the recorded inputs as a preprocessed batch: ``f(folder)``. None where they are those of the
            Moment-DETR family (``src_vid``, ``src_txt``).
        hints: Options that the weights tell and official options do not: ``f(state)``.
        dead: Recorded arrays that nothing in the official code reads, with the reason; they are not compared.
        elsewhere: Regular expressions of recorded outputs that ``extra`` compares.
    """

    name: str
    repository: str
    base: str
    options: Callable[[Mapping[str, Any]], dict[str, Any]]
    keys: tuple[tuple[str, str], ...]
    unused: tuple[str, ...]
    arrays: Callable[[nn.Module, Tensors, Outputs], Tensors]
    losses: Callable[[Mapping[str, tuple[float, Tensor]]], Tensors]
    data: Callable[[Path, Mapping[str, Any]], Tensors] | None = None
    cases: Callable[[Path, Mapping[str, Any]], list[Case]] = lambda folder, config: recorded_cases(folder)
    targets: Callable[[Tensors, Tensor, Mapping[str, Any]], MomentTargets] = lambda arrays, mask, config: targets_of(
        arrays, mask
    )
    extra: Callable[[Path, Mapping[str, Any]], Iterable[tuple[str, Tensors, Tensors]]] = lambda folder, config: ()
    layouts: tuple[tuple[str, Callable[[Tensor], Tensor]], ...] = ()
    inputs: Callable[[Path], Tensors] | None = None
    hints: Callable[[Mapping[str, Tensor]], dict[str, Any]] = lambda state: {}
    dead: Mapping[str, str] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()

    def model_config(self, options: Mapping[str, Any], overrides: Mapping[str, Any] | None = None) -> ConfigDict:
        """The model config that corresponds to official options.

        Args:
            options: Options of the official run.
            overrides: Further changes of the model config.

        Returns:
            Config of the detector.
        """
        cfg = Config.fromfile(configs_dir() / '_base_' / 'models' / self.base)
        cfg.merge_from_dict({'model': self.options(options)})
        cfg.merge_from_dict({'model': dict(overrides or {})})
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
        renamed = ((self.rename(key), self._arrange(key, value)) for key, value in state.items())
        return {key: value for key, value in renamed if key is not None}

    def _arrange(self, key: str, value: Tensor) -> Tensor:
        for pattern, arrange in self.layouts:
            if re.fullmatch(pattern, key.removeprefix('module.')):
                return arrange(value)
        return value


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


def recorded_options(config: Mapping[str, Any]) -> dict[str, Any]:
    """The official options of a recorded run: ``args`` of its ``config.json``, or ``opt`` where that is a remark."""
    options = config['args']
    return dict(options if isinstance(options, Mapping) else config['opt'])


def load_arrays(path: Path) -> Tensors:
    """Read an ``.npz`` without unpickling.

    Args:
        path: The file.

    Returns:
        Name to tensor; empty if there is no such file.
    """
    if not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as data:
        return {name: torch.from_numpy(data[name]) for name in data.files}


def split_indices(recorded: Tensors) -> tuple[Tensors, Tensors]:
    """Separate Hungarian indices from losses; the recordings name them in four ways.

    ``[aux_i.]indices.{batch,pred,tgt}``, ``indices_{final,event,aux_i}.{batch,src,tgt}``, and per sample
    ``match[_auxi].<sample>.{pred,tgt}`` and ``indices[_aux_i]/<sample>/{src,tgt}``.

    Args:
        recorded: Content of ``losses.npz``.

    Returns:
        The losses and gradient norms, and the indices as in :attr:`Case.indices`.
    """
    losses, parts = {}, {}
    for name, value in recorded.items():
        match = re.fullmatch(r'(?:aux_(\d+)\.)?indices\.(\w+)|indices_(?:final|(event)|aux_(\d+))\.(\w+)', name)
        sample = re.fullmatch(r'(?:match|indices)(?:_aux_?(\d+))?[./](\d+)[./](\w+)', name)
        if match:
            layer, column = match[1] or match[4], match[2] or match[5]
            layer = 'event.0' if match[3] else layer
            parts.setdefault(layer, {}).setdefault(_COLUMNS[column], []).append(value)
        elif sample:
            columns = parts.setdefault(sample[1], {})
            columns.setdefault(_COLUMNS[sample[3]], []).append(value)
            if sample[3] != 'tgt':
                columns.setdefault(0, []).append(torch.full_like(value, int(sample[2])))
        else:
            losses[name] = value
    indices = {
        '' if layer is None else f'.{layer}': torch.stack([torch.cat(columns[row]) for row in range(3)])
        for layer, columns in parts.items()
    }
    return losses, indices


_COLUMNS = {'batch': 0, 'pred': 1, 'src': 1, 'tgt': 2}


def recorded_cases(folder: Path, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> list[Case]:
    """The cases of a folder whose files are ``outputs<suffix>.npz`` and ``losses<suffix>.npz``.

    Args:
        folder: The parity folder.
        overrides: Suffix to config changes; suffixes without files are left out.

    Returns:
        The cases.
    """
    cases = []
    for suffix, changes in (overrides or {'': {}}).items():
        losses, indices = split_indices(load_arrays(folder / f'losses{suffix}.npz'))
        outputs = load_arrays(folder / f'outputs{suffix}.npz')
        if outputs or losses:
            cases.append(Case(suffix, outputs, losses, indices, overrides=changes))
    return cases


def unread_files(folder: Path, cases: Iterable[Case]) -> list[str]:
    """Recorded runs that no case stands for, so that nothing would be compared with them.

    Args:
        folder: The parity folder.
        cases: What was found in it.

    Returns:
        Names of ``outputs<suffix>.npz`` and ``losses<suffix>.npz`` whose suffix is the label of no case.
    """
    labels = {case.label for case in cases}
    return [
        path.name
        for kind in ('outputs', 'losses')
        for path in sorted(folder.glob(f'{kind}*.npz'))
        if path.stem.removeprefix(kind) not in labels
    ]


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
