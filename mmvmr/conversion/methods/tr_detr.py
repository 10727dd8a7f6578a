"""TR-DETR, https://github.com/mingyao1120/TR-DETR."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mmvmr.conversion import detr_family as family
from mmvmr.conversion.method import OfficialMethod, Options


def _options(args: Options) -> dict[str, Any]:
    options = family.common_options(args)
    depth = {'num_layers': args['enc_layers']}
    options['encoder'] = {
        'padding': 'include',
        'fusion': {'stages': {'text': {**depth, 'mask_layout': 'head_major'}}},
        'layers': dict(depth),
    }
    options['saliency_head'] = {'padding': 'include', 'start': 'wrap'}
    losses = options['criterion']['losses']
    del losses['label']['background_weight']  # eos_coef is not used
    losses['saliency_rank'] = {'weight': args['lw_saliency']}
    losses['video_text'] = {'weight': args['VTC_loss_coef'], 'padding': 'include'}
    losses['clip_local'] = {'weight': args['CTC_loss_coef'], 'padding': 'include'}
    if args.get('dset_name') == 'tvsum':
        family.without_matching(options['criterion'])
    return options


def _row(weight: Tensor) -> Tensor:
    return weight.reshape(1, -1)


def _matrix(weight: Tensor) -> Tensor:
    return weight.squeeze(-1)


METHOD = OfficialMethod(
    name='tr_detr',
    repository='mingyao1120/TR-DETR',
    base='tr_detr.py',
    options=_options,
    keys=(
        *family.INPUT_KEYS,
        (r'fuser\.cq_attention\.w4C', r'encoder.fusion.stages.context.clip.weight'),
        (r'fuser\.cq_attention\.w4Q', r'encoder.fusion.stages.context.word.weight'),
        (r'fuser\.cq_attention\.w4mlu', r'encoder.fusion.stages.context.product'),
        (r'fuser\.cq_attention\.cqa_linear\.conv1d\.(.+)', r'encoder.fusion.stages.context.gather.\1'),
        (r'fuser\.cq_concat\.weighted_pool\.weight', r'encoder.fusion.stages.context.pool.score.weight'),
        (r'fuser\.cq_concat\.conv1d\.conv1d\.(.+)', r'encoder.fusion.stages.context.join.\1'),
        *family.encoder_keys('transformer.t2v_encoder', 'encoder.fusion.stages.text', 'cross_attn'),
        *family.encoder_keys('transformer.encoder', 'encoder.layers'),
        *family.CONDITIONAL_DECODER_KEYS,
        *family.HEAD_KEYS,
        (r'saliency_proj1\.(.+)', r'encoder.score.\1'),
        (r'gru_extractor\.gru\.(.+)', r'saliency_head.gru.\1'),
    ),
    unused=family.UNUSED,
    layouts=(
        (r'fuser\.cq_attention\.w4[CQ]|fuser\.cq_concat\.weighted_pool\.weight', _row),
        (r'fuser\..+\.conv1d\.weight', _matrix),
    ),
)
