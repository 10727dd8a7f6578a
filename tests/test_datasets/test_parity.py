"""The data pipeline equals the published one, number by number."""

import json

import numpy as np
import pytest
import torch

from mmvmr.datasets import ArrayStore, BaseMomentDataset, moment_collate
from mmvmr.structures import FeatureSpec
from mmvmr.testing import ReplayDraws


@pytest.fixture(params=['moment_detr', 'qd_detr'])
def folder(request, shared_dir):
    path = shared_dir / 'parity' / request.param
    if not (path / 'draws.json').is_file():
        pytest.skip(f'{path} absent')
    return path


def _batch(folder):
    args = json.loads((folder / 'config.json').read_text())['args']
    raw = dict(np.load(folder / 'data.npz', allow_pickle=False))
    spec = FeatureSpec.from_dict(
        dict(
            streams=dict(raw_v0=dict(dim=raw['raw_v0/v0'].shape[1]), raw_v1=dict(dim=raw['raw_v1/v0'].shape[1])),
            text=dict(dim=args['t_feat_dim'], max_length=args['max_q_l']),
            clip_len=args['clip_length'],
            max_clips=args['max_v_l'],
        )
    )
    stores = {name: ArrayStore(raw, f'{name}/{{vid}}') for name in ('raw_v0', 'raw_v1')}
    stores['text'] = ArrayStore(raw, 'raw_t/{qid}')
    targets = dict(type='BuildMomentTargets', labels=dict(type='HighlightLabels'), max_windows=args['max_windows'])
    pipeline = dict(
        load=dict(type='LoadMomentFeatures'),
        tef=dict(type='AppendTEF'),
        targets=targets,
        pack=dict(type='PackMomentInputs'),
    )
    dataset = BaseMomentDataset(json.loads((folder / 'annotations.json').read_text()), stores, spec, pipeline)
    draws = [ReplayDraws(d) for d in json.loads((folder / 'draws.json').read_text())]
    assert spec.video_dim == args['v_feat_dim']
    batch = moment_collate([dataset.prepare(i, draw) for i, draw in enumerate(draws)])
    assert all(draw.finished for draw in draws)
    return batch


def _padded(tensors):
    length = max(map(len, tensors))
    return torch.stack([torch.cat((t, t.new_zeros(length - len(t), *t.shape[1:]))) for t in tensors])


def test_inputs_are_equal(folder):
    batch, expected = _batch(folder), np.load(folder / 'inputs.npz', allow_pickle=False)
    for name, key in (('video', 'src_vid'), ('text', 'src_txt')):
        tensors = batch['inputs'][name]
        np.testing.assert_array_equal(_padded(tensors).numpy(), expected[key])
        np.testing.assert_array_equal([len(t) for t in tensors], expected[f'{key}_mask'].sum(1))


def test_targets_are_equal(folder):
    samples, expected = _batch(folder)['data_samples'], np.load(folder / 'targets.npz', allow_pickle=False)
    spans = [s.gt_instances.spans for s in samples]
    np.testing.assert_array_equal([len(s) for s in spans], expected['spans_count'])
    np.testing.assert_array_equal(torch.cat(spans).numpy(), expected['spans_cat'])
    for row, key in enumerate(('saliency_pos_labels', 'saliency_neg_labels')):
        np.testing.assert_array_equal(torch.stack([s.gt_pairs[row] for s in samples]).numpy(), expected[key])
    if 'saliency_all_labels' in expected:
        found = _padded([s.gt_saliency for s in samples]).numpy()
        np.testing.assert_array_equal(found, expected['saliency_all_labels'])
