"""BAM-DETR, https://github.com/Pilhyeon/BAM-DETR."""

from __future__ import annotations

from typing import Any

from mmvmr.conversion import detr_family as family
from mmvmr.conversion.method import OfficialMethod, Options

SIDES = ('left', 'right')


def _options(args: Options) -> dict[str, Any]:
    options = family.common_options(args)
    options['encoder'] = family.pair_encoder(args)
    options['query_initializer']['projection'] = 'in_place'
    options['decoder'].update(
        boundary_features={'padding': 'keep'},
        boundary_layer={'attention': {'num_points': 4, 'scale': 'padded', 'zero_init': False}},
    )
    options['moment_head'] = {
        'logits': {'type': 'ForegroundHead', 'num_states': 3, 'num_layers': args['dec_layers']},
        'quality': {'form': 'difference'} if args['quality_loss'] else None,
    }
    options['criterion'] = _criterion(args, options['criterion'])
    options['postprocessor'] = {'score': 'quality' if args['quality_loss'] else 'foreground'}
    return options


def _criterion(args: Options, common: dict[str, Any]) -> dict[str, Any]:
    losses = common['losses']
    # The base config has no such entries.
    common['assigner']['costs']['label'].update(type='ForegroundCost')
    losses['label'].update(type='ForegroundLoss')
    for name in family.SALIENCY:
        losses.setdefault(name, {})['weight'] = args['lw_saliency']
    losses['quality'] = losses['boundary'] = None
    if args['quality_loss']:  # it switches both
        losses['quality'] = {'weight': args['quality_loss_coef'], 'final_only': not args.get('aux_loss', True)}
        losses['boundary'] = {'weight': args['boundary_loss_coef'], 'grid': 'padded'}
    if args.get('dset_name') == 'tvsum':  # highlights only: nothing is matched
        return {
            'assigner': None,
            'losses': {**dict.fromkeys(losses), **{name: losses[name] for name in family.SALIENCY}},
        }
    return common


_DECODER = r'transformer\.decoder\.'
_BOUNDARY_LAYER = _DECODER + r'boundary_layers\.(\d+)\.([01])\.'
_OURS = r'decoder.boundary_layers.\1.\2.'
_SPECIAL = ('query_scale', 'bbox_embed', r'decoder\.norm', 'query_embed')  # rules of the family that do not hold here


METHOD = OfficialMethod(
    name='bam_detr',
    repository='Pilhyeon/BAM-DETR',
    base='bam_detr.py',
    options=_options,
    keys=(
        *family.INPUT_KEYS,
        *family.GLOBAL_TOKEN_KEYS,
        *family.encoder_keys('transformer.t2v_encoder', 'encoder.encoder.fusion', 'cross_attn'),
        *family.encoder_keys('transformer.encoder', 'encoder.encoder.layers'),
        *(rule for rule in family.CONDITIONAL_DECODER_KEYS if not any(name in rule[0] for name in _SPECIAL)),
        (_DECODER + r'query_scale\.0\.(.+)', r'decoder.position.query_scale.\1'),
        *(
            (
                _DECODER + rf'boundary_conv_{side}\.{2 * conv}\.(.+)',
                rf'decoder.boundary_features.{i}.convs.{conv}.\1',
            )
            for i, side in enumerate(SIDES)
            for conv in range(3)
        ),
        *(
            (_BOUNDARY_LAYER + rf'boundary_deformation\.{old}\.(.+)', _OURS + rf'attention.{new}.\3')
            for old, new in (
                ('point_weights', 'weights'),
                ('point_offsets', 'offsets'),
                ('value_proj', 'value'),
                ('output_proj', 'output'),
            )
        ),
        (_BOUNDARY_LAYER + r'(linear[12]|activation)\.(.+)', _OURS + r'ffn.\3.\4'),
        (_BOUNDARY_LAYER + r'norm2\.(.+)', _OURS + r'norm1.\3'),
        (_BOUNDARY_LAYER + r'norm3\.(.+)', _OURS + r'norm2.\3'),
        (r'(?:transformer\.decoder\.bbox|span)_embed\.(\d+)\.([012])\.(.+)', r'decoder.steps.\1.\2.\3'),
        (r'query_embed\.weight', r'query_initializer.moments.weight'),
        (r'transformer\.tgt_embed\.weight', r'query_initializer.states.weight'),
        (r'class_embed\.(\d+)\.(.+)', r'moment_head.logits.linear.\1.\2'),
        (r'quality_pred\.(.+)', r'moment_head.quality.mlp.\1'),
        *family.TOKEN_SALIENCY_KEYS,
    ),
    unused=(
        r'txt_position_embed\..+',
        r'global_rep_(token|pos)_txt',  # read by the text encoder only
        r'transformer\.txt_encoder\..+',  # its output is thrown away
        _DECODER + r'query_scale\.[12]\..+',  # their product is overwritten
        _DECODER + r'ref_point_head_boundary\..+',
        _BOUNDARY_LAYER + r'norm1\..+',
    ),
)
