"""Moment-DETR, https://github.com/jayleicn/moment_detr."""

from __future__ import annotations

from typing import Any

from mmvmr.conversion import detr_family as family
from mmvmr.conversion.method import OfficialMethod, Options


def _options(args: Options) -> dict[str, Any]:
    options = family.common_options(args)
    options['postprocessor'] = family.postprocessing()
    options['encoder'] = {'layers': {'num_layers': args['enc_layers']}}
    return options


METHOD = OfficialMethod(
    name='moment_detr',
    repository='jayleicn/moment_detr',
    base='moment_detr.py',
    options=_options,
    keys=(
        *family.INPUT_KEYS,
        *family.encoder_keys('transformer.encoder', 'encoder.layers'),
        (r'transformer\.decoder\.layers\.(\d+)\.self_attn\.(.+)', r'decoder.layers.\1.self_attn.attn.\2'),
        (r'transformer\.decoder\.layers\.(\d+)\.multihead_attn\.(.+)', r'decoder.layers.\1.cross_attn.attn.\2'),
        (r'transformer\.decoder\.layers\.(\d+)\.(linear[12])\.(.+)', r'decoder.layers.\1.ffn.\2.\3'),
        (r'transformer\.decoder\.layers\.(\d+)\.(norm[123])\.(.+)', r'decoder.layers.\1.\2.\3'),
        (r'transformer\.decoder\.norm\.(.+)', r'decoder.norm.\1'),
        (r'query_embed\.weight', r'query_initializer.position.weight'),
        *family.HEAD_KEYS,
        (r'saliency_proj\.(.+)', r'saliency_head.linear.\1'),
    ),
    unused=family.UNUSED,
)
