"""The `model` of CausalVTG's configs as ours, and what its checkpoints do not say."""

import copy
import random

import numpy as np
import pytest
import torch

from mmvmr.conversion.methods.causal_vtg import METHOD
from mmvmr.registry import TRANSFORMS
from mmvmr.utils.config import read_config

ARGS = {
    'dim_q': 7,
    'dim_v': 8,
    'hidden_dims': 16,
    'strides': [1, 2, 4],
    'max_num_moment': 20,
    'adapter_cfg': {
        'dropout': 0.25,
        'use_tef': True,
        'num_clusters': 256,
        'tem_cfg': {
            'heads': 4,
            'ratio': 2,
            'droppath': 0.2,
            'pre_norm': False,
            'order': ['cross_att', 'self_att', 'ffn'],
        },
    },
    'loss_cfg': {
        'sample_radius': 2.5,
        'loss_cls': {'loss_weight': 3.0},
        'loss_reg': {'type': 'L1Loss', 'loss_weight': 0.4},
        'loss_sal': {'loss_weight': 0.02},
        'loss_neg': {'loss_weight': 0.5},
    },
}


def test_sizes_and_weights_of_a_config():
    model = METHOD.model_config(ARGS)
    assert (model.shared.embed_dims, model.shared.num_heads, model.shared.ffn_dims, model.shared.num_levels) == (
        16,
        4,
        32,
        3,
    )
    projector = model.projector
    assert (projector.video_dims, projector.text_dims, projector.num_heads, projector.num_prototypes) == (10, 7, 8, 256)
    assert projector.input_dropout == projector.projector.input_dropout == 0.25
    stages = model.encoder.encoder.encoder.encoder.fusion.stages
    assert (stages.context_query.dropout, stages.refinement.layer.path_dropout) == (0.25, 0.2)
    weights = {name: loss.weight for name, loss in model.criterion.losses.items()}
    assert weights == {'foreground': 3.0, 'offset': 0.4, 'contrast': 0.02, 'existence': 0.5}
    assert (model.criterion.assigner.center_radius, model.postprocessor.max_predictions) == (2.5, 20)


def test_a_loss_that_is_switched_off():
    args = copy.deepcopy(ARGS)
    del args['loss_cfg']['loss_neg']
    assert METHOD.model_config(args).criterion.losses.existence is None


@pytest.mark.parametrize(
    ('path', 'value', 'message'),
    [
        (('adapter_cfg', 'use_tef'), False, 'use_tef=False is not implemented'),
        (('adapter_cfg', 'tem_cfg', 'pre_norm'), True, 'pre_norm=True is not implemented'),
        (('adapter_cfg', 'tem_cfg', 'ffn_dropout'), 0.1, r'ffn_dropout=0\.1 is not implemented'),
        (('adapter_cfg', 'tem_cfg', 'order'), ['self_att', 'cross_att', 'ffn'], 'order=.* is not implemented'),
        (('loss_cfg', 'loss_reg', 'type'), 'Giou1DLoss', "type='Giou1DLoss' is not implemented"),
    ],
)
def test_options_without_a_counterpart(path, value, message):
    args = copy.deepcopy(ARGS)
    node = args
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    with pytest.raises(ValueError, match=message):
        METHOD.model_config(args)


def test_the_number_of_prototypes_is_that_of_the_weights():
    hints = METHOD.hints({'adapter.video_memory': torch.zeros(1, 12, 16)})
    assert METHOD.model_config({**ARGS, **hints}).projector.num_prototypes == 12
    assert METHOD.hints({}) == {}


def test_converted_prototypes_are_not_fitted_again():
    converted = METHOD.convert({'adapter.query_memory': torch.ones(1, 2, 3), 'loss._loss_sal.scale': torch.ones(1)})
    assert converted.keys() == {'projector.memories.text.prototypes', *METHOD.added}
    assert converted['projector.memories.text.prototypes'].shape == (2, 3)
    assert bool(converted['projector.fitted'])


@pytest.mark.parametrize('name', ['causal_vtg_qvhl', 'causal_vtg_charades'])
def test_clip_comes_before_slowfast_as_in_the_official_configs(name):
    cfg = read_config(name)
    for split in ('train', 'val', 'test'):
        streams = cfg[f'{split}_dataloader'].dataset.feature_spec.streams
        assert [(stream, value.dim) for stream, value in streams.items()] == [('clip', 512), ('slowfast', 2304)]


@pytest.mark.parametrize('features', ['', 'internvideo2_'])
@pytest.mark.parametrize(('data', 'clip_len'), [('qvhl', 2.0), ('charades', 1.0)])
def test_all_windows_are_targets_and_short_ones_as_long_as_a_clip(features, data, clip_len):
    cfg = read_config(f'causal_vtg_{features}{data}')
    starts = np.arange(6) * 3 * clip_len + clip_len
    sample = {
        'qid': 1,
        'relevant_clip_ids': [1],
        'saliency_scores': [[4, 4, 4]],
        'relevant_windows': [[start, start + 0.25 * clip_len] for start in starts],
        'video_feat': np.zeros((20, 4), np.float32),
        'clip_len': cfg.feature_spec.clip_len,
        'duration': 20 * clip_len,
        'rng': random.Random(0),
    }
    found = TRANSFORMS.build(cfg.train_dataloader.dataset.pipeline.targets)(sample)['gt_spans'] * 20 * clip_len
    expected = torch.tensor([[start + 0.125 * clip_len, clip_len] for start in starts], dtype=torch.float32)
    torch.testing.assert_close(found, expected)
