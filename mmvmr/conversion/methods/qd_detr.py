"""QD-DETR, https://github.com/wjun0830/QD-DETR."""

from __future__ import annotations

from typing import Any

from mmvmr.conversion import detr_family as family
from mmvmr.conversion.method import OfficialMethod, Options


def _options(args: Options) -> dict[str, Any]:
    options = family.common_options(args)
    options['postprocessor'] = family.postprocessing()
    options['encoder'] = family.pair_encoder(args)
    for name in family.SALIENCY[1:]:
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
        *family.INPUT_KEYS,
        *family.GLOBAL_TOKEN_KEYS,
        *family.encoder_keys('transformer.t2v_encoder', 'encoder.encoder.fusion', 'cross_attn'),
        *family.encoder_keys('transformer.encoder', 'encoder.encoder.layers'),
        *family.CONDITIONAL_DECODER_KEYS,
        *family.HEAD_KEYS,
        *family.TOKEN_SALIENCY_KEYS,
    ),
    unused=family.UNUSED,
)
