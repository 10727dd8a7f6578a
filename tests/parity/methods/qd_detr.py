"""QD-DETR, https://github.com/wjun0830/QD-DETR."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mmvmr.conversion.methods.qd_detr import METHOD
from mmvmr.structures import Memory, Outputs, Tokens
from parity.data import recorded_arrays
from parity.methods import detr_family as family
from parity.recording import Recording, Tensors, load_arrays, recorded_cases

_SALIENCY = {
    'saliency_part.margin': 'saliency_margin',
    'saliency_part.rank_contrastive': 'saliency_rank',
    'saliency_part.neg_pair': 'saliency_negative',
}
_MASK_FIX = {'encoder': {'encoder': {'fusion': {'mask_layout': 'sample'}}}}


def _memory_arrays(model: nn.Module, memory: Memory, text: Tokens, outputs: Outputs, prefix: str) -> Tensors:
    decoded = model.decoder(outputs.queries, memory)
    token = model.encoder.encoder.token.feat.expand(len(text.feat), 1, -1)
    return {
        f'inter.{prefix}hs': decoded.hidden,
        f'inter.{prefix}reference': decoded.anchors,
        f'inter.{prefix}memory': memory.video.feat,
        f'inter.{prefix}memory_global': memory.global_token,
        f'inter.{prefix}t2v': torch.cat((token, memory.fused, text.feat), dim=1),
    }


def _arrays(model: nn.Module, inputs: Tensors, outputs: Outputs) -> Tensors:
    negative, text = outputs.memory.negative, outputs.features.text
    return {
        **family.prediction_arrays(outputs),
        **family.projection_arrays(outputs),
        'saliency_scores_neg': outputs.negative_saliency,
        'video_mask': inputs['video_mask'].float(),
        **_memory_arrays(model, outputs.memory, text, outputs, ''),
        **_memory_arrays(model, negative, negative.text, outputs, 'neg_'),
    }


def _losses(terms: Mapping[str, tuple[float, Tensor]]) -> Tensors:
    losses = family.family_losses(terms, _SALIENCY.values())
    return {**losses, **{official: terms[ours][1] for official, ours in _SALIENCY.items()}}


RECORDING = Recording(
    method=METHOD,
    arrays=_arrays,
    losses=_losses,
    data=recorded_arrays,
    cases=lambda folder, config: recorded_cases(folder, {'': {}, '_maskfix': _MASK_FIX}),
    extra=lambda folder, config: family.sine_code(load_arrays(folder / 'outputs.npz')),
)
