"""Recorded runs of a published implementation, and what they are called."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.conversion.method import OfficialMethod
from mmvmr.structures import MomentTargets, Outputs
from mmvmr.utils.arrays import read_npz

Tensors = dict[str, Tensor]


def load_arrays(path: Path) -> Tensors:
    """The arrays of an ``.npz``; none if there is no such file."""
    return {name: torch.from_numpy(value) for name, value in read_npz(path).items()} if path.exists() else {}


def below(arrays: Tensors, prefix: str) -> Tensors:
    """Arrays whose names start with ``prefix``, without it."""
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def required_arrays(path: Path) -> Tensors:
    """The arrays of an ``.npz`` that every parity folder has.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    arrays = load_arrays(path)
    if not arrays:
        raise FileNotFoundError(f'{path}: no such file, a parity folder needs it')
    return arrays


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


def recorded_cases(
    folder: Path,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Case]:
    """The runs of a folder whose files are ``outputs<suffix>.npz`` and ``losses<suffix>.npz``.

    Args:
        folder: The parity folder.
        overrides: Suffix to changes of the model config; suffixes without files are left out.
        options: Suffix to changes of the official options.

    Returns:
        The runs.
    """
    cases = []
    for suffix in overrides or options or ('',):
        losses, indices = split_indices(load_arrays(folder / f'losses{suffix}.npz'))
        outputs = load_arrays(folder / f'outputs{suffix}.npz')
        changes = {'overrides': (overrides or {}).get(suffix, {}), 'options': (options or {}).get(suffix, {})}
        if outputs or losses:
            cases.append(Case(suffix, outputs, losses, indices, **changes))
    return cases


def default_cases(folder: Path, config: Mapping[str, Any]) -> list[Case]:
    """The run of ``outputs.npz`` and ``losses.npz``."""
    return recorded_cases(folder)


def read_inputs(folder: Path) -> Tensors:
    """The inputs of the Moment-DETR family as a preprocessed batch."""
    arrays = required_arrays(folder / 'inputs.npz')
    # Audio features, where a method takes them, are more channels of the clips.
    video = [arrays[name] for name in ('src_vid', 'src_aud') if name in arrays]
    return {
        'video': torch.cat(video, dim=-1),
        'video_mask': arrays['src_vid_mask'].bool(),
        'text': arrays['src_txt'],
        'text_mask': arrays['src_txt_mask'].bool(),
    }


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


def default_targets(arrays: Tensors, clip_mask: Tensor, config: Mapping[str, Any]) -> MomentTargets:
    """The recorded targets alone; see :func:`targets_of`."""
    return targets_of(arrays, clip_mask)


@dataclass(frozen=True)
class Recording:
    """Translation between what a published implementation recorded and what our model computes.

    ``folder`` is always the folder of the recording, ``config`` the content of its ``config.json``.

    Attributes:
        method: The published implementation.
        arrays: ``f(model, inputs, outputs)``: our outputs under the names of ``outputs.npz``.
        losses: ``f(terms)``: our loss terms, name to weight and value, under the names of ``losses.npz``, unweighted,
            with the weighted ``total``.
        inputs: ``f(folder)``: the recorded inputs as a preprocessed batch.
        targets: ``f(arrays, clip_mask, config)``: the recorded targets (and inputs) as ours.
        cases: ``f(folder, config)``: the runs that the folder holds.
        data: ``f(folder, config)``: what our data pipeline makes of recorded raw features, under the names of
            ``inputs.npz`` and ``targets.npz``. None where no raw features are recorded.
        extra: ``f(folder, config)``: groups of numbers about single functions, as name, ours and recorded.
        dead: Recorded outputs that nothing in the official code uses, with the reason; they are not compared.
        elsewhere: Patterns of recorded outputs that ``extra`` compares.
    """

    method: OfficialMethod
    arrays: Callable[[nn.Module, Tensors, Outputs], Tensors]
    losses: Callable[[Mapping[str, tuple[float, Tensor]]], Tensors]
    inputs: Callable[[Path], Tensors] = read_inputs
    targets: Callable[[Tensors, Tensor, Mapping[str, Any]], MomentTargets] = default_targets
    cases: Callable[[Path, Mapping[str, Any]], list[Case]] = default_cases
    data: Callable[[Path, Mapping[str, Any]], Tensors] | None = None
    extra: Callable[[Path, Mapping[str, Any]], Iterable[tuple[str, Tensors, Tensors]]] = lambda folder, config: ()
    dead: Mapping[str, str] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()
