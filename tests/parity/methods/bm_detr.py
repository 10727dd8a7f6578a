"""BM-DETR, https://github.com/minjoong507/BM-DETR."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.conversion.methods.bm_detr import METHOD, shifts_videos
from mmvmr.structures import FrameMatch, MomentTargets, Outputs
from parity.methods import detr_family as family
from parity.methods.bm_detr_data import recorded_data, recorded_functions
from parity.recording import Case, Recording, Tensors, below, load_arrays, split_indices, targets_of

_TERMS = {
    'span': 'loss_span',
    'giou': 'loss_giou',
    'label': 'loss_label',
    'error': 'loss_class',
    'saliency_margin': 'loss_saliency',
    'alignment': 'loss_contrastive_align',
    'frame_guidance': 'loss_prob_guidance',
}


def _inputs(arrays: Tensors, shifted: bool) -> Tensors:
    """A recorded training call as our batch: the shifted videos are more rows of it."""
    names = {'video': 'src_vid', 'text': 'src_txt', 'neg_text': 'neg_src_txt'}
    inputs = {}
    for name, official in names.items():
        if official not in arrays:
            continue
        second = 'shifted_vid' if name == 'video' else official
        for ours, theirs in ((name, ''), (f'{name}_mask', '_mask')):
            parts = [arrays[official + theirs]] + ([arrays[second + theirs]] if shifted else [])
            inputs[ours] = torch.cat(parts).bool() if theirs else torch.cat(parts)
    if shifted:
        inputs['is_shifted'] = torch.arange(len(inputs['video'])) >= len(arrays['src_vid'])
    return inputs


def _targets(arrays: Tensors, mask: Tensor, config: Mapping[str, Any]) -> MomentTargets:
    return dataclasses.replace(targets_of(arrays, mask), clips=arrays['match_labels'] > 0)


def _both_targets(arrays: Tensors, mask: Tensor, config: Mapping[str, Any]) -> MomentTargets:
    moved = below(arrays, 'shifting.')
    joined = {name: torch.cat((arrays[name], value)) for name, value in moved.items()}
    targets = _targets(joined, mask, config)
    half = len(mask) // 2
    return dataclasses.replace(
        targets, views=['main'] * half + ['shift'] * half, video_index=torch.arange(half).repeat(2)
    )


def _cases(folder: Path, config: Mapping[str, Any]) -> list[Case]:
    """The inference call, and the Charades-style and QVHighlights-style training calls with their losses."""
    outputs, inputs = load_arrays(folder / 'outputs.npz'), load_arrays(folder / 'inputs.npz')
    plain = {n: v for n, v in outputs.items() if not n.startswith(('train_call.', 'qv.'))}
    cases = [Case('', plain), *_training(folder, config, '', '_train', {})]
    if any(name.startswith('qv.') for name in inputs):
        cases += _training(folder, config, '_qv', '_qv', config.get('qv_args_override', {}))
    return [case for case in cases if case.outputs or case.losses]


def _training(
    folder: Path, config: Mapping[str, Any], suffix: str, label: str, options: Mapping[str, Any]
) -> Iterator[Case]:
    """A training call; where its losses leave the shifted videos out, outputs and losses are two cases."""
    prefix = f'{suffix.removeprefix("_")}.' if suffix else ''
    arrays = below(load_arrays(folder / 'inputs.npz'), prefix)
    targets = below(load_arrays(folder / 'targets.npz'), prefix)
    recorded = below(load_arrays(folder / 'outputs.npz'), f'{prefix}train_call.')
    losses, indices = _losses_of(load_arrays(folder / f'losses{suffix}.npz'), len(arrays['src_vid']))
    shifted, lossy = 'shifted_vid' in arrays, shifts_videos({**config['args'], **options})
    for moved in sorted({shifted, shifted and lossy}):
        batch = _inputs(arrays, moved)
        wanted = (_both_targets if moved else _targets)(targets, batch['video_mask'], config)
        case = Case(label, options=options, inputs=batch, predictions=suffix or None)
        case.targets = {f.name: getattr(wanted, f.name) for f in dataclasses.fields(wanted)}
        if moved == shifted:
            case.outputs = recorded
        if moved == (shifted and lossy):
            case.losses, case.indices = losses, indices
        yield case


def _losses_of(recorded: Tensors, half: int) -> tuple[Tensors, dict[str, Tensor]]:
    """Losses, and the matching of both halves of the batch in one table."""
    moved, moved_indices = split_indices(below(recorded, 'shifting.'))
    losses, indices = split_indices({n: v for n, v in recorded.items() if not n.startswith('shifting.')})
    for suffix, pairs in moved_indices.items():
        second = pairs + torch.tensor([[half], [0], [0]])
        indices[suffix] = torch.cat((indices[suffix], second), dim=1)
    return {**losses, **{f'shifting.{name}': value for name, value in moved.items()}}, indices


def _arrays(model: nn.Module, inputs: Tensors, outputs: Outputs) -> Tensors:
    features, memory = outputs.features, outputs.memory
    video, text = model.criterion.losses['alignment'].pooled(outputs)
    rows = {
        **family.prediction_arrays(outputs),
        'vid_logits': memory.extra(FrameMatch, 'parity').prob,
        'proj_vid_mem': video,
        'proj_txt_mem': text,
    }
    states = {'hs': outputs.decoded.hidden, 'inter.reference': outputs.decoded.anchors[:1]}
    memories = {'pos': memory.context.feat}
    if features.negative_text is not None:
        other = dataclasses.replace(features, text=features.negative_text)
        memories['neg'] = model.encoder.encoder(other).context.feat
    if 'is_shifted' not in inputs:
        inner = {f'inter.{name}.memory': value for name, value in memories.items()}
        return {**rows, **states, **inner, **family.projection_arrays(outputs), 'inter.memory': memory.context.feat}
    moved = inputs['is_shifted']
    arrays = {name: value[~moved] for name, value in rows.items()}
    arrays |= {f'shifting.{name}': value[moved] for name, value in rows.items()}
    arrays |= {name: value[:, ~moved] for name, value in states.items()}
    arrays |= {f'shifting.{name}': value[:, moved] for name, value in states.items()}
    for name, value in memories.items():
        arrays |= {f'inter.{name}.memory': value[~moved], f'inter.shift_{name}.memory': value[moved]}
    return arrays


def _losses(terms: Mapping[str, tuple[float, Tensor]]) -> Tensors:
    losses = {'total': sum(weight * value for weight, value in terms.values())}
    for name, (_, value) in terms.items():
        term, _, view = name.partition('@')
        losses[('shifting.' if view else '') + _TERMS[term]] = value
    return losses


RECORDING = Recording(
    method=METHOD,
    arrays=_arrays,
    losses=_losses,
    data=recorded_data,
    cases=_cases,
    targets=_targets,
    extra=recorded_functions,
)
