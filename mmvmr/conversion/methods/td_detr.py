"""TD-DETR, https://github.com/xyangzhou/TD-DETR."""

from __future__ import annotations

from typing import Any

from mmvmr.conversion import detr_family as family
from mmvmr.conversion.method import OfficialMethod, Options
from mmvmr.conversion.methods import qd_detr

_LAYER = r'transformer\.t2v_encoder\.layers\.(\d+)\.'
_OURS = r'encoder.encoder.fusion.layers.\1.'


def _options(args: Options) -> dict[str, Any]:
    options = qd_detr.METHOD.options(args)
    options['postprocessor'] = _postprocessing(args)
    layer = {'type': 'DynamicsCrossLayer', 'beta': args.get('beta', 0.7)}
    options['encoder']['encoder']['fusion'].update(type='DynamicsCrossFusion', layer=layer)
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
        (r'video_embed\.weight', r'encoder.encoder.fusion.start'),
        (_LAYER + r'self_attn_flow\.(.+)', _OURS + r'dynamics_attn.\2'),
        (_LAYER + r'flow_proj\.(\d+)\.LayerNorm\.(.+)', _OURS + r'projection.blocks.\2.norm.\3'),
        (_LAYER + r'flow_proj\.(\d+)\.net\.1\.(.+)', _OURS + r'projection.blocks.\2.linear.\3'),
        *qd_detr.METHOD.keys,
    ),
    # The buffer of the criterion is a constant of its options.
    unused=(*family.UNUSED, r'criterion\..+'),
    layouts=((r'video_embed\.weight', lambda value: value[0]),),
)
