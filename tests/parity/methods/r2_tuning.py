"""R2-Tuning, https://github.com/yeliudev/R2-Tuning."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.conversion.methods.r2_tuning import METHOD
from mmvmr.structures import (
    LayerStates,
    MomentTargets,
    Outputs,
    PointPredictions,
    PredictionSet,
    to_center_width,
    to_start_end,
)
from mmvmr.utils.arrays import endpoints
from parity.recording import Case, Recording, Tensors, load_arrays, required_arrays, targets_of

_CLIP_LEN = 2.0
_LOSSES = {
    'foreground': 'cls',
    'offset': 'reg',
    'contrast': 'sal',
    'video_calibration': 'video_cal',
    'layer_calibration': 'layer_cal',
}


def _arrays(model: nn.Module, inputs: Tensors, outputs: Outputs) -> Tensors:
    final, memory = outputs.final, outputs.memory
    states = memory.extra(LayerStates, 'parity')
    arrays = {
        'inter.refined_relu': memory.video.feat.relu(),
        'inter.words': memory.text.feat,
        'inter.query_emb': memory.sentence.unsqueeze(1),
        # The official code works from the last layer on.
        'inter.coll_v': states.clips.flip(2),
        'inter.coll_q': states.sentences.flip(1),
    }
    seconds = _CLIP_LEN * inputs['video_mask'].sum(1)
    windows, _, scores = model.postprocessor.rank(final, seconds, seconds)
    existing = {'class': [], 'coord': []}
    for i, count in enumerate(inputs['video_mask'].sum(1).tolist()):
        exists = final.mask[i]
        existing['class'].append(final.logits[i][exists])
        existing['coord'].append(final.extra(PointPredictions, 'parity').offsets[i][exists])
        arrays[f'{i}.out_class'], arrays[f'{i}.out_coord'] = (parts[-1] for parts in existing.values())
        arrays[f'{i}.saliency'] = outputs.saliency[i, :count]
        arrays[f'{i}.boundary'] = _ranked(final, i, _CLIP_LEN * count)
        kept = scores[i] > 0
        arrays[f'{i}.suppressed'] = torch.cat((windows[i][kept], scores[i][kept].unsqueeze(-1)), dim=-1)
    if len({len(parts) for parts in existing['class']}) == 1:
        arrays.update({f'out_{name}': torch.stack(parts) for name, parts in existing.items()})
    return arrays


def _ranked(final: PredictionSet, row: int, seconds: float) -> Tensor:
    """Start, end and score of the points of a video that exist, best first."""
    exists = final.mask[row]
    scores = final.logits[row][exists].sigmoid()
    rows = torch.cat((seconds * to_start_end(final.spans[row][exists]), scores), dim=-1)
    return rows[scores[:, 0].argsort(descending=True)]


def _losses(terms: Mapping[str, tuple[float, Tensor]]) -> Tensors:
    losses = {f'loss_{official}': terms[ours][1] for ours, official in _LOSSES.items()}
    return {**losses, 'total': sum(weight * value for weight, value in terms.values())}


def _targets(arrays: Tensors, mask: Tensor, config: Mapping[str, Any]) -> MomentTargets:
    seconds, counts = _CLIP_LEN * mask.shape[1], arrays['count'].tolist()
    spans = torch.cat([to_center_width(row[:n] / seconds) for row, n in zip(arrays['boundary'], counts)])
    targets = targets_of({'spans_cat': spans, 'spans_count': arrays['count']}, mask)
    chosen = arrays['pos_clip']
    pairs = torch.stack((chosen, torch.full_like(chosen, -1)), dim=1).unsqueeze(-1)
    saliency = arrays['saliency']
    return dataclasses.replace(targets, saliency=saliency, clips=saliency > 0, pairs=pairs)


def _inputs(folder: Path, prefix: str = '') -> Tensors:
    arrays = required_arrays(folder / 'inputs.npz')
    names = ('video', 'video_mask', 'text', 'text_mask')
    video, mask, text, text_mask = (arrays[prefix + name] for name in names)
    tef = torch.zeros(*mask.shape, 2)
    for row, count in zip(tef, mask.sum(1).tolist()):
        row[:count] = torch.from_numpy(endpoints(count))
    video = torch.cat((video.flatten(2), tef), dim=-1)
    return {'video': video, 'video_mask': mask, 'text': text.flatten(2), 'text_mask': text_mask}


def _cases(folder: Path, config: Mapping[str, Any]) -> list[Case]:
    """A training step, and inference of one video at a time: here three of different length at once, nothing padded."""
    cases = [
        Case('_train', load_arrays(folder / 'outputs_train.npz'), load_arrays(folder / 'losses_train.npz'), train=True)
    ]
    for suffix, suppression in (('', {'type': 'normal', 'thres': 0.7}), ('_soft', {'type': 'linear'})):
        outputs = load_arrays(folder / f'outputs{suffix}.npz')
        for name, rows in outputs.items():
            if name.endswith('suppressed'):  # the official list keeps what it drops, with a score of 0
                outputs[name] = rows[rows[:, 2] > 0]
        options = {'nms_cfg': suppression}
        cases.append(
            Case(
                suffix,
                outputs,
                options=options,
                overrides={'postprocessor': {'decimals': None}},
                inputs=_inputs(folder, 'infer_'),
            )
        )
    return cases


RECORDING = Recording(method=METHOD, arrays=_arrays, losses=_losses, inputs=_inputs, cases=_cases, targets=_targets)
