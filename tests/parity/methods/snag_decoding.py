"""Inference of the official SnAG code: decoding and suppression."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData
from torch import nn

from mmvmr.registry import TASK_UTILS
from mmvmr.structures import MomentDataSample, Outputs, pairwise_iou, to_start_end
from parity.methods.snag_inputs import one_video, snag_model
from parity.recording import Tensors, load_arrays

Groups = Iterator[tuple[str, Tensors, Tensors]]


def decoding(folder: Path, options: Mapping[str, Any]) -> Groups:
    """Predictions in seconds of one long video, under several ways to cut it and to suppress repetitions."""
    recorded = load_arrays(folder / 'decode.npz')
    if not recorded:
        return
    data = {name.removeprefix('data.'): value.item() for name, value in recorded.items() if name.startswith('data.')}
    wanted = {name: value for name, value in recorded.items() if not name.startswith('data.')}
    inputs = one_video(folder)
    ours: Tensors = {}
    for case in sorted({name.split('.')[0] for name in wanted}):
        model = snag_model(folder, {**options, 'eval': _variant(case, options.get('eval', {}), data)}).eval()
        given = inputs if case == 'ext' else {name: v for name, v in inputs.items() if name != 'prior'}
        # The recorded times are of clips that need not be those of the training options.
        model.point_generator.offset = 0.5 * data['clip_size'] / data['clip_stride']
        if case == 'nms':
            model.postprocessor.nms.threshold = _kept_overlap(model, given, wanted)
        with torch.no_grad():
            found = _collected(model, given) if case == 'collected' else _seconds(model, given, data)
        for i, instances in enumerate(found):
            ours[f'{case}.{i}.segments'], ours[f'{case}.{i}.scores'] = instances.windows, instances.scores
    yield 'decoding', ours, wanted


def _kept_overlap(model: nn.Module, inputs: Tensors, recorded: Tensors) -> float:
    """A threshold of hard suppression under which just what was recorded survives.

    The official one is not written down. No two survivors overlap by it or more, and whatever was suppressed overlaps
    a survivor by it or more: just above the largest overlap of two survivors, the outcome is the same.
    """
    with torch.no_grad():
        found = _collected(model, inputs)
    largest = 0.0
    for i, candidates in enumerate(found):
        scores = recorded[f'nms.{i}.scores']
        if not len(scores) or not len(candidates):
            continue
        # Suppression leaves scores alone; windows were refined and clamped.
        index = (scores[:, None] - candidates.scores).abs().argmin(1)
        overlap = pairwise_iou(candidates.windows[index], candidates.windows[index])
        largest = max(largest, overlap.fill_diagonal_(0).max().item())
    return largest + 1e-4


def _variant(case: str, options: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Evaluation options of a recorded case; one without windows takes the video whole."""
    nms = dict(options.get('nms', {}))
    cut = case in ('slide', 'ext')
    windows = {name: data[name] if cut else None for name in ('window_size', 'window_stride')}
    if case in ('nms', 'none'):
        nms['mode'] = None if case == 'none' else 'nms'
    elif case == 'vote':
        nms.update(voting_thresh=0.5, max_num_segs=20)
    return {**options, 'nms': nms, **windows}


def _seconds(model: nn.Module, inputs: Tensors, data: Mapping[str, Any]) -> list[InstanceData]:
    clips = inputs['video'].shape[1]
    meta = {'duration': data['duration'], 'num_clips': clips, 'clip_len': data['clip_stride'] / data['fps']}
    samples = [MomentDataSample(metainfo=meta) for _ in inputs['video_index']]
    return [sample.pred_instances for sample in model.predict(inputs, samples)]


def _collected(model: nn.Module, inputs: Tensors) -> list[InstanceData]:
    """Candidates before suppression, on the grid of the features."""
    outputs: Outputs = model.predict_sets(inputs)
    found = model.postprocessor.reduce(outputs.final)
    generator = model.point_generator
    clips = to_start_end(found.spans) * inputs['video'].shape[1] - generator.offset
    scores = model.postprocessor.scores(found)
    return [
        InstanceData(windows=clips[i][mask] / generator.input_stride, scores=scores[i][mask])
        for i, mask in enumerate(found.mask)
    ]


def suppression(folder: Path) -> Groups:
    """Stand-alone cases, whose options are written in ``args``."""
    recorded = load_text_arrays(folder / 'nms.npz')
    if not recorded:
        return
    segments, scores = recorded['in.segs'][None], recorded['in.scores'][None]
    args = dict(part.split(': ', 1) for part in recorded.pop('args').split('; '))
    hard, soft, batched = (_numbers(args[name]) for name in ('hard', 'softM', 'batched'))
    common = {'min_score': soft['min'], 'max_predictions': int(soft['max'])}
    cases = {
        'hard': {
            'type': 'HardNMS',
            'threshold': hard['iou'],
            'min_score': hard['min'],
            'max_predictions': int(hard['max']),
        },
        'soft0': {'type': 'HardNMS', 'threshold': soft['iou'], **common},
        'soft1': {'type': 'SoftNMS', 'decay': 'linear', 'threshold': soft['iou'], **common},
        'soft2': {'type': 'SoftNMS', 'threshold': 0.0, 'sigma': soft['sigma'], **common},
        'batched': {
            'type': 'SoftNMS',
            'threshold': 0.0,
            'sigma': batched['sigma'],
            'min_score': batched['min'],
            'max_predictions': int(batched['max']),
        },
    }
    ours: Tensors = {}
    for name, cfg in cases.items():
        index, kept = TASK_UTILS.build(cfg)(segments, scores)
        exists = kept[0] > -torch.inf
        ours[f'{name}.segs'], ours[f'{name}.scores'] = segments[0][index[0]][exists], kept[0][exists]
    for source, name, threshold in (('soft2', 'voted', float(args['voted'])), ('batched', 'batched', batched['vote'])):
        vote = TASK_UTILS.build({'type': 'SegmentVoting', 'threshold': threshold})
        ours[f'{name}.segs'] = vote(ours[f'{source}.segs'][None], segments, scores)[0]
    yield 'suppression', ours, {name: value for name, value in recorded.items() if not name.startswith('in.')}


def _numbers(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r'(\w+) (-?\d[\d.]*(?:e-?\d+)?)', text)}


def load_text_arrays(path: Path) -> dict[str, Any]:
    """Arrays of a file that holds a text as well; that stays a string."""
    if not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as data:
        return {
            name: str(data[name]) if data[name].dtype.kind == 'U' else torch.from_numpy(data[name])
            for name in data.files
        }
