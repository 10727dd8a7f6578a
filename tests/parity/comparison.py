"""Comparison of mmvmr with the recorded numbers of a published implementation."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.conversion.checkpoints import recorded_options
from mmvmr.models.criterion import set_suffix
from mmvmr.structures import MomentDataSample, MomentTargets, Outputs
from mmvmr.utils.io import read_json
from parity.groups import Group, Tolerances, scaled_difference
from parity.methods import find_recording
from parity.model import build_model
from parity.recording import Case, Recording, Tensors, required_arrays, unread_files


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
    recording = find_recording(config, str(folder))
    tolerances = Tolerances.read(config)
    if not any((folder / name).exists() for name in ('state_dict.npz', 'inputs.npz', 'outputs.npz')):
        functions = list(check_functions(recording, folder, config, tolerances))
        if functions:  # a folder about data alone
            yield from functions
            return
    state = required_arrays(folder / 'state_dict.npz')
    inputs, recorded_targets = recording.inputs(folder), required_arrays(folder / 'targets.npz')
    cases = recording.cases(folder, config)
    if not cases:
        raise FileNotFoundError(f'{folder}: neither outputs.npz nor losses.npz, there is nothing to compare with')
    yield from (Group('files', 0.0, missing=[name]) for name in unread_files(folder, cases))
    for case in cases:
        model = build_model(recording.method, {**recorded_options(config), **case.options}, state, case.overrides)
        targets = recording.targets({**inputs, **recorded_targets}, inputs['video_mask'], config)
        run = Run(
            recording, model, case.inputs or inputs, dataclasses.replace(targets, **case.targets), case, tolerances
        )
        if case.outputs:
            yield from check_outputs(run)
        if case.losses:
            yield from check_losses(run)
        suffix = case.predictions if case.label else ''
        if suffix is not None and (folder / f'preds{suffix}.json').exists():
            yield check_predictions(run, folder, suffix)
    if recording.data is not None and (folder / 'draws.json').exists():
        yield check_data(recording, folder, config)
    yield from check_functions(recording, folder, config, tolerances)


def check_functions(
    recording: Recording, folder: Path, config: Mapping[str, Any], tolerances: Tolerances
) -> Iterator[Group]:
    """Compare what a folder records beside, or instead of, runs of the model."""
    for name, ours, recorded in recording.extra(folder, config):
        group = Group(name, tolerances.outputs)
        for key, reference in recorded.items():
            if key in ours:
                group.add(key, scaled_difference(ours[key], reference))
            else:
                group.missing.append(key)
        yield group


@dataclass
class Run:
    """A model, ready to be compared with one recorded case."""

    recording: Recording
    model: nn.Module
    inputs: Tensors
    targets: MomentTargets
    case: Case
    tolerances: Tolerances


def check_outputs(run: Run) -> Iterator[Group]:
    """Compare the forward pass."""
    label = run.case.label
    run.model.train(run.case.train)
    run.case.prepare(run.model)
    with torch.no_grad():
        ours = run.recording.arrays(run.model, run.inputs, run.model.predict_sets(run.inputs, run.targets))
    groups = {
        'outputs': Group(f'outputs{label}', run.tolerances.outputs),
        'inter': Group(f'intermediates{label}', run.tolerances.outputs),
    }
    for name, reference in run.case.outputs.items():
        # Numbers about functions of the official code, not about this batch; output of dead code.
        if name.startswith('extra.') or name in run.recording.dead:
            continue
        if any(re.fullmatch(pattern, name) for pattern in run.recording.elsewhere):
            continue
        group = groups['inter' if name.startswith('inter.') else 'outputs']
        if name not in ours:
            group.missing.append(name)
            continue
        group.add(name, scaled_difference(ours[name], reference))
    yield from (group for group in groups.values() if group.count or group.missing)


def check_losses(run: Run) -> Iterator[Group]:
    """Compare losses, the norms of their gradients, and the Hungarian indices, in training mode."""
    run.model.train()
    run.model.zero_grad()
    run.case.prepare(run.model)
    outputs = run.model.predict_sets(run.inputs, run.targets)
    ours = run.recording.losses(run.model.criterion.terms(outputs, run.targets))
    ours['total'].backward()

    group = Group(f'losses{run.case.label}', run.tolerances.losses)
    for name, reference in run.case.losses.items():
        if name.startswith(('gradnorm/', 'class_error')):  # gradients below; an error rate is no loss
            continue
        if name not in ours:
            group.missing.append(name)
            continue
        scale = max(abs(reference.item()), 1e-12)
        group.add(name, abs(ours[name].item() - reference.item()) / scale)
    yield group
    yield from (g for g in (_gradients(run), _indices(run, outputs)) if g.count or g.missing)


def _gradients(run: Run) -> Group:
    group = Group(f'gradient norms{run.case.label}', run.tolerances.gradients)
    parameters = dict(run.model.named_parameters())
    recorded = {name: value for name, value in run.case.losses.items() if name.startswith('gradnorm/')}
    floor = run.tolerances.gradient_floor
    for name, reference in recorded.items():
        key = run.recording.method.rename(name.removeprefix('gradnorm/'))
        if key not in parameters:
            if reference.item() > floor:
                group.missing.append(name)
            continue
        gradient = parameters[key].grad
        found = 0.0 if gradient is None else gradient.norm().item()
        difference = abs(found - reference.item())
        relative = difference / max(abs(reference.item()), 1e-12)
        group.add(name.removeprefix('gradnorm/'), 0.0 if difference <= floor else relative)
    return group


def _indices(run: Run, outputs: Outputs) -> Group:
    group = Group(f'Hungarian indices{run.case.label}', 0.0)
    if not run.case.indices:
        return group
    assigner = run.model.criterion.assigner
    if assigner is None:
        group.missing += [f'indices{suffix}' for suffix in run.case.indices]
        return group
    sets = [s for s in outputs.sets if set_suffix(s) in run.case.indices]
    matched = {set_suffix(s): m for s, m in zip(sets, assigner(sets, run.targets))}
    for suffix, reference in run.case.indices.items():
        if suffix not in matched:
            group.missing.append(f'indices{suffix}')
            continue
        pairs = matched[suffix]
        found = torch.stack((pairs.batch, pairs.query, pairs.gt))
        same = found.shape == reference.shape and bool((found == reference).all())
        group.add(f'indices{suffix}', 0.0 if same else float('inf'))
    return group


def check_data(recording: Recording, folder: Path, config: Mapping[str, Any]) -> Group:
    """Compare inputs and targets that the data pipeline makes of recorded raw features: equal to the bit."""
    ours = recording.data(folder, config)  # type: ignore[misc]
    group = Group('data pipeline', 0.0)
    for file in ('inputs.npz', 'targets.npz'):
        for name, reference in required_arrays(folder / file).items():
            if name not in ours:
                group.missing.append(name)
                continue
            group.add(name, scaled_difference(ours[name], reference))
    return group


def check_predictions(run: Run, folder: Path, suffix: str = '') -> Group:
    """Compare decoded predictions with ``preds.json``: windows in seconds, scores, highlight scores and clip scores.

    Clip scores are other lists of numbers per clip, whose names are those of recorded outputs.
    """
    clips = run.inputs['video_mask'].sum(1).tolist()
    samples = [
        MomentDataSample(metainfo={'qid': row['qid'], 'duration': row['duration'], 'num_clips': count})
        for row, count in zip(read_json(folder / f'annotations{suffix}.json'), clips)
    ]
    run.model.eval()
    with torch.no_grad():
        outputs = run.model.predict_sets(run.inputs)
        run.model.postprocessor(outputs, samples)
        rows = read_json(folder / f'preds{suffix}.json')
        more = any(row.keys() - _PREDICTION_KEYS for row in rows)
        arrays = run.recording.arrays(run.model, run.inputs, outputs) if more else {}
    group = Group(f'predictions{run.case.label}', 0.0)
    for number, (sample, row) in enumerate(zip(samples, rows)):
        found = torch.cat((sample.pred_instances.windows, sample.pred_instances.scores[:, None]), dim=1)
        group.add(f'qid {row["qid"]} windows', _exact(found, row['pred_relevant_windows']))
        # Half precision: one unit in the last place is what float32 rounding before it can cost.
        found = sample.pred_saliency.half().view(torch.int16).int()
        reference = torch.tensor(row['pred_saliency_scores']).half().view(torch.int16).int()
        ulps = (found - reference).abs().max().item() if found.shape == reference.shape else float('inf')
        group.add(f'qid {row["qid"]} saliency', max(ulps - 1, 0))
        for name in sorted(row.keys() - _PREDICTION_KEYS):
            if name not in arrays:
                group.missing.append(f'qid {row["qid"]} {name}')
                continue
            difference = scaled_difference(arrays[name][number, : sample.num_clips], torch.tensor(row[name]))
            group.add(f'qid {row["qid"]} {name}', 0.0 if difference <= run.tolerances.outputs else difference)
    return group


_PREDICTION_KEYS = {'qid', 'query', 'vid', 'pred_relevant_windows', 'pred_saliency_scores'}


def _exact(found: Tensor, reference: list) -> float:
    """Largest difference of decimal numbers: 0 where they are equal to the digit."""
    expected = torch.tensor(reference, dtype=torch.float64)
    if found.shape != expected.shape:
        return float('inf')
    difference = (found.double() - expected).abs().max().item()
    return 0.0 if difference < 1e-9 else difference
