"""CausalVTG, https://github.com/MxLearner/CausalVTG-Towards-Robust-Video-Temporal-Grounding-via-Causal-Inference."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.conversion.methods.causal_vtg import LOSSES, METHOD
from mmvmr.structures import MomentTargets, Outputs, PointPredictions
from parity.methods.flash_vtg import existing, ranked
from parity.recording import Case, Recording, Tensors, load_arrays, read_inputs, targets_of


def _arrays(model: nn.Module, inputs: Tensors, outputs: Outputs) -> Tensors:
    final, memory, existence = outputs.final, outputs.memory, outputs.existence
    clips = inputs['video_mask'].shape[1]
    arrays = {
        'out_class': existing(final, final.logits),
        'out_coord': existing(final, final.extra(PointPredictions, 'parity').offsets),
        'query_emb': memory.sentence.unsqueeze(1),
        'video_emb': memory.levels[0].feat[:, :clips],
        'boundary': ranked(final, 2.0 * clips),
        'saliency': outputs.saliency,
        'relavent_score': (existence.logits if model.training else existence.probability).unsqueeze(1),
        'video_memory': model.projector.memories.video.prototypes.unsqueeze(0),
        'query_memory': model.projector.memories.text.prototypes.unsqueeze(0),
    }
    if existence.mismatched is not None:
        arrays['neg_relavent_score'] = existence.mismatched.t().reshape(-1, 1)
        arrays['neg_mask'] = ~existence.same_video.t().reshape(-1)
    return arrays


def _losses(terms: Mapping[str, tuple[float, Tensor]]) -> Tensors:
    losses = {official: terms[ours][1] for official, ours in LOSSES.items()}
    return {**losses, 'total': sum(weight * value for weight, value in terms.values())}


def _targets(arrays: Tensors, mask: Tensor, config: Mapping[str, Any]) -> MomentTargets:
    index = torch.tensor([config['vid'].index(name) for name in config['vid']])
    return dataclasses.replace(targets_of(arrays, mask), video_index=index)


def _cases(folder: Path, config: Mapping[str, Any]) -> list[Case]:
    """Inference, one video at a time, and a training step; sentences of different lengths without the relevance."""
    inputs, train = read_inputs(folder), load_arrays(folder / 'outputs_train.npz')
    lengths = torch.tensor(config['words']).unsqueeze(1)
    words = {**inputs, 'text_mask': torch.arange(inputs['text_mask'].shape[1]) < lengths}
    return [
        Case('', load_arrays(folder / 'outputs.npz'), load_arrays(folder / 'losses.npz')),
        Case('_train', train, train=True),
        Case('_words', load_arrays(folder / 'outputs_words.npz'), inputs=words),
    ]


RECORDING = Recording(method=METHOD, arrays=_arrays, losses=_losses, cases=_cases, targets=_targets)
