"""SnAG, https://github.com/fmu2/snag_release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mmvmr.conversion import detr_family as family
from mmvmr.conversion.method import OfficialMethod, Options

#: What the official option file leaves to its defaults (``libs/core/opt.py``).
_VIDEO: dict[str, Any] = {
    'n_heads': 4,
    'attn_pdrop': 0.0,
    'proj_pdrop': 0.1,
    'path_pdrop': 0.1,
    'use_abs_pe': True,
    'stride': 1,
}
_VIDEO.update(in_dim=500, embd_dim=128, max_seq_len=256, arch=(2, 0, 7), mha_win_size=5)
_TEXT: dict[str, Any] = {'n_heads': 4, 'attn_pdrop': 0.0, 'proj_pdrop': 0.0, 'path_pdrop': 0.0, 'use_bkgd_token': True}
_TEXT.update(name='transformer', in_dim=300, embd_dim=128, max_seq_len=24)
_FUSION = {'n_layers': 2, 'n_heads': 4, 'attn_pdrop': 0.0, 'proj_pdrop': 0.1, 'path_pdrop': 0.1, 'xattn_mode': 'adaln'}
_TRAIN = {'center_sampling': 'radius', 'center_sampling_radius': 1.5, 'loss_norm': 160, 'loss_norm_momentum': 0.9}
_TRAIN.update(loss_weight=1.0, reg_loss='diou')
_EVAL = {'pre_nms_topk': 2000, 'pre_nms_thresh': 0.001, 'seg_len_thresh': 0.1}
_NMS = {'mode': 'soft_nms', 'iou_thresh': 0.1, 'min_score': 0.001, 'max_num_segs': 5, 'sigma': 0.9}
_NMS.update(voting_thresh=0.95)


def _options(opt: Options) -> dict[str, Any]:
    model, points = opt['model'], opt.get('pt_gen', {})
    video, text = {**_VIDEO, **model.get('vid_net', {})}, {**_TEXT, **model.get('text_net', {})}
    family.refuse(video, name='transformer')
    family.refuse(model.get('fusion', {}), name='xattn')
    scores, offsets = model.get('cls_head', {}), model.get('reg_head', {})
    layers = scores.get('n_layers', 2)
    width = text['embd_dim']
    return {
        'shared': {
            'embed_dims': video['embd_dim'],
            'text_embed_dims': text['in_dim'] if width is None else width,
            'num_heads': video['n_heads'],
            'input_stride': video['stride'],
        },
        'projector': {
            'video_dims': video['in_dim'],
            'text_dims': text['in_dim'],
            **({'text_embed_dims': None} if width is None else {}),
        },
        'encoder': {
            'video': {
                'arch': tuple(video['arch']),
                'window': video['mha_win_size'] or None,
                'max_length': video['max_seq_len'],
                'position': 'padded' if video['use_abs_pe'] else None,
                **_dropouts(video),
            },
            'text': _text_options(text),
            'fusion': _fusion_options({**_FUSION, **model.get('fusion', {})}),
        },
        'point_generator': {
            'offset': point_offset(opt.get('train', {}).get('data', {})),
            'half_step': 'accumulated' if points.get('use_offset') else False,
            'regression_range': points.get('regression_range', 4),
            'sigma': points.get('sigma', 0.5),
            'max_length': video['max_seq_len'],
        },
        'point_head': {
            'tower': {'num_layers': layers},
            'offset_tower': {'num_layers': offsets.get('n_layers', 2)},
            'num_levels': video['arch'][-1],
            'prior': scores.get('prior_prob', 0.0),
        },
        'criterion': _criterion_options({**_TRAIN, **opt.get('train', {})}),
        **inference_options(opt.get('eval', {})),
    }


def _dropouts(options: Mapping[str, Any]) -> dict[str, float]:
    names = {'dropout': 'proj_pdrop', 'path_dropout': 'path_pdrop', 'attn_dropout': 'attn_pdrop'}
    return {ours: options[official] for ours, official in names.items()}


def _text_options(text: Mapping[str, Any]) -> dict[str, Any]:
    common = {'num_heads': text['n_heads'], 'max_length': text['max_seq_len'], 'token': text['use_bkgd_token']}
    if text['name'] == 'identity':
        position = 'own' if text.get('use_abs_pe', False) else None
        return {'_delete_': True, 'type': 'MeanTextToken', 'position': position, **common}
    family.refuse(text, name='transformer')
    position = 'own' if text.get('use_abs_pe', True) else None
    return {'num_layers': text.get('n_layers', 5), 'position': position, **common, **_dropouts(text)}


def _fusion_options(fusion: Mapping[str, Any]) -> dict[str, Any]:
    layers = {'num_layers': fusion['n_layers'], 'num_heads': fusion['n_heads'], 'mode': fusion['xattn_mode']}
    return {**layers, **_dropouts(fusion)}


def point_offset(data: Mapping[str, Any]) -> float:
    """Offset of the point of a vector from its first frame, in distances between vectors."""
    if data.get('to_fixed_len') or 'clip_size' not in data:
        return 0.5
    return 0.5 * data['clip_size'] / (data['clip_stride'] * data.get('downsample_rate', 1))


def _criterion_options(train: Mapping[str, Any]) -> dict[str, Any]:
    normalizer = {'initial': train['loss_norm'], 'momentum': train['loss_norm_momentum']}
    radius = train['center_sampling_radius'] if train['center_sampling'] == 'radius' else None
    distance = 'center' if train['reg_loss'] == 'diou' else 'none'
    return {
        'assigner': {'center_radius': radius},
        'losses': {
            'foreground': {'normalizer': normalizer},
            'span': {'weight': train['loss_weight'], 'distance': distance, 'normalizer': dict(normalizer)},
        },
    }


def inference_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Official evaluation options as changes of the model config.

    Args:
        options: ``eval`` of the option file.

    Returns:
        ``postprocessor`` and ``windows``.
    """
    options_of_test, nms = {**_EVAL, **options}, {**_NMS, **options.get('nms', {})}
    nms_options = {'min_score': nms['min_score'], 'max_predictions': nms['max_num_segs']}
    # The Gaussian form has no threshold.
    soft = {'type': 'SoftNMS', 'threshold': 0.0, 'sigma': nms['sigma'], 'keep_best': True}
    suppression = {'_delete_': True, **soft, **nms_options}
    if nms['mode'] == 'nms':
        suppression = {'_delete_': True, 'type': 'HardNMS', 'threshold': nms['iou_thresh'], **nms_options}
    votes = nms['mode'] is not None and nms['voting_thresh'] > 0
    windows = None
    if options_of_test.get('window_size'):
        windows = {
            'type': 'SlidingWindows',
            'size': options_of_test['window_size'],
            'stride': options_of_test.get('window_stride'),
        }
    return {
        'postprocessor': {
            'min_score': options_of_test['pre_nms_thresh'],
            'pre_topk': options_of_test['pre_nms_topk'],
            'min_width': options_of_test['seg_len_thresh'],
            'max_predictions': nms['max_num_segs'],
            'nms': None if nms['mode'] is None else suppression,
            'vote': {'type': 'SegmentVoting', 'threshold': nms['voting_thresh']} if votes else None,
        },
        'windows': windows,
    }


def _vector(value: Tensor) -> Tensor:
    return value.reshape(-1)


def _matrix(value: Tensor) -> Tensor:
    return value.squeeze(-1)


def _layer_keys(official: str, ours: str) -> tuple[tuple[str, str], ...]:
    old, new = rf'{official}\.(\d+)\.', rf'{ours}.\1.'
    convs = tuple(
        rule
        for i, name in enumerate('qkv')
        for rule in (
            (rf'{old}attn\.{name}_conv\.conv\.(.+)', rf'{new}convs.{i}.conv.\2'),
            (rf'{old}attn\.{name}_norm\.(.+)', rf'{new}conv_norms.{i}.\2'),
        )
    )
    return (
        *convs,
        (rf'{old}attn\.attn\.proj\.(.+)', rf'{new}attn.out_proj.\2'),
        (rf'{old}attn\.attn\.(query|key|value)\.(.+)', rf'{new}attn.\2.\3'),
        (rf'{old}ln_attn\.(.+)', rf'{new}norm.\2'),
        (rf'{old}drop_path_attn\.scale', rf'{new}path.scale'),
        *_ffn_keys(old, new),
    )


def _ffn_keys(old: str, new: str) -> tuple[tuple[str, str], ...]:
    return (
        (rf'{old}ln_ffn\.(.+)', rf'{new}ffn.norm.\2'),
        (rf'{old}ffn\.fc\.(.+)', rf'{new}ffn.ffn.linear1.\2'),
        (rf'{old}ffn\.proj\.(.+)', rf'{new}ffn.ffn.linear2.\2'),
        (rf'{old}drop_path_ffn\.scale', rf'{new}ffn.path.scale'),
    )


def _head_keys(official: str, ours: str) -> tuple[tuple[str, str], ...]:
    return (
        (rf'{official}\.convs\.(\d+)\.conv\.(.+)', rf'point_head.{ours}.convs.\1.conv.\2'),
        (rf'{official}\.norms\.(.+)', rf'point_head.{ours}.norms.\1'),
        (rf'{official}\.{official}\.conv\.(.+)', rf'point_head.{ours}.out.conv.\1'),
    )


_FUSED, _OURS = r'fusion\.layers\.(\d+)\.', r'encoder.fusion.layers.\1.'


METHOD = OfficialMethod(
    name='snag',
    repository='fmu2/snag_release',
    base='snag.py',
    options=_options,
    keys=(
        (r'vid_net\.embd_fc\.conv\.(.+)', r'projector.video.\1'),
        (r'text_net\.embd_fc\.conv\.(.+)', r'projector.text.\1'),
        (r'text_net\.bkgd_token', r'encoder.text.token'),
        *_layer_keys(r'text_net\.transformer', 'encoder.text.layers'),
        (r'text_net\.attn_pool\.attn\.proj\.(.+)', r'encoder.text.attn.out_proj.\1'),
        (r'text_net\.attn_pool\.attn\.(.+)', r'encoder.text.attn.\1'),
        (r'vid_net\.embd_convs\.(.+)', r'encoder.video.convs.\1'),
        (r'vid_net\.embd_norms\.(.+)', r'encoder.video.norms.\1'),
        *_layer_keys(r'vid_net\.stem', 'encoder.video.stem'),
        *_layer_keys(r'vid_net\.branch', 'encoder.video.branch'),
        (_FUSED + r'xattn\.q_conv\.conv\.(.+)', _OURS + r'conv.conv.\2'),
        (_FUSED + r'xattn\.q_norm\.(.+)', _OURS + r'conv_norm.\2'),
        (_FUSED + r'xattn\.xattn\.proj\.(.+)', _OURS + r'attn.out_proj.\2'),
        (_FUSED + r'xattn\.xattn\.(query|key|value)\.(.+)', _OURS + r'attn.\2.\3'),
        (_FUSED + r'ln_xattn_q\.(.+)', _OURS + r'norm.\2'),
        (_FUSED + r'ln_xattn_kv\.(.+)', _OURS + r'text_norm.\2'),
        *_ffn_keys(_FUSED, _OURS),
        (r'fusion\.ln_out\.(.+)', r'encoder.fusion.norm.\1'),
        *_head_keys('cls_head', 'score'),
        *_head_keys('reg_head', 'offset'),
        (r'reg_head\.scales\.(\d+)\.scale', r'point_head.scales.\1'),
    ),
    unused=(),
    layouts=(
        (r'.*(norm|norms\.\d+|ln_\w+)\.(weight|bias)|.*(bkgd_token|drop_path_\w+\.scale)', _vector),
        (r'.*(embd_fc\.conv|query|key|value|proj|fc)\.weight', _matrix),
    ),
)
