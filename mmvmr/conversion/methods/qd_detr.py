"""QD-DETR, https://github.com/wjun0830/QD-DETR."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.conversion.data import recorded_arrays
from mmvmr.conversion.method import OfficialMethod, Tensors, load_arrays, recorded_cases, register
from mmvmr.conversion.methods import detr_family as family
from mmvmr.structures import Memory, Outputs, Tokens

_SALIENCY = {
    'saliency_part.margin': 'saliency_margin',
    'saliency_part.rank_contrastive': 'saliency_rank',
    'saliency_part.neg_pair': 'saliency_negative',
}
_MASK_FIX = {'encoder': {'encoder': {'fusion': {'mask_layout': 'sample'}}}}


def _options(args: Mapping[str, Any]) -> dict[str, Any]:
    options = family.common_options(args)
    options['postprocessor'] = family.postprocessing()
    depth = {'num_layers': args['enc_layers']}
    options['encoder'] = {
        'sampler': {'exclude_same_video': False},
        'word_positions': 'kept',
        'encoder': {'fusion': {**depth, 'mask_layout': 'head_major'}, 'layers': dict(depth)},
    }
    for name in ('saliency_rank', 'saliency_negative'):
        options['criterion']['losses'][name] = {'weight': args['lw_saliency']}
    if args.get('dset_name') == 'tvsum':
        family.without_matching(options['criterion'])
    return options


def _memory_arrays(model: nn.Module, memory: Memory, text: Tokens, outputs: Outputs, prefix: str) -> Tensors:
    decoded = model.decoder(outputs.queries, memory)
    token = model.encoder.encoder.token.feat.expand(len(text.feat), 1, -1)
    return {
        f'inter.{prefix}hs': decoded.hidden,
        f'inter.{prefix}reference': decoded.anchors,
        f'inter.{prefix}memory': memory.video.feat,
        f'inter.{prefix}memory_global': memory.global_token,
        f'inter.{prefix}t2v': torch.cat((token, memory.aux['fused'], text.feat), dim=1),
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


register(
    OfficialMethod(
        name='qd_detr',
        repository='wjun0830/QD-DETR',
        base='qd_detr.py',
        options=_options,
        keys=(
            *family.PROJECTION_KEYS,
            *family.TEXT_POSITION_KEYS,
            (r'global_rep_token', r'encoder.encoder.token.feat'),
            (r'global_rep_pos', r'encoder.encoder.token.pos'),
            *family.encoder_keys('transformer.t2v_encoder', 'encoder.encoder.fusion', 'cross_attn'),
            *family.encoder_keys('transformer.encoder', 'encoder.encoder.layers'),
            *family.CONDITIONAL_DECODER_KEYS,
            (r'query_embed\.weight', r'query_initializer.anchors.weight'),
            *family.HEAD_KEYS,
            (r'saliency_proj1\.(.+)', r'saliency_head.clip.\1'),
            (r'saliency_proj2\.(.+)', r'saliency_head.token.\1'),
        ),
        unused=(r'txt_position_embed\..+', r'contrastive_align_projection_.+'),
        arrays=_arrays,
        losses=_losses,
        data=recorded_arrays,
        cases=lambda folder, config: recorded_cases(folder, {'': {}, '_maskfix': _MASK_FIX}),
        extra=lambda folder, config: family.sine_code(load_arrays(folder / 'outputs.npz')),
    )
)
