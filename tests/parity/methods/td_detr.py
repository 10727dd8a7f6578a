"""TD-DETR, https://github.com/xyangzhou/TD-DETR."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.conversion.detr_family import SALIENCY
from mmvmr.conversion.methods.td_detr import METHOD
from mmvmr.structures import Features, Memory, Outputs
from parity.masked_targets import masked_features
from parity.methods import detr_family as family
from parity.model import build_model
from parity.pair_data import compared
from parity.recording import Recording, Tensors, load_arrays


def _arrays(model: nn.Module, inputs: Tensors, outputs: Outputs) -> Tensors:
    memory = outputs.memory
    negative = dataclasses.replace(outputs.features, text=memory.negative.text)
    return {
        **family.prediction_arrays(outputs),
        'saliency_scores_neg': outputs.negative_saliency,
        'video_mask': inputs['video_mask'].float(),
        'inter.vid_proj': outputs.features.video.feat,
        'inter.txt_proj': outputs.features.text.feat,
        'inter.pos_vid': outputs.features.video.position(),
        **_pass_arrays(model, outputs.features, memory, outputs, 'inter.'),
        **_pass_arrays(model, negative, memory.negative, outputs, 'inter_neg.'),
    }


def _pass_arrays(model: nn.Module, features: Features, memory: Memory, outputs: Outputs, prefix: str) -> Tensors:
    """Intermediates of one pass through the transformer, sequence first up to the memory."""
    encoder = model.encoder.encoder
    token = encoder.token.feat.expand(len(features.text.feat), 1, -1)
    decoded = model.decoder(outputs.queries, memory)
    arrays = {
        'encoder_in': torch.cat((token, memory.fused), dim=1).transpose(0, 1),
        'encoder_memory': torch.cat((memory.global_token[:, None], memory.video.feat), dim=1).transpose(0, 1),
    }
    for index, layer in enumerate(encoder.fusion.layers):
        caught = _caught(encoder.fusion, layer, features)
        fused = torch.cat((token, caught.pop('layer'), features.text.feat), dim=1)
        caught['out'] = fused
        arrays |= {f't2v{index}.{name}': value.transpose(0, 1) for name, value in caught.items()}
    arrays |= {'decoder_hs': decoded.hidden, 'reference_points': decoded.anchors}
    return {prefix + name: value for name, value in arrays.items()}


def _caught(fusion: nn.Module, layer: nn.Module, features: Features) -> Tensors:
    """Outputs of the parts of a layer, and the input of its projection, while the fusion runs."""
    inputs: list[Tensor] = []
    handle = layer.projection.register_forward_pre_hook(lambda _m, given: inputs.append(given[0]))
    parts = {'video_text_attn': layer.cross_attn, 'dynamics_text_attn': layer.dynamics_attn, 'layer': layer}
    parts['flow_proj'] = layer.projection
    try:
        caught = family.outputs_while(lambda: fusion(features), parts)
        return {**caught, 'dynamics': inputs[-1]}
    finally:
        handle.remove()


def _extra(folder: Path, config: Mapping[str, Any]) -> Iterator[tuple[str, Tensors, Tensors]]:
    recorded = load_arrays(folder / 'outputs.npz')
    if any(name.endswith('.flow_proj') for name in recorded):
        yield _projections(folder, config, recorded)
    if (folder / 'features.npz').exists():
        yield from compared(folder, config)
    if (folder / 'masked.npz').exists():
        yield 'masked features', *masked_features(folder)


def _projections(folder: Path, config: Mapping[str, Any], recorded: Tensors) -> tuple[str, Tensors, Tensors]:
    """The projection of recorded differences.

    Padded clips of the second layer on differ by rounding noise alone, which a LayerNorm raises to the size of its
    input: comparing what it makes of *our* noise would compare machines. What comes of the differences is compared in
    ``dynamics_text_attn``.
    """
    model = build_model(METHOD, config['args'], load_arrays(folder / 'state_dict.npz')).eval()
    ours = {}
    with torch.no_grad():
        for name, value in recorded.items():
            match = re.fullmatch(r'(inter\w*\.t2v(\d+)\.)dynamics', name)
            if match:
                layer = model.encoder.encoder.fusion.layers[int(match[2])]
                ours[f'{match[1]}flow_proj'] = layer.projection(value)
    return 'projections', ours, {name: value for name, value in recorded.items() if name.endswith('.flow_proj')}


def _losses(terms: Mapping[str, tuple[float, Tensor]]) -> Tensors:
    losses = family.family_losses(terms, SALIENCY)
    losses['total_weighted'] = losses['total']
    return losses


RECORDING = Recording(
    method=METHOD,
    arrays=_arrays,
    losses=_losses,
    extra=_extra,
    elsewhere=(r'inter\w*\.t2v\d+\.flow_proj',),
)
