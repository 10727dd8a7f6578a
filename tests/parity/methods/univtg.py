"""UniVTG, https://github.com/showlab/UniVTG."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.conversion.methods.univtg import METHOD
from mmvmr.registry import TASK_UTILS
from mmvmr.structures import (
    MomentTargets,
    Outputs,
    PointPredictions,
    PooledText,
    PredictionSet,
    to_center_width,
    to_start_end,
)
from parity.recording import Case, Recording, Tensors, below, load_arrays, targets_of
from parity.schedules import epoch_rates

# log(1e-45) in float32, which the official code adds to the saliency of padded clips.
_PADDED = torch.tensor(1e-45).log()
_VARIANTS = ('hl', 'tal', 'zero_saliency')


def _arrays(model: nn.Module, inputs: Tensors, outputs: Outputs) -> Tensors:
    features, memory, final = outputs.features, outputs.memory, outputs.final
    mask = inputs['video_mask']
    cosine = torch.cosine_similarity(features.video.feat, memory.sentence.unsqueeze(1), dim=-1)
    saliency = cosine + torch.where(mask, 0.0, _PADDED)
    scores = final.logits.sigmoid()
    signed = final.extra(PointPredictions, 'parity').offsets * torch.tensor([-1.0, 1.0])
    arrays = {
        'pred_logits': scores,
        'pred_spans': signed,
        'src_vid_mask': mask.float(),
        'vid_mem_proj': features.video.feat,
        'txt_mem_proj': memory.sentence.unsqueeze(1),
        'saliency_scores': saliency,
        'hook/input_vid_proj': model.projector.video(inputs['video']),
        'hook/input_txt_proj': model.projector.text(inputs['text']),
        'hook/position_embed': features.video.position(),
        'hook/transformer': memory.context.feat,
        'hook/weightedpool': memory.sentence,
        # The official timestamps are 0 on padding.
        'decode.spans': to_start_end(final.spans).where(mask.unsqueeze(-1), signed),
        'decode.scores': scores.squeeze(-1).where(mask, 0.0),
        'decode.saliency_add': saliency.half().float() + scores.squeeze(-1),
    }
    classes = memory.extra(PooledText, 'parity').classes
    if classes is not None:
        arrays['cls_mem_proj'] = classes
    return arrays


def _losses(terms: Mapping[str, tuple[float, Tensor]]) -> Tensors:
    names = {'span': 'b', 'giou': 'g', 'foreground': 'f', 'clip_inter': 's_inter', 'clip_intra': 's_intra'}
    losses = {f'loss_{official}': terms[ours][1] for ours, official in names.items() if ours in terms}
    return {**losses, 'total': sum(weight * value for weight, value in terms.values())}


def _targets(arrays: Tensors, mask: Tensor, config: Mapping[str, Any]) -> MomentTargets:
    targets = targets_of(arrays, mask)
    classes = arrays['cls_idx'].argmax(1) if 'cls_idx' in arrays else None
    saliency = arrays['saliency_scores'].float()
    return dataclasses.replace(targets, saliency=saliency, clips=arrays['timestamp_window'] > 0, classes=classes)


def _cases(folder: Path, config: Mapping[str, Any]) -> list[Case]:
    """The run itself, and the highlight-only, class and unrated variants, whose names have a prefix."""
    outputs, losses = load_arrays(folder / 'outputs.npz'), load_arrays(folder / 'losses.npz')
    length = {'clip_length': _clip_length(config)}
    cases = [Case('', _plain(outputs), _plain(losses), options=length)]
    for variant in _VARIANTS:
        found, terms = (below(arrays, f'{variant}/') for arrays in (outputs, losses))
        if found or terms:
            cases.append(_variant(variant, folder, length, found, terms))
    return cases


def _plain(arrays: Tensors) -> Tensors:
    return {name: value for name, value in arrays.items() if name.split('/')[0] not in _VARIANTS}


def _variant(variant: str, folder: Path, options: Mapping[str, Any], outputs: Tensors, losses: Tensors) -> Case:
    case = Case(f'_{variant}', outputs, losses, options=options)
    if variant == 'hl':
        case.options = {**options, 'dset_type': 'hl'}
    elif variant == 'tal':
        recorded = load_arrays(folder / 'inputs.npz')
        case.options = {**options, 'dset_type': 'mr', 'train_path': 'tal'}
        case.inputs = _inputs(folder)
        case.inputs['class_text'] = recorded['cls/src_cls']
        case.inputs['class_text_mask'] = recorded['cls/src_cls_mask'].bool()
    else:
        case.targets = {'saliency': torch.zeros_like(load_arrays(folder / 'targets.npz')['saliency_scores'])}
    return case


def _inputs(folder: Path) -> Tensors:
    arrays = load_arrays(folder / 'inputs.npz')
    return {
        'video': arrays['src_vid'],
        'video_mask': arrays['src_vid_mask'].bool(),
        'text': arrays['src_txt'],
        'text_mask': arrays['src_txt_mask'].bool(),
    }


def _extra(folder: Path, config: Mapping[str, Any]) -> Iterator[tuple[str, Tensors, Tensors]]:
    yield from _labels(folder, config)
    yield from _rates(folder)


def _labels(folder: Path, config: Mapping[str, Any]) -> Iterator[tuple[str, Tensors, Tensors]]:
    """What recorded windows in seconds become: anchors, the clips that answer for a window, and that window."""
    recorded = load_arrays(folder / 'targets.npz')
    if 'windows_cat' not in recorded:
        return
    mask, clip_len = _inputs(folder)['video_mask'], _clip_length(config)
    cfg = METHOD.model_config({**config['args'], 'dset_type': 'mr', 'clip_length': clip_len})
    counts = recorded['windows_count']
    clips = mask.sum(1)
    seconds = (clips * clip_len).repeat_interleave(counts).unsqueeze(1)
    spans = to_center_width(recorded['windows_cat'] / seconds)
    targets = targets_of({'spans_cat': spans, 'spans_count': counts}, mask)
    points = TASK_UTILS.build(cfg.point_generator)([mask.shape[1]], clips)
    anchors = PredictionSet('point', points.center.unsqueeze(-1).expand(-1, -1, 2), points=points, mask=mask)
    (found,) = TASK_UTILS.build(cfg.criterion.assigner)([anchors], targets)
    rows = (found.batch, found.query)
    inside = torch.zeros(mask.shape).index_put(rows, torch.ones(()))
    wanted = {name: recorded[name] for name in _LABELS if name in recorded}
    if 'span_labels_nn' in wanted:  # no loss looks at the window of another clip
        wanted['span_labels_nn'] = wanted['span_labels_nn'].where(recorded['timestamp_window'].unsqueeze(-1) > 0, 0.0)
    ours = {
        'timestamp': anchors.spans.where(mask.unsqueeze(-1), 0.0),
        'timestamp_mask': mask.float(),
        'timestamp_window': inside,
        'span_labels_nn': torch.zeros(*mask.shape, 2).index_put(rows, to_start_end(found.spans)),
        'spans_cat': spans,
        'spans_count': counts,
    }
    yield 'labels', ours, wanted


_LABELS = ('timestamp', 'timestamp_mask', 'timestamp_window', 'span_labels_nn', 'spans_cat', 'spans_count')


def _clip_length(config: Mapping[str, Any]) -> float:
    return config.get('sizes', {}).get('clip_len', config['args'].get('clip_length', 1.0))


def _rates(folder: Path) -> Iterator[tuple[str, Tensors, Tensors]]:
    """The learning rate of every epoch: ``warmup<W>_drop<D>``."""
    recorded = load_arrays(folder / 'schedule.npz')
    ours = {}
    for name, rates in recorded.items():
        warmup, drop = (int(number) for number in re.findall(r'\d+', name))
        ours[name] = epoch_rates(schedule(len(rates), warmup, drop), 1e-4, len(rates)) / 1e-4
        recorded[name] = rates / 1e-4
    if recorded:
        yield 'schedule', ours, recorded


def schedule(epochs: int, warmup: int, drop: int, gamma: float = 0.1) -> list[dict[str, Any]]:
    """The official schedule as parameter schedulers: linear warm-up, then a step at every multiple of ``drop``.

    Args:
        epochs: Epochs of the run.
        warmup: Epochs of the warm-up.
        drop: Epochs between two steps.
        gamma: Factor of a step.

    Returns:
        Configs of parameter schedulers.
    """
    found: list[dict[str, Any]] = []
    if warmup > 1:
        found.append({'type': 'LinearLR', 'start_factor': 1 / warmup, 'end_factor': 1.0, 'begin': 0, 'end': warmup})
    steps = [epoch for epoch in range(drop, epochs, drop) if epoch > warmup]
    return [*found, {'type': 'MultiStepLR', 'milestones': steps, 'gamma': gamma}]


RECORDING = Recording(
    method=METHOD,
    arrays=_arrays,
    losses=_losses,
    cases=_cases,
    targets=_targets,
    inputs=_inputs,
    extra=_extra,
)
