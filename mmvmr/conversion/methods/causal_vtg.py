"""CausalVTG, https://github.com/MxLearner/CausalVTG-Towards-Robust-Video-Temporal-Grounding-via-Causal-Inference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mmvmr.conversion import detr_family as family
from mmvmr.conversion.method import OfficialMethod, Options
from mmvmr.conversion.methods.r2_tuning import AFTER_ADAPTER, layer_keys, map_keys
from mmvmr.models.projectors.linear_projector import TEF_DIMS

#: Loss of the official config to ours.
LOSSES = {'loss_cls': 'foreground', 'loss_reg': 'offset', 'loss_sal': 'contrast', 'loss_neg': 'existence'}
#: Hard-coded in the official code.
_FRONT_DOOR_HEADS = 8


def _options(args: Options) -> dict[str, Any]:
    adapter, losses = args['adapter_cfg'], args['loss_cfg']
    layer = adapter['tem_cfg']
    family.refuse(adapter, use_tef=True)
    off = dict.fromkeys(('att_dropout', 'ffn_dropout', 'att_out_dropout', 'ffn_out_dropout'), 0.0)
    family.refuse(
        {**layer, 'order': tuple(layer['order'])}, pre_norm=False, order=('cross_att', 'self_att', 'ffn'), **off
    )
    family.refuse(losses['loss_reg'], type='L1Loss')
    stages = {
        'context_query': {'dropout': adapter['dropout']},
        'refinement': {'layer': {'path_dropout': layer['droppath']}},
    }
    weights = {ours: losses.get(name) for name, ours in LOSSES.items()}
    return {
        'shared': {
            'embed_dims': args['hidden_dims'],
            'num_heads': layer['heads'],
            'ffn_dims': int(layer['ratio'] * args['hidden_dims']),
            'num_levels': len(args['strides']),
        },
        'projector': {
            'video_dims': args['dim_v'] + TEF_DIMS,
            'text_dims': args['dim_q'],
            'num_heads': _FRONT_DOOR_HEADS,
            'num_prototypes': args.get('num_prototypes', adapter['num_clusters']),
            'input_dropout': adapter['dropout'],
            'projector': {'input_dropout': adapter['dropout']},
        },
        'encoder': {'encoder': {'encoder': {'encoder': {'fusion': {'stages': stages}}}}},
        'criterion': {
            'assigner': {'center_radius': losses['sample_radius']},
            'losses': {name: loss and {'weight': loss['loss_weight']} for name, loss in weights.items()},
        },
        'postprocessor': {'max_predictions': args['max_num_moment']},
    }


def _prototypes(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The number of prototypes, which files of clusters decide in the official code."""
    memory = state.get('adapter.video_memory')
    return {} if memory is None else {'num_prototypes': memory.shape[1]}


def _side_keys(official: str, ours: str) -> tuple[tuple[str, str], ...]:
    """Rules for what clips and text tokens have each: projection, map of means, prototypes, front door."""
    door = f'projector.doors.{ours}'
    return (
        *map_keys(f'{official}_map', f'projector.projector.{ours}'),
        *map_keys(f'{official}_map_cluster_mean', f'projector.memories.{ours}.map'),
        (rf'adapter\.{official}_memory', f'projector.memories.{ours}.prototypes'),
        (rf'adapter\.{official}_front_door_encoder\.cross_attn2\.(.+)', rf'{door}.\1'),
        (rf'adapter\.{official}_front_door_encoder\.fusion\.aug_linear\.(.+)', rf'{door}.attended_gate.\1'),
        (rf'adapter\.{official}_front_door_encoder\.fusion\.ori_linear\.(.+)', rf'{door}.own_gate.\1'),
        (rf'adapter\.{official}_front_door_encoder\.ln\.(.+)', rf'{door}.norm.\1'),
    )


_STAGES = 'encoder.encoder.encoder.encoder.fusion.stages'
_QUERIES = f'{_STAGES}.context_query'

METHOD = OfficialMethod(
    name='causal_vtg',
    repository='MxLearner/CausalVTG-Towards-Robust-Video-Temporal-Grounding-via-Causal-Inference',
    base='causal_vtg.py',
    options=_options,
    keys=(
        *_side_keys('video', 'video'),
        *_side_keys('query', 'text'),
        (r'adapter\.cq_attention\.w4C', f'{_QUERIES}.clip.weight'),
        (r'adapter\.cq_attention\.w4Q', f'{_QUERIES}.word.weight'),
        (r'adapter\.cq_attention\.w4mlu', f'{_QUERIES}.product'),
        (r'adapter\.cq_attention\.cqa_linear\.conv1d\.(.+)', rf'{_QUERIES}.gather.\1'),
        *layer_keys(f'{_STAGES}.refinement.layer'),
        *AFTER_ADAPTER,
        (r'contrastive_head\.0\.(.+)', r'existence_head.norm.\1'),
        (r'contrastive_head\.1\.(.+)', r'existence_head.linear.\1'),
    ),
    # Attention whose result the official code does not use, and the temperature of a loss.
    unused=(r'adapter\.(video|query)_front_door_encoder\.self_attn1\..+', r'loss\._loss_sal\.scale'),
    layouts=(
        (r'adapter\.(video|query)_memory', lambda memory: memory.squeeze(0)),
        (r'adapter\.cq_attention\.w4[CQ]', lambda weight: weight.t()),
        (r'adapter\.cq_attention\.cqa_linear\.conv1d\.weight', lambda weight: weight.squeeze(2)),
    ),
    hints=_prototypes,
    added={'projector.fitted': True, 'existence_head.temperature': 1.0, 'existence_head.threshold': 0.5},
)
