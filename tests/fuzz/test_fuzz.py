"""Damaged files of every kind: a correct result or a message that names the file, whatever the damage is."""

import json
import math
import random
import warnings

import h5py
import numpy as np
import pytest
import torch
from test_datasets.pack_data import SPEC, STORES, open_data, write_data, write_pack

from mmvmr.datasets import AnnotationReader
from mmvmr.evaluation.functional import evaluate_predictions
from mmvmr.utils.checkpoint import load_checkpoint_safe
from mmvmr.utils.io import read_jsonl
from mmvmr.utils.weights import compare_weights, require_finite, require_fit, weights_of

from .mutation import write_damaged

pytestmark = pytest.mark.slow
COUNT = 300


def outcomes(path, use, rows=None, count=COUNT, seed=0):
    """Damage a file ``count`` times; what ``use`` returns each time it does not refuse the file."""
    content, accepted = path.read_bytes(), []
    for number in range(count):
        rng = random.Random(f'{seed} {path.name} {number}')
        write_damaged(path, content, rows, rng)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter('error', RuntimeWarning)
                accepted.append(use())
        except (ValueError, FileNotFoundError) as error:
            assert path.name in str(error), f'damage {number}: the message does not name {path.name}: {error}'
            assert len(str(error)) < 2000
    path.write_bytes(content)
    return accepted


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def test_annotations(tmp_path):
    path = write_data(tmp_path) / 'train.jsonl'
    rows = read_jsonl(path)
    for row in rows[:4]:
        row.update(relevant_clip_ids=[1, 2], saliency_scores=[[1, 2, 3], [4, 0, 1]])
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    accepted = outcomes(path, lambda: AnnotationReader().read(path), rows)
    assert 0 < len(accepted) < COUNT
    for read in accepted:
        assert len({str(row['qid']) for row in read}) == len(read)
        for row in read:
            assert row['query'].strip() and is_number(row['duration']) and 0 < row['duration'] <= 1e9
            for start, end in row.get('relevant_windows') or ():
                assert is_number(start) and is_number(end) and 0 <= start < end <= row['duration'] + 0.1
            if row.get('saliency_scores') is not None:
                assert len(row['saliency_scores']) == len(row['relevant_clip_ids'])
                assert all(is_number(value) for ratings in row['saliency_scores'] for value in ratings)
            assert not {'views', 'gt_clips', 'timestamps'} & row.keys() or row.get('relevant_windows') is not None
            assert not {'views', 'gt_clips'} & row.keys()


def test_predictions(tmp_path):
    annotations = read_jsonl(write_data(tmp_path) / 'train.jsonl')
    rows = [
        dict(qid=row['qid'], pred_relevant_windows=[[1.5, 4.0, 0.7], [3.0, 9.5, 0.2]], pred_saliency_scores=[0.5] * 8)
        for row in annotations
    ]
    path = tmp_path / 'predictions.jsonl'
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    good = set(evaluate_predictions(rows, annotations))

    def use():
        return evaluate_predictions(read_jsonl(path), annotations, source=str(path))

    accepted = outcomes(path, use, rows)
    assert 0 < len(accepted) < COUNT
    for metrics in accepted:
        assert set(metrics) <= good
        assert all(value is None or math.isnan(value) or 0 <= value <= 100 for value in flat(metrics))


def flat(metrics):
    for value in metrics.values():
        if isinstance(value, dict):
            yield from flat(value)
        elif not isinstance(value, str):
            yield value


@pytest.fixture
def features(tmp_path):
    root = write_data(tmp_path, videos=1)
    with h5py.File(root / 'a.h5', 'w') as file:
        file['v0'] = np.load(root / 'a' / 'v0.npz')['features']
    return root


H5 = dict(type='HDF5Store', file='a.h5', template='{vid}')


@pytest.mark.parametrize(
    ('name', 'stores'), [('a/v0.npz', {}), ('b/v0.npy', {}), ('a.h5', {'a': H5})], ids=['npz', 'npy', 'h5']
)
def test_features(features, name, stores):
    def use():
        return open_with(features, stores)[0]['inputs']

    length = use()['video'].shape
    for inputs in outcomes(features / name, use):
        assert inputs['video'].shape[1] == length[1] and 0 < len(inputs['video']) <= length[0]
        assert torch.isfinite(inputs['video']).all()


def open_with(root, stores):
    from test_datasets.conftest import PIPELINE

    from mmvmr.datasets import MomentDataset

    return MomentDataset('train.jsonl', SPEC, {**STORES, **stores}, PIPELINE, data_root=str(root))


def test_packs(tmp_path):
    root = write_data(tmp_path, videos=2)
    plain = open_data(root)
    write_pack(plain, root / 'packed')
    expected = [plain[i]['inputs'] for i in range(len(plain))]
    for path in sorted((root / 'packed').iterdir()):

        def use():
            data = open_data(root, packed='packed')
            return [data[i]['inputs'] for i in range(len(data))]

        for inputs in outcomes(path, use, count=COUNT // 3):
            for found, wanted in zip(inputs, expected, strict=True):
                assert torch.equal(found['video'], wanted['video']) and torch.equal(found['text'], wanted['text'])


def test_checkpoints(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    own = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.LayerNorm(4)).state_dict()
    torch.save({'state_dict': own, 'meta': {'epoch': 1}, 'message_hub': {}}, path)

    def use():
        checkpoint = load_checkpoint_safe(path)
        given = weights_of(checkpoint, str(path))
        require_fit(compare_weights(own, given), checkpoint, str(path))
        require_finite(given, str(path))
        return given

    for given in outcomes(path, use):
        assert {name: value.shape for name, value in given.items()} == {name: own[name].shape for name in own}
        assert all(torch.isfinite(value).all() for value in given.values())
