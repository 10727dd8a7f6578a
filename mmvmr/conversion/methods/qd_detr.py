"""QD-DETR, https://github.com/wjun0830/QD-DETR."""

from __future__ import annotations

from typing import Any

from mmvmr.conversion import detr_family as family
from mmvmr.conversion.method import OfficialMethod, Options


def _options(args: Options) -> dict[str, Any]:
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


METHOD = OfficialMethod(
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
)
