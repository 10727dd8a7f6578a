"""Several annotation files or data sets as one, and a data set repeated."""

import numpy as np
import pytest
import torch
from planted_data import config, write

from mmvmr.datasets import ConcatDataset, MomentDataset, RepeatDataset
from mmvmr.engine.hooks import describe_split, name_split
from mmvmr.preparation.checks import open_splits
from mmvmr.registry import DATASETS
from mmvmr.utils.io import read_jsonl, write_jsonl


@pytest.fixture(name='parts')
def _parts(tmp_path):
    write(tmp_path)
    cfg = config(tmp_path)
    return [dict(cfg[f'{name}_dataloader'].dataset) for name in ('train', 'val')]


def _qids(dataset):
    return [dataset[i]['data_samples'].qid for i in range(len(dataset))]


def test_concatenated(parts):
    singles = [DATASETS.build(part) for part in parts]
    both = ConcatDataset(parts)
    assert len(both) == len(singles[0]) + len(singles[1]) == len(both.rows)
    assert _qids(both) == _qids(singles[0]) + _qids(singles[1]) == [row['qid'] for row in both.rows]
    first = len(singles[0])
    torch.testing.assert_close(both[first]['inputs'], singles[1][0]['inputs'], rtol=0, atol=0)
    group = both[first, first + 1]
    assert [sample['data_samples'].qid for sample in group] == [row['qid'] for row in singles[1].rows[:2]]
    with pytest.raises(ValueError, match='is in several data sets'):
        both[0, first]


def test_data_sets_of_other_features_do_not_go_together(parts):
    spec = dict(parts[1]['feature_spec'], max_clips=7)
    with pytest.raises(ValueError, match=r'differ: max_clips: None \(first data set\), 7 \(data set 2\)'):
        ConcatDataset([parts[0], dict(parts[1], feature_spec=spec)])
    with pytest.raises(ValueError, match='expected at least one'):
        ConcatDataset([])


def test_repeated(parts):
    dataset = RepeatDataset(parts[1], times=3)
    single = DATASETS.build(parts[1])
    assert len(dataset) == 3 * len(single) == len(dataset.rows)
    assert _qids(dataset) == 3 * _qids(single)
    with pytest.raises(ValueError, match='times=0'):
        RepeatDataset(parts[1], times=0)
    with pytest.raises(ValueError, match='train for more epochs'):
        dataset[0, 1]
    with pytest.raises(ValueError, match='RepeatDataset: ConcatDataset cannot be inside'):
        RepeatDataset(dict(type='ConcatDataset', datasets=parts), times=2)


def test_every_place_has_random_draws_of_its_own(parts):
    def draws(dataset, indices):
        inner = dataset.datasets if isinstance(dataset, ConcatDataset) else [dataset.dataset]
        for part in inner:
            part.prepare = lambda index, rng, group: rng.generator.random()
            part.set_epoch(1, seed=3)
        return [dataset[i] for i in indices]

    expected = [np.random.default_rng([3, 1, i]).random() for i in range(30)]
    for dataset in (ConcatDataset(parts), RepeatDataset(parts[1], 3)):
        count = min(len(dataset), 30)
        assert draws(dataset, range(count)) == expected[:count]


def test_several_annotation_files(tmp_path, parts):
    files = ['train.jsonl', 'val.jsonl']
    expected = [row['qid'] for file in files for row in read_jsonl(tmp_path / file)]
    options = {key: value for key, value in parts[0].items() if key not in ('type', 'ann_file')}
    assert [row['qid'] for row in MomentDataset(files, **options).rows] == expected
    limit = len(read_jsonl(tmp_path / 'train.jsonl')) + 2
    for count in (1, limit):
        assert [row['qid'] for row in MomentDataset(files, **options, limit=count).rows] == expected[:count]
    with pytest.raises(ValueError, match='ann_file is an empty list'):
        MomentDataset([], **options)
    cfg = config(tmp_path)
    cfg.train_dataloader.dataset.ann_file = files
    (split,), results = open_splits(cfg, ['train'])
    assert [row['qid'] for row in split.rows] == expected
    assert results == []
    assert describe_split(cfg.train_dataloader.dataset) == 'train.jsonl and val.jsonl'
    assert name_split(cfg.train_dataloader.dataset) == 'train-val'
    write_jsonl(tmp_path / 'val.jsonl', read_jsonl(tmp_path / 'train.jsonl')[:1])
    with pytest.raises(ValueError, match=r'val\.jsonl: qid 0 is in .*train\.jsonl already'):
        MomentDataset(files, **options)
