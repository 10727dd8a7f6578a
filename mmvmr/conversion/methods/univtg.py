"""UniVTG, https://github.com/showlab/UniVTG."""

from __future__ import annotations

from typing import Any

from mmvmr.conversion import detr_family as family
from mmvmr.conversion.method import OfficialMethod, Options


def _options(args: Options) -> dict[str, Any]:
    losses: dict[str, Any] = {
        'foreground': {'weight': args['f_loss_coef'], 'background_weight': args['eos_coef']},
        'span': {'weight': args['b_loss_coef']},
        'giou': {'weight': args['g_loss_coef']},
        'clip_intra': {'weight': args['s_loss_intra_coef'], 'directions': ('clips', 'batch')},
        'clip_inter': {'weight': args['s_loss_inter_coef']},
    }
    criterion: dict[str, Any] = {'losses': losses}
    if args.get('dset_type') in ('hl', 'vs'):
        criterion['assigner'] = None
        losses['span'] = losses['giou'] = None
        losses['foreground'] = {'_delete_': True, 'type': 'ClipForegroundLoss', **losses['foreground']}
    if is_class_run(args):
        intra = {'type': 'ClipClassLoss', 'stage': 'before', 'weight': args['s_loss_intra_coef']}
        losses['clip_intra'] = {'_delete_': True, **intra}
    add, path_dropout = args.get('eval_mode') == 'add', args.get('droppath', 0.1)
    return {
        **family.input_options(args),
        'encoder': {'encoder': {'layers': {'num_layers': args['enc_layers'], 'layer': {'path_dropout': path_dropout}}}},
        'point_generator': {'offset': args.get('clip_length', 1.0) / 2},
        'point_head': {'tower': {'padding': 'keep'}},
        'saliency_head': {'score': 'sum' if add else 'cosine', 'half': True},
        'criterion': criterion,
        'postprocessor': {'scale': 'duration', **_suppression(args)},
    }


def is_class_run(args: Options) -> bool:
    """True if an official run pre-trains on action detection, where sentences are names of classes.

    The official test: a path that contains ``tal``, or a list of paths of which one is ``tal``.
    """
    return 'tal' in (args.get('train_path') or ())


def _suppression(args: Options) -> dict[str, Any]:
    threshold = args.get('nms_thd', -1)
    if threshold == -1:
        return {'max_predictions': None, 'nms': None}
    suppression = {'threshold': threshold, 'max_predictions': args.get('max_after_nms', 10)}
    return {'max_predictions': args.get('max_before_nms', 10), 'nms': suppression}


METHOD = OfficialMethod(
    name='univtg',
    repository='showlab/UniVTG',
    base='univtg.py',
    options=_options,
    keys=(
        *family.INPUT_KEYS,
        (r'token_type_embeddings\.weight', r'projector.modality.embedding.weight'),
        *family.encoder_keys('transformer.encoder', 'encoder.encoder.layers'),
        (r'weightedpool\.weight', r'encoder.pool.score.weight'),
        (r'class_embed\.layers\.([01])\.(.+)', r'point_head.score.convs.\1.conv.\2'),
        (r'class_embed\.layers\.2\.(.+)', r'point_head.score.out.conv.\1'),
        (r'span_embed\.layers\.([01])\.(.+)', r'point_head.offset.convs.\1.conv.\2'),
        (r'span_embed\.layers\.2\.(.+)', r'point_head.offset.out.conv.\1'),
    ),
    unused=(r'txt_position_embed\..+',),
    layouts=((r'weightedpool\.weight', lambda weight: weight.reshape(1, -1)),),
)
