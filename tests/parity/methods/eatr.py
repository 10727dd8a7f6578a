"""EaTR, https://github.com/jinhyunj/EaTR."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.conversion.methods.eatr import METHOD
from mmvmr.models.task_modules import PseudoEvents
from mmvmr.structures import EventContext, Outputs
from parity.methods import detr_family as family
from parity.recording import Case, Recording, Tensors, load_arrays, recorded_cases


def _arrays(model: nn.Module, inputs: Tensors, outputs: Outputs) -> Tensors:
    queries, memory, decoded = outputs.queries, outputs.memory, outputs.decoded
    layer = model.decoder.layers[0]
    fused = family.output_while(lambda: model.decoder(queries, memory), layer.enhance)
    decoded0 = family.output_while(lambda: model.decoder(queries, memory), layer)
    events = [s.spans for s in outputs.sets if s.name == 'event']
    return {
        **family.prediction_arrays(outputs),
        'pred_event_spans': events[0],
        **{
            f'pseudo_event_{name}': value
            for name, value in _flat_events(*memory.extra(EventContext, 'parity').events).items()
        },
        'inter.hs': torch.cat((model.query_initializer.norm(queries.content)[None], decoded.hidden)),
        'inter.memory': memory.context.feat,
        'inter.reference': decoded.anchors,
        'inter.slots_out': queries.content,
        'inter.slot_attn_first_iter': _first_shares(
            model.query_initializer, memory.extra(EventContext, 'parity').projected
        ),
        'inter.gated_fusion_out_seqfirst': fused.transpose(0, 1),
        'inter.dec_layer0_out_seqfirst': decoded0.transpose(0, 1),
        'inter.vid_proj': outputs.features.video.feat,
        'inter.txt_proj': outputs.features.text.feat,
    }


def _first_shares(slots: nn.Module, video: Any) -> Tensor:
    """Softmax over the slots in their first iteration, before it is normalised over the clips (B, N, L)."""
    attention = slots.attention
    inputs = attention.norm_inputs(video.feat + video.position())
    query = attention.query(attention.norm_slots(slots.slots)).expand(len(inputs), -1, -1)
    logits = query @ attention.key(inputs).transpose(1, 2) * inputs.shape[-1] ** -0.5
    return logits.masked_fill(~video.mask[:, None], torch.finfo(logits.dtype).min).softmax(1)


def _flat_events(spans: Tensor, exists: Tensor) -> Tensors:
    return {'spans_cat': spans[exists], 'spans_count': exists.sum(1)}


def _losses(terms: Mapping[str, tuple[float, Tensor]]) -> Tensors:
    losses = family.family_losses(terms, ['saliency_margin'])
    for name in ('event_span', 'event_giou'):
        losses[f'loss_{name}'] = terms[f'{name}.event.0'][1]
    losses['total_weighted'] = losses['total']
    return losses


def _cases(folder: Path, config: Mapping[str, Any]) -> list[Case]:
    cases = recorded_cases(folder)
    train = load_arrays(folder / 'outputs_train.npz')
    return [*cases, Case('_train', train, train=True)] if train else cases


def _extra(folder: Path, config: Mapping[str, Any]) -> Iterator[tuple[str, Tensors, Tensors]]:
    """Pseudo events of other batches: rows of the inputs, cut to the longest, or videos of their own."""
    arrays = load_arrays(folder / 'extra_pseudo_events.npz')
    inputs = load_arrays(folder / 'inputs.npz')
    for tag in dict.fromkeys(name.partition('.')[0] for name in arrays):
        recorded = {name.partition('.')[2]: value for name, value in arrays.items() if name.startswith(f'{tag}.')}
        rows = recorded.pop('batch_index', None)
        if rows is None:
            video, mask = recorded.pop('src_vid'), recorded.pop('src_vid_mask').bool()
        else:
            mask = inputs['src_vid_mask'][rows].bool()
            longest = int(mask.sum(1).max())
            video, mask = inputs['src_vid'][rows, :longest], mask[:, :longest]
        yield f'pseudo events {tag}', _flat_events(*PseudoEvents('batch')(video, mask)), recorded


RECORDING = Recording(
    method=METHOD,
    arrays=_arrays,
    losses=_losses,
    cases=_cases,
    extra=_extra,
)
