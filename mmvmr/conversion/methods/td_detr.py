"""TD-DETR, https://github.com/xyangzhou/TD-DETR."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.conversion.masked_targets import masked_features
from mmvmr.conversion.method import METHODS, OfficialMethod, Tensors, load_arrays, register
from mmvmr.conversion.methods import detr_family as family
from mmvmr.conversion.pair_data import compared
from mmvmr.conversion.parity import build_model
from mmvmr.structures import Features, Memory, Outputs

_SALIENCY = ('saliency_margin', 'saliency_rank', 'saliency_negative')
_LAYER = r'transformer\.t2v_encoder\.layers\.(\d+)\.'
_OURS = r'encoder.encoder.fusion.layers.\1.'


def _options(args: Mapping[str, Any]) -> dict[str, Any]:
    options = family.common_options(args)
    options['postprocessor'] = _postprocessing(args)
    depth = {'num_layers': args['enc_layers']}
    layer = {'type': 'DynamicsCrossLayer', 'beta': args.get('beta', 0.7)}
    options['encoder'] = {
        'sampler': {'exclude_same_video': False},
        'word_positions': 'kept',
        'encoder': {
            'fusion': {'type': 'DynamicsCrossFusion', 'layer': layer, 'mask_layout': 'head_major', **depth},
            'layers': dict(depth),
        },
    }
    for name in _SALIENCY[1:]:
        options['criterion']['losses'][name] = {'weight': args['lw_saliency']}
    if args.get('dset_name') == 'tvsum':
        family.without_matching(options['criterion'])
    return options


def _postprocessing(args: Mapping[str, Any]) -> dict[str, Any]:
    """Windows are cut to the longest video of a set, and rounded to clips."""
    longest, round_to = 150, float(args.get('clip_length', 2))
    if args.get('dset_name') in ('tacos', 'ego4d'):
        longest = 1500
    elif args.get('dset_name', '').startswith('charades') and args['v_feat_dim'] == 4096:  # VGG without endpoints
        longest, round_to = 360, 2.0
    return {'scale': 'duration', 'clamp': (0, longest), 'round_to': round_to, 'half_saliency': True}


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
        'encoder_in': torch.cat((token, memory.aux['fused']), dim=1).transpose(0, 1),
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
    """What the parts of a layer return, and what its projection is given, while the fusion runs."""
    found: Tensors = {}
    parts = {'video_text_attn': layer.cross_attn, 'dynamics_text_attn': layer.dynamics_attn, 'layer': layer}
    hooks = [
        part.register_forward_hook(lambda _m, _i, out, name=name: found.__setitem__(name, out))
        for name, part in parts.items()
    ]

    def projection(_module: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> None:
        found['dynamics'], found['flow_proj'] = given[0], out

    hooks.append(layer.projection.register_forward_hook(projection))
    try:
        fusion(features)
    finally:
        for hook in hooks:
            hook.remove()
    return found


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
    model = build_model(METHODS['td_detr'], config['args'], load_arrays(folder / 'state_dict.npz')).eval()
    ours = {}
    with torch.no_grad():
        for name, value in recorded.items():
            match = re.fullmatch(r'(inter\w*\.t2v(\d+)\.)dynamics', name)
            if match:
                layer = model.encoder.encoder.fusion.layers[int(match[2])]
                ours[f'{match[1]}flow_proj'] = layer.projection(value)
    return 'projections', ours, {name: value for name, value in recorded.items() if name.endswith('.flow_proj')}


def _losses(terms: Mapping[str, tuple[float, Tensor]]) -> Tensors:
    losses = family.family_losses(terms, _SALIENCY)
    losses['total_weighted'] = losses['total']
    return losses


register(
    OfficialMethod(
        name='td_detr',
        repository='xyangzhou/TD-DETR',
        base='qd_detr.py',
        options=_options,
        keys=(
            *family.PROJECTION_KEYS,
            *family.TEXT_POSITION_KEYS,
            (r'global_rep_token', r'encoder.encoder.token.feat'),
            (r'global_rep_pos', r'encoder.encoder.token.pos'),
            (r'video_embed\.weight', r'encoder.encoder.fusion.start'),
            (_LAYER + r'self_attn_flow\.(.+)', _OURS + r'dynamics_attn.\2'),
            (_LAYER + r'flow_proj\.(\d+)\.LayerNorm\.(.+)', _OURS + r'projection.blocks.\2.norm.\3'),
            (_LAYER + r'flow_proj\.(\d+)\.net\.1\.(.+)', _OURS + r'projection.blocks.\2.linear.\3'),
            *family.encoder_keys('transformer.t2v_encoder', 'encoder.encoder.fusion', 'cross_attn'),
            *family.encoder_keys('transformer.encoder', 'encoder.encoder.layers'),
            *family.CONDITIONAL_DECODER_KEYS,
            (r'query_embed\.weight', r'query_initializer.anchors.weight'),
            *family.HEAD_KEYS,
            (r'saliency_proj1\.(.+)', r'saliency_head.clip.\1'),
            (r'saliency_proj2\.(.+)', r'saliency_head.token.\1'),
        ),
        # The buffer of the criterion is a constant of its options.
        unused=(r'txt_position_embed\..+', r'contrastive_align_projection_.+', r'criterion\..+'),
        arrays=_arrays,
        losses=_losses,
        extra=_extra,
        layouts=((r'video_embed\.weight', lambda value: value[0]),),
        elsewhere=(r'inter\w*\.t2v\d+\.flow_proj',),
    )
)
