"""FlashVTG, https://github.com/Zhuo-Cao/FlashVTG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mmvmr.conversion import detr_family as family
from mmvmr.conversion.method import OfficialMethod, Options
from mmvmr.conversion.methods.cg_detr import ATTENTION


def _options(args: Options) -> dict[str, Any]:
    family.refuse(args, use_txt_pos=False)
    tower = {
        'kernel_size': args['kernel_size'],
        'num_convs': args['num_conv_layers'],
        'num_layers': args['num_mlp_layers'],
    }
    pair = {
        'rows': 'valid',
        'encoder': {
            'fusion': {'num_layers': args['t2v_layers'], 'mask_layout': 'head_major'},
            'layers': {'num_layers': args['enc_layers']},
        },
    }
    options = family.input_options(args)
    options['shared'].update(num_dummies=args['num_dummies'], num_levels=args.get('num_levels', 4))
    return {
        **options,
        'encoder': {
            'encoder': {'encoder': {'layers': {'num_layers': args['dummy_layers']}, 'encoder': pair}},
        },
        'point_head': {'score_tower': tower, 'refine': {'tower': tower}},
        'criterion': {'losses': _loss_options(args)},
        'postprocessor': {
            'max_predictions': args['max_before_nms'],
            'nms': {'threshold': args['nms_thd'], 'max_predictions': args['max_after_nms']},
            'round_to': float(args['clip_length']),
        },
    }


def _loss_options(args: Options) -> dict[str, Any]:
    saliency = args['lw_saliency']
    losses: dict[str, Any] = {
        'foreground': {'weight': args['lw_cls']},
        'offset': {'weight': args['lw_reg']},
        'contrast': {'weight': args['lw_sal']},
        'clip_score': {'weight': args['label_loss_coef'], 'padding': 'include'},
        **{name: {'weight': saliency} for name in family.SALIENCY},
        **{name: {'weight': saliency * args['lw_wattn']} for name in ATTENTION},
    }
    for name in ('saliency_margin', 'attention_margin'):
        losses[name]['margin'] = args['saliency_margin']
    losses['saliency_rank']['false_negatives'] = 'added'
    losses['attention_rank']['false_negatives'] = 'ignored'
    losses['attention_clip']['padding'] = 'include'
    return losses


def pyramid_keys() -> tuple[tuple[str, str], ...]:
    """Convolution and norm of every step of every level, at 5 i + 1 and 5 i + 3 of a sequence."""
    return tuple(
        (rf'pyramid\.blocks\.{level}\.{5 * step + place}\.(.+)', rf'encoder.pyramid.levels.{level}.{step}.{name}.\1')
        for level in range(1, 8)
        for step in range(level)
        for place, name in ((1, 'conv'), (3, 'norm'))
    )


def _score_keys(official: str, ours: str) -> tuple[tuple[str, str], ...]:
    return (
        (rf'{official}\.convs\.(\d+)\.(.+)', rf'{ours}.convs.\1.conv.\2'),
        (rf'{official}\.fc\.(.+)', rf'{ours}.mlp.\1'),
    )


def _levels(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The number of levels, which stands in another file of the official run."""
    coefficients = state.get('coef')
    return {} if coefficients is None else {'num_levels': len(coefficients)}


_DUMMIES = 'encoder.encoder.encoder'
_FUSED = f'{_DUMMIES}.encoder.encoder'


METHOD = OfficialMethod(
    name='flash_vtg',
    repository='Zhuo-Cao/FlashVTG',
    base='flash_vtg.py',
    options=_options,
    keys=(
        *family.INPUT_KEYS,
        (r'token_type_embeddings\.weight', r'projector.modality.embedding.weight'),
        (r'dummy_rep_token', f'{_DUMMIES}.feat'),
        (r'dummy_rep_pos', f'{_DUMMIES}.pos'),
        *family.encoder_keys('txtproj_encoder', f'{_DUMMIES}.layers'),
        *family.encoder_keys('transformer.t2v_encoder', f'{_FUSED}.fusion', 'cross_attn'),
        *family.encoder_keys('transformer.encoder', f'{_FUSED}.layers'),
        *pyramid_keys(),
        (r'pooling\.att\.weight', r'encoder.encoder.pool.score.weight'),
        *_score_keys('class_head', 'point_head.score'),
        *_score_keys('conf_head', 'point_head.refine.tower'),
        (r'x', r'point_head.refine.weight'),
        (r'coef', r'point_head.factors'),
        (r'coord_head\.module\.1\.(.+)', r'point_head.offset.convs.0.conv.\1'),
        (r'coord_head\.module\.3\.(.+)', r'point_head.offset.out.conv.\1'),
        *family.TOKEN_SALIENCY_KEYS,
    ),
    unused=(r'txt_position_embed\..+',),
    # Two-dimensional convolutions over a height of 1.
    layouts=((r'(class|conf)_head\.convs\.\d+\.weight', lambda weight: weight.squeeze(2)),),
    hints=_levels,
)
