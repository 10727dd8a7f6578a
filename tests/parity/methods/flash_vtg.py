"""FlashVTG, https://github.com/Zhuo-Cao/FlashVTG."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.conversion.detr_family import SALIENCY
from mmvmr.conversion.methods.cg_detr import ATTENTION
from mmvmr.conversion.methods.flash_vtg import METHOD
from mmvmr.structures import (
    AdaptiveAttention,
    MismatchedPairs,
    MomentTargets,
    Outputs,
    PointPredictions,
    PredictionSet,
    to_start_end,
)
from parity.recording import Case, Recording, Tensors, load_arrays, targets_of


def _arrays(model: nn.Module, inputs: Tensors, outputs: Outputs) -> Tensors:
    final, memory = outputs.final, outputs.memory
    arrays = {
        'out_class': existing(final, final.logits),
        'out_coord': existing(final, final.extra(PointPredictions, 'parity').offsets),
        'saliency_scores': outputs.saliency,
        't2vattnvalues': memory.extra(AdaptiveAttention, 'parity').on_text,
        'dummy_tokens': memory.extra(AdaptiveAttention, 'parity').dummies,
        'query_emb': memory.sentence.unsqueeze(1),
        'boundary': ranked(final, 2.0 * inputs['video_mask'].shape[1]),
    }
    if memory.negative is not None:
        arrays['real_neg_mask'] = memory.negative.extra(MismatchedPairs, 'parity').valid
        arrays['saliency_scores_neg'] = outputs.negative_saliency
        arrays['t2vattnvalues_neg'] = memory.negative.extra(AdaptiveAttention, 'parity').on_text
    return arrays


def existing(final: PredictionSet, values: Tensor) -> Tensor:
    """Values of the points that exist, of videos of one length: ours has levels padded to whole numbers."""
    return values[final.mask].unflatten(0, (len(values), -1))


def ranked(final: PredictionSet, seconds: float) -> Tensor:
    """Start, end and score of every point, best first."""
    scores = existing(final, final.logits).sigmoid()
    rows = torch.cat((seconds * to_start_end(existing(final, final.spans)), scores), dim=-1)
    order = scores.argsort(dim=1, descending=True)
    return rows.gather(1, order.expand(rows.shape))


def _losses(terms: Mapping[str, tuple[float, Tensor]]) -> Tensors:
    names = {'offset': 'reg', 'foreground': 'cls', 'contrast': 'sal', 'clip_score': 'label'}
    losses = {f'loss_{official}': terms[ours][1] for ours, official in names.items()}
    losses['loss_saliency'] = sum(terms[name][1] for name in (*SALIENCY, *ATTENTION))
    return {**losses, 'total': sum(weight * value for weight, value in terms.values())}


def _targets(arrays: Tensors, mask: Tensor, config: Mapping[str, Any]) -> MomentTargets:
    names = [vid.rsplit('_', 2)[0] for vid in config['vid']]
    index = torch.tensor([names.index(name) for name in names])
    return dataclasses.replace(targets_of(arrays, mask), video_index=index)


def _cases(folder: Path, config: Mapping[str, Any]) -> list[Case]:
    """Inference, one video at a time, and a training step."""
    train = load_arrays(folder / 'outputs_train.npz')
    return [
        Case('', load_arrays(folder / 'outputs.npz'), load_arrays(folder / 'losses.npz')),
        Case('_train', train, train=True),
    ]


RECORDING = Recording(method=METHOD, arrays=_arrays, losses=_losses, cases=_cases, targets=_targets)
