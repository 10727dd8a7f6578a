"""BM-DETR, https://github.com/minjoong507/BM-DETR."""

from __future__ import annotations

from typing import Any

from mmvmr.conversion import detr_family as family
from mmvmr.conversion.method import OfficialMethod, Options


def _options(args: Options) -> dict[str, Any]:
    options = family.common_options(args)
    options['shared']['activation'] = args.get('transformer_activation', 'prelu')
    options['encoder'] = {
        'padding': 'include',
        'decoder_reads': 'plain',
        'encoder': {'layers': {'num_layers': args['enc_layers']}},
    }
    options['decoder']['position'] = {'width_first': True, 'modulator_dims': 2}
    options['criterion'].update(view_weights={'main': 0.5, 'shift': 0.5} if shifts_videos(args) else {'main': 1.0})
    losses = options['criterion']['losses']
    for name in ('span', 'giou', 'label'):
        losses[name]['final_only'] = True
    losses['error'] = {'type': 'ForegroundErrorLoss', 'weight': args['class_loss_coef'], 'final_only': True}
    losses['frame_guidance'] = {'weight': args['lw_prob_loss_coef'], 'target': args.get('prob_thd', 1.0)}
    losses['alignment'] = {
        'weight': args['lw_contrastive_loss_coef'],
        'pool': {'type': 'TanhAttentionPool'},
        'projection_dims': args['contrastive_hdim'],
        'temperature': args['temperature'],
        'denominator': 'all',
        'same_video': 'include',
    }
    longest = args['max_v_l'] * args['clip_length']
    options['postprocessor'] = {
        'scale': 'duration',
        'longest': longest,
        'clamp': (0, longest),
        'round_to': args['clip_length'],
        'half_saliency': True,
    }
    return options


def shifts_videos(args: Options) -> bool:
    """True if an official run computes losses on shifted videos."""
    return 'shifting' in (args.get('additional_losses') or ())


_POOL = (('feat2att', 'hidden'), ('to_alpha', 'score'), ('fc', 'out'))


METHOD = OfficialMethod(
    name='bm_detr',
    repository='minjoong507/BM-DETR',
    base='bm_detr.py',
    options=_options,
    keys=(
        *family.INPUT_KEYS,
        *family.encoder_keys('transformer.encoder', 'encoder.encoder.layers'),
        (r'transformer\.encoder\.query_scale\.(.+)', r'encoder.encoder.layers.position_scale.mlp.\1'),
        *family.CONDITIONAL_DECODER_KEYS,
        *family.HEAD_KEYS,
        (r'saliency_proj\.(.+)', r'saliency_head.linear.\1'),
        (r'FPM\.0\.(.+)', r'encoder.matcher.hidden.\1'),
        (r'FPM\.2\.(.+)', r'encoder.matcher.out.\1'),
        *(
            (rf'{side}_att_pooling\.{old}\.(.+)', rf'criterion.losses.alignment.{ours}_pool.{new}.\1')
            for side, ours in (('vid', 'video'), ('txt', 'text'))
            for old, new in _POOL
        ),
        (r'contrastive_align_vid_proj\.(.+)', r'criterion.losses.alignment.video_projection.\1'),
        (r'contrastive_align_txt_proj\.(.+)', r'criterion.losses.alignment.text_projection.\1'),
    ),
    unused=(r'txt_position_embed\..+',),
)
