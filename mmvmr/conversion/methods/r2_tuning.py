"""R2-Tuning, https://github.com/yeliudev/R2-Tuning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mmvmr.conversion import detr_family as family
from mmvmr.conversion.method import OfficialMethod, Options
from mmvmr.conversion.methods.flash_vtg import pyramid_keys
from mmvmr.models.projectors.linear_projector import TEF_DIMS

#: Tokens of a frame (the official table says 50 for ViT-L/14 as well, which has 257).
_FRAME_TOKENS = {'ViT-B/32': 50, 'ViT-B/16': 197, 'ViT-L/14': 257, 'ViT-L/14-336px': 577}
_ORDER = ['cross_att', 'self_att', 'ffn']

#: ``configs/_base_/models/model.py``, which all published checkpoints share; they hold no options themselves.
_DEFAULTS: dict[str, Any] = {
    'arch': 'ViT-B/32',
    'dims': 256,
    'strides': [1, 2, 4, 8],
    'max_num_moment': 50,
    'adapter_cfg': {
        'k': 4,
        'dropout': 0.5,
        'use_tef': True,
        'tem_cfg': {
            'heads': 8,
            'ratio': 4,
            'droppath': 0.1,
            'pre_norm': False,
            'order': _ORDER,
        },
    },
    'loss_cfg': {
        'sample_radius': 1.5,
        'loss_cls': {'loss_weight': 1.0},
        'loss_reg': {'loss_weight': 0.2},
        'loss_sal': {'loss_weight': 0.1},
        'loss_video_cal': {'loss_weight': 0.1},
        'loss_layer_cal': {'loss_weight': 0.1},
    },
    'nms_cfg': {'type': 'normal', 'thres': 0.7},
    'unit': None,
}
_NAMES = {
    'foreground': 'loss_cls',
    'offset': 'loss_reg',
    'contrast': 'loss_sal',
    'video_calibration': 'loss_video_cal',
    'layer_calibration': 'loss_layer_cal',
}


def _options(args: Options) -> dict[str, Any]:
    adapter, losses = args['adapter_cfg'], args['loss_cfg']
    layer = adapter['tem_cfg']
    layers, tokens = adapter['k'], args.get('frame_tokens') or _FRAME_TOKENS[args['arch']]
    order, strides = list(layer['order']), list(args['strides'])
    family.refuse({**adapter, **layer, 'order': order}, use_tef=True, pre_norm=False, order=_ORDER)
    family.refuse({'strides': strides}, strides=[2**level for level in range(len(strides))])
    fusion = {'padding': 'include', 'layer': {'path_dropout': layer['droppath']}}
    return {
        'shared': {
            'embed_dims': args['dims'],
            'num_heads': layer['heads'],
            'ffn_dims': args['dims'] * layer['ratio'],
            'feature_layers': layers,
            'frame_tokens': tokens,
            'num_levels': len(strides),
        },
        'projector': {
            'video_dims': layers * tokens * args['video_channels'] + TEF_DIMS,
            'text_dims': layers * args['text_channels'],
            'input_dropout': adapter['dropout'],
        },
        'encoder': {'encoder': {'encoder': {'fusion': fusion}}},
        'criterion': {
            'assigner': {'center_radius': losses['sample_radius']},
            'losses': {ours: {'weight': losses[official]['loss_weight']} for ours, official in _NAMES.items()},
        },
        'postprocessor': {
            'max_predictions': args['max_num_moment'],
            'nms': _suppression(args.get('nms_cfg', _DEFAULTS['nms_cfg'])),
            'round_to': None if args.get('unit') is None else float(args['unit']),
        },
    }


def _suppression(nms: Mapping[str, Any]) -> dict[str, Any]:
    if nms['type'] == 'normal':
        return {'_delete_': True, 'type': 'HardNMS', 'threshold': nms['thres']}
    decay = {'decay': 'linear'} if nms['type'] == 'linear' else {'decay': 'gaussian', 'sigma': nms['sigma']}
    return {'_delete_': True, 'type': 'SoftNMS', 'threshold': 0.0, **decay}


def _sizes(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Channels of a frame token and of a text token, which no option names."""
    video, text = (state.get(f'adapter.{name}_map.0.weight') for name in ('video', 'query'))
    if video is None or text is None:
        return {}
    return {'video_channels': len(video) - TEF_DIMS, 'text_channels': len(text)}


def map_keys(official: str, ours: str) -> tuple[tuple[str, str], ...]:
    """Rules for the two blocks of a projection: LayerNorm, dropout, linear layer, ReLU, and the same again."""
    places = ((0, '0.norm'), (2, '0.linear'), (4, '1.norm'), (6, '1.linear'))
    return tuple((rf'adapter\.{official}\.{place}\.(.+)', rf'{ours}.{name}.\1') for place, name in places)


def layer_keys(ours: str) -> tuple[tuple[str, str], ...]:
    """Rules for the layer in which clips attend to text tokens and to each other, a :class:`RefinementLayer`."""
    names = (('q', 'query'), ('k', 'key'), ('v', 'value'), ('m', 'out_proj'))
    norms = (('cross_att', 'norm1'), ('self_att', 'norm2'), ('ffn', 'norm3'))
    return (
        *(
            (rf'adapter\.tem\.{part}\.{old}\.(.+)', rf'{ours}.{part}n.{new}.\1')
            for part in ('cross_att', 'self_att')
            for old, new in names
        ),
        *((rf'adapter\.tem\.{part}_norm\.(.+)', rf'{ours}.{norm}.\1') for part, norm in norms),
        (r'adapter\.tem\.ffn\.mapping\.0\.(.+)', rf'{ours}.ffn.linear1.\1'),
        (r'adapter\.tem\.ffn\.mapping\.[23]\.(.+)', rf'{ours}.ffn.linear2.\1'),
    )


def _head_keys(official: str, ours: str) -> tuple[tuple[str, str], ...]:
    return (
        (rf'{official}\.module\.1\.(.+)', rf'point_head.{ours}.convs.0.conv.\1'),
        (rf'{official}\.module\.3\.(.+)', rf'point_head.{ours}.out.conv.\1'),
    )


#: What follows the adapter: pyramid, pooled sentence, heads and the factors of distances.
AFTER_ADAPTER = (
    *pyramid_keys(),
    (r'pooling\.att\.weight', r'encoder.encoder.pool.score.weight'),
    *_head_keys('class_head', 'score'),
    *_head_keys('coord_head', 'offset'),
    (r'coef', r'point_head.factors'),
)
_FUSION = 'encoder.encoder.encoder.fusion'


METHOD = OfficialMethod(
    name='r2_tuning',
    repository='yeliudev/R2-Tuning',
    base='r2_tuning.py',
    options=_options,
    keys=(
        *map_keys('video_map', 'projector.video'),
        *map_keys('query_map', 'projector.text'),
        (r'adapter\.(gate|scale)', rf'{_FUSION}.\1'),
        (r'adapter\.v_map\.(.+)', rf'{_FUSION}.frame.\1'),
        (r'adapter\.q_map\.(.+)', rf'{_FUSION}.word.\1'),
        *layer_keys(f'{_FUSION}.layer'),
        *AFTER_ADAPTER,
    ),
    # A constant, and CLIP itself where the official run computes its features on the way.
    unused=(r'loss\._loss_sal\.scale', r'clip\..+'),
    hints=_sizes,
    defaults=_DEFAULTS,
)
