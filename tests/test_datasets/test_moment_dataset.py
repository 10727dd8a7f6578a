import json
import random

import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmvmr.datasets import MomentDataset, moment_collate
from mmvmr.registry import TRANSFORMS

from .conftest import PIPELINE, SPEC, make_rows


@TRANSFORMS.register_module(force=True)
class _NoisyView(BaseTransform):
    """An augmentation that draws, adds a view and looks at another item."""

    def bind(self, dataset):
        self.dataset = dataset

    def transform(self, results):
        other = self.dataset.loaded((results['index'] + 1) % len(self.dataset), results['rng'])
        view = {**results, 'video_feat': other['video_feat'][:7], 'relevant_windows': [[0.0, 4.0]]}
        results['video_feat'] = results['video_feat'] + results['rng'].uniform(size=results['video_feat'].shape).astype(
            'f'
        )
        results.setdefault('views', {})['noisy'] = view
        return results


AUGMENT = dict(augment=dict(noisy=dict(type='_NoisyView'), removed=None))


def test_item(make_dataset):
    item = make_dataset()[1]
    assert set(item) == {'inputs', 'data_samples'}
    assert item['inputs']['video'].shape == (10, 10)
    assert item['inputs']['text'].shape == (6, 4)
    sample = item['data_samples']
    assert (sample.qid, sample.vid, sample.view, sample.clip_len, sample.num_clips) == (1, 'v0', 'main', 2.0, 10)
    assert sample.annotation is not None
    assert sample.relevant_windows == [[2.0, 8.0]]
    torch.testing.assert_close(sample.gt_instances.spans, torch.tensor([[0.25, 0.3]]))
    assert sample.gt_clips.dtype == torch.bool
    assert sample.gt_pairs.dtype == torch.int64
    assert sample.gt_saliency.dtype == torch.float32


def test_unlabelled_item(make_dataset, make_rows):
    rows = [{k: v for k, v in row.items() if k != 'relevant_windows'} for row in make_rows()]
    sample = make_dataset(rows)[0]['data_samples']
    assert not any(name in sample for name in ('gt_instances', 'gt_saliency', 'gt_clips', 'gt_pairs'))


def test_views_are_ordinary_samples_after_the_main_ones(make_dataset):
    dataset = make_dataset(pipeline=AUGMENT)
    batch = moment_collate([dataset[i] for i in range(3)])
    assert [s.view for s in batch['data_samples']] == ['main'] * 3 + ['noisy'] * 3
    assert [s.qid for s in batch['data_samples']] == [0, 1, 2] * 2
    assert [len(v) for v in batch['inputs']['video']] == [10] * 3 + [7] * 3
    view = batch['data_samples'][3]
    assert view.num_clips == 7
    torch.testing.assert_close(view.gt_instances.spans, torch.tensor([[1 / 7, 2 / 7]]))
    assert batch['inputs']['video'][3][-1, -1] == 1  # TEF of the view's own length


def test_collate_keeps_places_of_optional_inputs(make_dataset):
    items = [make_dataset()[i] for i in range(2)]
    items[1]['inputs']['neg_text'] = torch.zeros(2, 4)
    assert moment_collate(items)['inputs']['neg_text'][0] is None


def test_limit_and_indices(make_dataset):
    assert len(make_dataset(limit=3)) == 3
    assert [r['qid'] for r in make_dataset(limit=3, indices=[2, 0]).rows] == [2, 0]


def _fingerprint(dataset, **loader):
    loader = DataLoader(dataset, batch_size=2, collate_fn=moment_collate, **loader)
    while True:
        batches = list(loader)
        videos = [v for batch in batches for v in batch['inputs']['video']]
        pairs = [s.gt_pairs for batch in batches for s in batch['data_samples']]
        yield torch.cat([v.flatten() for v in videos] + [p.flatten().float() for p in pairs])


def test_draws_depend_on_seed_epoch_and_index_only(make_dataset):
    dataset = make_dataset(pipeline=AUGMENT)
    dataset.set_epoch(3, seed=5)
    first = dataset[2]['inputs']['video']
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    for other in range(3):
        dataset[other]
    assert dataset[2]['inputs']['video'].equal(first)
    dataset.set_epoch(4)
    assert dataset.seed == 5
    assert not dataset[2]['inputs']['video'].equal(first)
    dataset.set_epoch(3, seed=6)
    assert not dataset[2]['inputs']['video'].equal(first)
    dataset.set_epoch(3, seed=5)
    assert dataset[2]['inputs']['video'].equal(first)


@pytest.mark.slow
@pytest.mark.parametrize(('context', 'count'), [('fork', 2), ('spawn', 1)])
def test_epoch_reaches_persistent_workers(make_dataset, context, count):
    here, there = make_dataset(pipeline=AUGMENT), make_dataset(pipeline=AUGMENT)
    workers = _fingerprint(there, num_workers=count, persistent_workers=True, multiprocessing_context=context)
    single = _fingerprint(here)
    seen = []
    for epoch in (0, 1, 7):
        here.set_epoch(epoch)
        there.set_epoch(epoch)
        seen.append(next(single))
        assert next(workers).equal(seen[-1])
    assert not seen[0].equal(seen[1])


@pytest.mark.parametrize(
    ('pipeline', 'message'),
    [
        (dict(flip=dict(type='AppendTEF')), r"unknown slots \['flip'\]"),
        (dict(load=None), r"slots \['load'\] are empty"),
        (dict(tef=None), 'feature_spec.tef is True, but the pipeline slot "tef" is empty'),
    ],
)
def test_bad_pipelines(make_dataset, pipeline, message):
    with pytest.raises(ValueError, match=message):
        make_dataset(pipeline=pipeline)


def _folder(tmp_path, rows):
    rng = np.random.default_rng(0)
    for name in ('a', 'b', 't'):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    for row in rows:
        np.savez(tmp_path / 'a' / f'{row["vid"]}.npz', features=rng.normal(size=(11, 5)).astype(np.float16))
        np.save(tmp_path / 'b' / f'{row["vid"]}.npy', rng.normal(size=(10, 3)))
        np.savez(tmp_path / 't' / f'qid{row["qid"]}.npz', last_hidden_state=rng.normal(size=(3, 4)))
    (tmp_path / 'ann.jsonl').write_text(''.join(json.dumps(row) + '\n' for row in rows))
    stores = dict(
        a=dict(type='FolderStore', folder='a'),
        b=dict(type='FolderStore', folder='b', template='{vid}.npy'),
        c=dict(type='FolderStore', folder='not there'),  # a stream that the specification does not declare
        text=dict(type='FolderStore', folder='t', template='qid{qid}.npz'),
    )
    return dict(ann_file='ann.jsonl', feature_spec=SPEC, stores=stores, pipeline=PIPELINE, data_root=str(tmp_path))


def test_from_files_through_the_runner(tmp_path):
    config = _folder(tmp_path, make_rows())
    init_default_scope('mmvmr')
    loader = Runner.build_dataloader(
        dict(
            batch_size=3,
            num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='moment_collate'),
            dataset=dict(type='MomentDataset', **config),
        )
    )
    batches = list(loader)
    assert [s.qid for b in batches for s in b['data_samples']] == [0, 1, 2, 3]
    assert loader.dataset.metainfo['feature_spec'] == loader.dataset.feature_spec.to_dict()


def test_missing_features_stop_at_the_beginning(tmp_path):
    config = _folder(tmp_path, make_rows(6))
    (tmp_path / 'a' / 'v1.npz').unlink()
    (tmp_path / 't' / 'qid5.npz').unlink()
    with pytest.raises(FileNotFoundError, match=r"(?s)stream 'a': 1 missing in .*v1\.npz.*stream 'text': 1 missing"):
        MomentDataset(**config)
    assert len(MomentDataset(**config, limit=2)) == 2  # only what is used is looked for
    assert len(MomentDataset(**config, check_features=False)) == 6


def test_stream_without_store(tmp_path):
    config = _folder(tmp_path, make_rows())
    config['stores']['b'] = None
    with pytest.raises(ValueError, match=r"no store for the streams \['b'\]"):
        MomentDataset(**config)


def test_specification_beside_the_features(tmp_path):
    config = _folder(tmp_path, make_rows())
    spec = dict(streams=[dict(name='a', dim=5), dict(name='b', dim=3)], text=dict(dim=4), clip_len=2.0, surrogate=True)
    path = tmp_path / 'feature_spec.json'
    path.write_text(json.dumps(spec))
    assert MomentDataset(**config).feature_spec.surrogate
    path.write_text(json.dumps({**spec, 'clip_len': 1.0, 'streams': [dict(name='a', dim=6)]}))
    with pytest.raises(
        ValueError, match=r"dim 5 is declared, the features have 6; stream 'b' is declared.*clip_len 2\.0 s"
    ):
        MomentDataset(**config)
