"""EaTR, https://github.com/jinhyunj/EaTR."""

from __future__ import annotations

from typing import Any

from mmvmr.conversion import detr_family as family
from mmvmr.conversion.method import OfficialMethod, Options


def _options(args: Options) -> dict[str, Any]:
    family.refuse(args, query_dim=2)
    options = family.common_options(args)
    options['encoder'] = {
        'pool': 'padded',
        'events': {'scope': 'batch'},
        'encoder': {'layers': {'num_layers': args['enc_layers']}},
    }
    options['query_initializer'].update(num_iters=args.get('num_slot_iter', 3), padding='uniform')
    losses = options['criterion']['losses']
    for name in ('span', 'giou'):
        losses[f'event_{name}'] = {'weight': args['event_coef'] * args[f'{name}_loss_coef']}
    return options


_DECODER = r'transformer\.decoder\.'
_SLOTS = _DECODER + r'slot_atten\.'
_LAYER = _DECODER + r'layers\.(\d+)\.'


METHOD = OfficialMethod(
    name='eatr',
    repository='jinhyunj/EaTR',
    base='eatr.py',
    options=_options,
    keys=(
        *family.INPUT_KEYS,
        *family.encoder_keys('transformer.encoder', 'encoder.encoder.layers'),
        (_SLOTS + r'slots', r'query_initializer.slots'),
        (_SLOTS + r'project_q\.(.+)', r'query_initializer.attention.query.\1'),
        (_SLOTS + r'project_k\.(.+)', r'query_initializer.attention.key.\1'),
        (_SLOTS + r'project_v\.(.+)', r'query_initializer.attention.value.\1'),
        (_SLOTS + r'((?:norm_|mlp).+)', r'query_initializer.attention.\1'),
        (_DECODER + r'event_norm\.(.+)', r'query_initializer.norm.\1'),
        *(
            (_LAYER + rf'gate_{part}\.(.+)', rf'decoder.layers.\1.enhance.{part}.\2')
            for part in ('cross_attn', 'self_attn', 'linear', 'norm')
        ),
        *family.CONDITIONAL_DECODER_KEYS,
        (rf'(?:{_DECODER})?event_span_embed\.(.+)', r'query_initializer.mlp.\1'),
        (rf'(?:{_DECODER})?moment_span_embed\.(.+)', r'decoder.refiner.mlp.\1'),
        *family.HEAD_KEYS,
        (r'saliency_proj\.(.+)', r'saliency_head.linear.\1'),
    ),
    unused=family.UNUSED,
)
