"""TD-DETR, https://github.com/xyangzhou/TD-DETR."""

from __future__ import annotations

from typing import Any

from mmvmr.conversion import detr_family as family
from mmvmr.conversion.method import OfficialMethod, Options

_LAYER = r'transformer\.t2v_encoder\.layers\.(\d+)\.'
_OURS = r'encoder.encoder.fusion.layers.\1.'


def _options(args: Options) -> dict[str, Any]:
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
    for name in family.SALIENCY[1:]:
        options['criterion']['losses'][name] = {'weight': args['lw_saliency']}
    if args.get('dset_name') == 'tvsum':
        family.without_matching(options['criterion'])
    return options


def _postprocessing(args: Options) -> dict[str, Any]:
    """Windows are cut to the longest video of a set, and rounded to clips."""
    longest, round_to = 150, float(args.get('clip_length', 2))
    if args.get('dset_name') in ('tacos', 'ego4d'):
        longest = 1500
    elif args.get('dset_name', '').startswith('charades') and args['v_feat_dim'] == 4096:  # VGG without endpoints
        longest, round_to = 360, 2.0
    return {'scale': 'duration', 'clamp': (0, longest), 'round_to': round_to, 'half_saliency': True}


METHOD = OfficialMethod(
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
    layouts=((r'video_embed\.weight', lambda value: value[0]),),
)
