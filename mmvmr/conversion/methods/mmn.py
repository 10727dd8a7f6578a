"""MMN, https://github.com/MCG-NJU/MMN."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mmvmr.conversion.detr_family import refuse
from mmvmr.conversion.method import OfficialMethod, Options
from mmvmr.utils import check_choice

_MAPS = {'pool': 'SparseMaxMap', 'conv': 'SparseConvMap'}
_BERT = r'text_encoder\.bert\.'
_WORD_DIMS = 768  # hard-coded in the official code


def _options(args: Options) -> dict[str, Any]:
    sizes, test = args['MODEL']['MMN'], args['TEST']
    refuse(sizes['TEXT_ENCODER'], NAME='BERT')
    loss, clips = sizes['LOSS'], sizes['NUM_CLIPS']
    check_choice('official option', 'FEAT2D.NAME', sizes['FEAT2D']['NAME'], _MAPS)
    contrastive = {
        'weight': loss['CONTRASTIVE_WEIGHT'],
        'margin': loss['MARGIN'],
        'top_k': loss['NUM_POSTIVE_VIDEO_PROPOSAL'],
        'late_epoch': args['SOLVER']['ONLY_IOU'],
    }
    return {
        'shared': {
            'embed_dims': sizes['FEATPOOL']['HIDDEN_SIZE'],
            'joint_dims': sizes['JOINT_SPACE_SIZE'],
            'word_dims': _WORD_DIMS,
            'num_clips': clips,
        },
        'projector': {
            'video_dims': sizes['FEATPOOL']['INPUT_SIZE'],
            'text_dims': 1 if args.get('trained_bert') else _WORD_DIMS,
            'num_parts': args['INPUT']['NUM_PRE_CLIPS'],
            'kernel_size': sizes['FEATPOOL']['KERNEL_SIZE'],
            'last': 'excluded',
            'text_encoder': _bert() if args.get('trained_bert') else None,
        },
        'encoder': {
            'map': {'type': _MAPS[sizes['FEAT2D']['NAME']], 'counts': tuple(sizes['FEAT2D']['POOLING_COUNTS'])},
            'hidden_dims': sizes['PREDICTOR']['HIDDEN_SIZE'],
            'num_layers': sizes['PREDICTOR']['NUM_STACK_LAYERS'],
            'kernel_size': sizes['PREDICTOR']['KERNEL_SIZE'],
        },
        'moment_head': {'power': test['CONTRASTIVE_SCORE_POW']},
        'criterion': {
            'losses': {
                'iou': {'min_iou': loss['MIN_IOU'], 'max_iou': loss['MAX_IOU']},
                'vid': {**contrastive, 'temperature': loss['TAU_VIDEO'], 'removal_iou': loss['SENT_REMOVAL_IOU']},
                'sent': {
                    **contrastive,
                    'temperature': loss['TAU_SENT'],
                    'negative_iou': loss['NEGATIVE_VIDEO_IOU'],
                    'removed': 'zero',
                },
            }
        },
        'postprocessor': {'nms': {'threshold': test['NMS_THRESH']}},
    }


def _bert() -> dict[str, Any]:
    return {'type': 'TransformersTextEncoder', 'architecture': {'model_type': 'distilbert'}}


def _hints(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Hints from the weights: whether DistilBERT is part of them (recordings have its output as input)."""
    return {'trained_bert': any(re.match(_BERT, key) for key in state)}


METHOD = OfficialMethod(
    name='mmn',
    repository='MCG-NJU/MMN',
    base='mmn.py',
    options=_options,
    keys=(
        (r'featpool\.conv\.(.+)', r'projector.conv.\1'),
        (r'feat2d\.convs\.(.+)', r'encoder.map.convs.\1'),
        (r'proposal_conv\.convs\.(.+)', r'encoder.convs.convs.\1'),
        (r'proposal_conv\.bn\.(.+)', r'encoder.convs.norms.\1'),
        (r'proposal_conv\.conv1x1_(iou|contrastive)\.(.+)', r'encoder.\1.\2'),
        (r'text_encoder\.fc_out1\.(.+)', r'encoder.sentence.iou.\1'),
        (r'text_encoder\.fc_out2\.(.+)', r'encoder.sentence.contrastive.\1'),
        (r'text_encoder\.layernorm\.(.+)', r'encoder.sentence.norm.\1'),
        (_BERT + r'(?!embeddings\.position_ids)(.+)', r'projector.text_encoder.model.\1'),
    ),
    unused=(_BERT + r'embeddings\.position_ids',),  # a constant,  # a constant
    layouts=((r'proposal_conv\.conv1x1_.+\.weight', lambda weight: weight.flatten(1)),),
    hints=_hints,
)
