"""BAM-DETR, https://github.com/Pilhyeon/BAM-DETR."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.conversion.detr_family import SALIENCY
from mmvmr.conversion.methods.bam_detr import METHOD, SIDES
from mmvmr.structures import BoundaryPathways, Outputs
from parity.methods import detr_family as family
from parity.recording import Case, Recording, Tensors, load_arrays, recorded_cases


def _arrays(model: nn.Module, inputs: Tensors, outputs: Outputs) -> Tensors:
    moments = outputs.decoded.extra(BoundaryPathways, 'parity').point_distances
    arrays = {
        **family.prediction_arrays(outputs),
        'saliency_scores_neg': outputs.negative_saliency,
        'video_mask': inputs['video_mask'].float(),
        'memory_boundary': torch.cat(list(outputs.decoded.extra(BoundaryPathways, 'parity').evidence), dim=-1),
        **_intermediates(model, outputs),
    }
    for predictions in outputs.sets:
        prefix = '' if predictions.final else f'aux_{predictions.layer}.'
        if predictions.quality is not None:
            arrays[f'{prefix}pred_quality'] = predictions.quality.unsqueeze(-1)
        arrays[f'{prefix}pred_spans2'] = predictions.spans  # differs by its gradient only
        arrays[f'{prefix}pred_spans_raw'] = moments[predictions.layer + 1]
    return arrays


def _intermediates(model: nn.Module, outputs: Outputs) -> Tensors:
    features, memory, decoded = outputs.features, outputs.memory, outputs.decoded
    batch = len(features.text.feat)
    token = model.encoder.encoder.token.feat.expand(batch, 1, -1)
    arrays = {
        'hs': _alternating_states(outputs),
        'reference': decoded.extra(BoundaryPathways, 'parity').point_distances,
        'memory_local': memory.video.feat,
        'memory_global': memory.global_token,
        'memory_boundary_seqfirst': torch.cat(
            list(decoded.extra(BoundaryPathways, 'parity').evidence), dim=-1
        ).transpose(0, 1),
        'vid_proj': features.video.feat,
        'txt_proj': features.text.feat,
        't2v_out': torch.cat((token, memory.fused, features.text.feat), dim=1).transpose(0, 1),
        'encoder_out': torch.cat((memory.global_token[:, None], memory.video.feat), dim=1).transpose(0, 1),
        'query_embed_after_forward': model.query_initializer.moments.weight,
    }
    for index, layers in enumerate(model.decoder.boundary_layers):
        for side, layer in zip(SIDES, layers):
            read = family.output_while(lambda: model.decoder(outputs.queries, memory), layer.attention)
            arrays[f'boundary_deform_l{index}_{side}'] = read.flatten(0, 1)[None]
    return {f'inter.{name}': value for name, value in arrays.items()}


def _alternating_states(outputs: Outputs) -> Tensor:
    """States after the anchor pathway and after the boundary pathways of every layer (2 S, B, N, 3 D)."""
    previous, states = outputs.queries.content, []
    dims = previous.shape[-1] // 3
    for state in outputs.decoded.hidden:
        states += [torch.cat((state[..., :dims], previous[..., dims:]), dim=-1), state]
        previous = state
    return torch.stack(states)


def _losses(terms: Mapping[str, tuple[float, Tensor]]) -> Tensors:
    losses = family.family_losses(terms, SALIENCY)
    for name, (_, value) in terms.items():
        base, _, layer = name.partition('.')
        if base in ('quality', 'boundary'):
            losses[f'loss_{base}' + (f'_{layer}' if layer else '')] = value
    losses['total_weighted'] = losses['total']
    return losses


def _cases(folder: Path, config: Mapping[str, Any]) -> list[Case]:
    variants = {f'_{name}': variant['arg_overrides'] for name, variant in config.get('variants', {}).items()}
    cases = recorded_cases(folder, options={'': {}, **variants})
    cases.append(Case('_train', load_arrays(folder / 'outputs_train.npz'), train=True))
    return [case for case in cases if case.outputs or case.losses]


RECORDING = Recording(
    method=METHOD,
    arrays=_arrays,
    losses=_losses,
    cases=_cases,
    dead={'inter.txt_encoder_out_unused': 'output of the text encoder, which the official code throws away'},
)
