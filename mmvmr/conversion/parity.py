"""Comparison of mmvmr with the recorded numbers of a published implementation."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmvmr.conversion.method import (
    Case,
    OfficialMethod,
    Tensors,
    find_method,
    load_arrays,
    recorded_options,
    unread_files,
)
from mmvmr.models.criterion import set_suffix
from mmvmr.registry import MODELS
from mmvmr.structures import MomentDataSample, MomentTargets, Outputs
from mmvmr.utils.io import read_json


@dataclass
class Tolerances:
    """Largest allowed differences.

    Attributes:
        outputs: Of outputs and intermediates: absolute, relative above 1.
        losses: Of losses, relative.
        gradients: Of gradient norms, relative.
        gradient_floor: Of gradient norms, absolute: what is allowed in any case, as mathematically zero gradients are
            recorded as rounding noise.
    """

    outputs: float = 5e-5
    losses: float = 1e-5
    gradients: float = 1e-2
    gradient_floor: float = 1e-6

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> Tolerances:
        """The defaults, overridden by ``tolerances`` and ``tolerance_note`` (on gradients) of a ``config.json``."""
        named = dict(config.get('tolerances') or {})
        note = re.search(
            r'[Gg]radient norms.*?absolute tolerance of (\d[\d.]*e-\d+)', config.get('tolerance_note') or ''
        )
        if note:
            named.setdefault('gradient_floor', note[1])
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{key: float(value) for key, value in named.items() if key in known})


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
    if not any((folder / name).exists() for name in ('state_dict.npz', 'inputs.npz', 'outputs.npz')):
        functions = list(check_functions(method, folder, config, tolerances))
        if functions:  # a folder about data alone
            yield from functions
            return
    state = _required(folder / 'state_dict.npz')
    inputs, recorded_targets = (method.inputs or read_inputs)(folder), _required(folder / 'targets.npz')
    cases = method.cases(folder, config)
    if not cases:
        raise FileNotFoundError(f'{folder}: neither outputs.npz nor losses.npz, there is nothing to compare with')
    yield from (Group('files', 0.0, missing=[name]) for name in unread_files(folder, cases))
    for case in cases:
        model = build_model(method, {**recorded_options(config), **case.options}, state, case.overrides)
        targets = method.targets({**inputs, **recorded_targets}, inputs['video_mask'], config)
        run = Run(method, model, case.inputs or inputs, dataclasses.replace(targets, **case.targets), case, tolerances)
        if case.outputs:
            yield from check_outputs(run)
        if case.losses:
            yield from check_losses(run)
        suffix = case.predictions if case.label else ''
        if suffix is not None and (folder / f'preds{suffix}.json').exists():
            yield check_predictions(run, folder, suffix)
    if method.data is not None and (folder / 'draws.json').exists():
        yield check_data(method, folder, config)
    yield from check_functions(method, folder, config, tolerances)


def check_functions(
    method: OfficialMethod, folder: Path, config: Mapping[str, Any], tolerances: Tolerances
) -> Iterator[Group]:
    """Compare what a folder records beside, or instead of, runs of the model."""
    for name, ours, recorded in method.extra(folder, config):
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

    method: OfficialMethod
    model: nn.Module
    inputs: Tensors
    targets: MomentTargets
    case: Case
    tolerances: Tolerances


def _required(path: Path) -> Tensors:
    arrays = load_arrays(path)
    if not arrays:
        raise FileNotFoundError(f'{path}: no such file, a parity folder needs it')
    return arrays


def build_model(
    method: OfficialMethod, options: Mapping[str, Any], state: Tensors, overrides: Mapping[str, Any] | None = None
) -> nn.Module:
    """Build the model of official options with official weights.

    Args:
        method: The published implementation.
        options: Its options.
        state: Its state dict.
        overrides: Further changes of the model config.

    Returns:
        The model, without dropout.

    Raises:
        ValueError: If the weights do not fit the model.
    """
    model = MODELS.build(method.model_config(options, overrides))
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
    # Some official modules exist whether or not an option uses them.
    idle = {method.rename(key) for key in state if any(re.fullmatch(p, key) for p in method.unused)}
    converted = {key: value for key, value in converted.items() if key in own or key not in idle}
    # Running state of losses, which official checkpoints do not keep.
    state_of_losses = {name for name, _ in model.named_buffers() if name.startswith('criterion.')}
    converted = {**{key: value for key, value in own.items() if key in state_of_losses}, **converted}
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


def read_inputs(folder: Path) -> Tensors:
    """Read the recorded inputs as a preprocessed batch."""
    arrays = _required(folder / 'inputs.npz')
    # Audio features, where a method takes them, are more channels of the clips.
    video = [arrays[name] for name in ('src_vid', 'src_aud') if name in arrays]
    return {
        'video': torch.cat(video, dim=-1),
        'video_mask': arrays['src_vid_mask'].bool(),
        'text': arrays['src_txt'],
        'text_mask': arrays['src_txt_mask'].bool(),
    }


def check_outputs(run: Run) -> Iterator[Group]:
    """Compare the forward pass."""
    label = run.case.label
    run.model.train(run.case.train)
    run.case.prepare(run.model)
    with torch.no_grad():
        ours = run.method.arrays(run.model, run.inputs, run.model.predict_sets(run.inputs, run.targets))
    groups = {
        'outputs': Group(f'outputs{label}', run.tolerances.outputs),
        'inter': Group(f'intermediates{label}', run.tolerances.outputs),
    }
    for name, reference in run.case.outputs.items():
        # Numbers about functions of the official code, not about this batch; output of dead code.
        if name.startswith('extra.') or name in run.method.dead:
            continue
        if any(re.fullmatch(pattern, name) for pattern in run.method.elsewhere):
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


def check_losses(run: Run) -> Iterator[Group]:
    """Compare losses, the norms of their gradients, and the Hungarian indices, in training mode."""
    run.model.train()
    run.model.zero_grad()
    run.case.prepare(run.model)
    outputs = run.model.predict_sets(run.inputs, run.targets)
    ours = run.method.losses(run.model.criterion.terms(outputs, run.targets))
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
        key = run.method.rename(name.removeprefix('gradnorm/'))
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


def check_data(method: OfficialMethod, folder: Path, config: Mapping[str, Any]) -> Group:
    """Compare inputs and targets that the data pipeline makes of recorded raw features: equal to the bit."""
    ours = method.data(folder, config)  # type: ignore[misc]
    group = Group('data pipeline', 0.0)
    for file in ('inputs.npz', 'targets.npz'):
        for name, reference in _required(folder / file).items():
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
        arrays = run.method.arrays(run.model, run.inputs, outputs) if more else {}
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
