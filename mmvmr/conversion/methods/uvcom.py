"""UVCOM, https://github.com/EasonXiao-888/UVCOM."""

from __future__ import annotations

from typing import Any

from mmvmr.conversion import detr_family as family
from mmvmr.conversion.method import OfficialMethod, Options
from mmvmr.models.projectors.linear_projector import TEF_DIMS

_INCLUDE = {'padding': 'include'}


def _options(args: Options) -> dict[str, Any]:
    family.refuse(args, n_input_proj=2)
    options = family.common_options(args)
    if (
        args.get('a_feat_dir') is not None
    ):  # both dimensions count the two temporal endpoint features, which we have once
        audio = args['a_feat_dim'] - TEF_DIMS
        options['projector'].update(video_dims=args['v_feat_dim'] + audio, audio_dims=audio)
    depth = {'num_layers': args['enc_layers']}
    fusion = {**depth, 'mask_layout': 'head_major'}
    iterations = {'num_iters': args.get('em_iter', 5), **_INCLUDE}
    relation = {'_delete_': True, 'type': 'MeanGate'} if args.get('cross_fusion') else dict(_INCLUDE)
    options['encoder'] = {
        'sampler': {'start_epoch': args['neg_choose_epoch'], 'exclude_same_video': False, **_INCLUDE},
        'word_positions': 'kept',
        'encoder': {
            'fusion': {'to_video': dict(fusion), 'to_text': dict(fusion)},
            'sentence': dict(_INCLUDE),
            'text_clusters': {'num_clusters': args['n_txt_mu'], **iterations},
            'video_clusters': {'num_clusters': args['n_visual_mu'], **iterations},
            'local': {'padding': 'input'},
            'relation': relation,
            'layers': dict(depth),
        },
    }
    options['query_initializer'].update(start='equal', slots={'padding': 'uniform'})
    _losses_options(args, options['criterion'])
    return options


def _losses_options(args: Options, criterion: dict[str, Any]) -> None:
    losses = criterion['losses']
    for name in family.SALIENCY:
        losses.setdefault(name, {})['weight'] = args['lw_saliency']
    losses['saliency_margin']['missing_low'] = 'zero'
    half = args['sim_loss_coef'] / 2
    highlights = args.get('dset_name') == 'tvsum'
    has_term = half or highlights  # whose criterion computes it at any weight
    losses['video_sentence'] = {'weight': half} if has_term else None
    losses['clip_sentence'] = {'weight': half, 'windows': 'first', **_INCLUDE} if has_term else None
    if highlights:
        family.without_matching(criterion)


_ENCODER = 'encoder.encoder.'
_SLOTS = (('project_q', 'query'), ('project_k', 'key'), ('project_v', 'value'))


METHOD = OfficialMethod(
    name='uvcom',
    repository='EasonXiao-888/UVCOM',
    base='uvcom.py',
    options=_options,
    keys=(
        *family.INPUT_KEYS,
        (r'global_rep_pos', _ENCODER + 'token_pos'),
        (r'CIM\.txt_mu', _ENCODER + 'text_clusters.means'),
        (r'CIM\.vid_mu', _ENCODER + 'video_clusters.means'),
        *family.encoder_keys('CIM.t2v_encoder', _ENCODER + 'fusion.to_video', 'cross_attn'),
        *family.encoder_keys('CIM.v2t_encoder', _ENCODER + 'fusion.to_text', 'cross_attn'),
        *family.encoder_keys('CIM.GKA_Module', _ENCODER + 'layers'),
        (r'CIM\.feature_proj\.0\.(.+)', _ENCODER + r'sentence.linear.\1'),
        (r'CIM\.feature_proj\.1\.(.+)', _ENCODER + r'sentence.norm.\1'),
        (r'CIM\.conv_local\.(.+)', _ENCODER + r'local.convs.\1'),
        (r'CIM\.moment_fusion\.multihead_attn\.(.+)', _ENCODER + r'relation.attn.\1'),
        (r'CIM\.sim_vid\.(.+)', r'encoder.similarity.video.\1'),
        (r'CIM\.sim_txt\.(.+)', r'encoder.similarity.text.\1'),
        *((rf'CIM\.processer_for_tgt\.{old}\.(.+)', rf'query_initializer.slots.{new}.\1') for old, new in _SLOTS),
        (r'CIM\.processer_for_tgt\.(.+)', r'query_initializer.slots.\1'),
        (r'CIM\.decoder\.span_embed\.weight', r'query_initializer.embedding'),
        *((old.replace('transformer', 'CIM', 1), new) for old, new in family.CONDITIONAL_DECODER_KEYS),
        *family.HEAD_KEYS,
        *family.TOKEN_SALIENCY_KEYS,
    ),
    # The token is overwritten before anything reads it: its gradient is exactly zero.
    unused=(r'txt_position_embed\..+', r'global_rep_token'),
)
