"""The look at the data before the first step: what it logs, when it stops, and that it does not read everything."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.runner.base_loop import BaseLoop
from planted_data import config, make_rows, save, vectors, write

from mmvmr.datasets import FolderStore
from mmvmr.engine.hooks import DatasetCheckHook
from mmvmr.engine.hooks.dataset_check_hook import require_trainable
from mmvmr.registry import DATASETS
from mmvmr.utils.io import write_jsonl
from mmvmr.utils.setup import register_all_modules


class Loop(BaseLoop):
    def run(self):
        raise NotImplementedError


def runner_of(root, caplog):
    """What the hook sees of a runner: two loops and a logger."""
    register_all_modules()
    cfg = config(root)
    loops = {}
    for split in ('train', 'val'):
        loop = Loop.__new__(Loop)
        loop.dataloader = SimpleNamespace(dataset=DATASETS.build(cfg[f'{split}_dataloader'].dataset))
        loops[f'{split}_loop'] = loop
    caplog.set_level(logging.INFO)
    return SimpleNamespace(logger=logging.getLogger('dataset_check'), **loops)


@pytest.fixture
def leaking(tmp_path):
    """A sentence of validation is trained on, with a window that nothing else can learn from."""
    write(tmp_path)
    write_jsonl(tmp_path / 'train.jsonl', [*make_rows('train'), *make_rows('val')[:1]])
    return tmp_path


def test_clean_data_log_nothing(tmp_path, caplog):
    write(tmp_path)
    DatasetCheckHook().before_train(runner_of(tmp_path, caplog))
    assert caplog.records == []


def test_findings_are_logged(leaking, caplog):
    save(leaking, 'a/v0', np.full((10, 6), np.nan))
    DatasetCheckHook().before_train(runner_of(leaking, caplog))
    text = caplog.text
    assert 'data: train and val: leakage: 1 of 3 videos of val are in train too' in text
    assert "data: train, stream 'a': nan: 1 of 7 arrays" in text
    assert [record.levelname for record in caplog.records] == ['ERROR', 'ERROR', 'INFO']


def test_errors_can_stop(leaking, caplog):
    with pytest.raises(ValueError, match='data: train and val: leakage: 1 of 3 videos'):
        DatasetCheckHook(errors='stop').before_train(runner_of(leaking, caplog))
    DatasetCheckHook(errors='stop', ignore=['leakage']).before_train(runner_of(leaking, caplog))


def test_warnings_do_not_stop(tmp_path, caplog):
    write(tmp_path)
    rows = make_rows('train')
    rows[0]['relevant_windows'] = [[0, 20]]
    write_jsonl(tmp_path / 'train.jsonl', rows)
    DatasetCheckHook(errors='stop').before_train(runner_of(tmp_path, caplog))
    assert [record.levelname for record in caplog.records] == ['WARNING', 'INFO']
    assert 'qid 0: 0 to 20 of 20 s' in caplog.text


def test_few_features_are_read(tmp_path, caplog, monkeypatch):
    write(tmp_path)
    runner = runner_of(tmp_path, caplog)
    read = []
    monkeypatch.setattr(FolderStore, 'read', lambda store, row: read.append(row['qid']) or vectors(10, 6))
    DatasetCheckHook(count=2, ignore=['shape']).before_train(runner)
    assert len(read) == 2 * (2 + 2 + 2)  # splits x (two streams and sentences)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'errors': 'raise'}, "errors='raise' is unknown, expected 'warn' or 'stop'"),
        ({'ignore': ['leaks']}, r"ignore=\['leaks'\]: expected some of"),
        ({'count': 0}, 'count=0, expected a positive number'),
    ],
)
def test_options(options, message):
    with pytest.raises(ValueError, match=message):
        DatasetCheckHook(**options)


def test_rows_that_cannot_be_trained_on(tmp_path, caplog):
    """Refused with file, line and qid, or left out where the config says so, with a line that says how many."""
    write(tmp_path)
    register_all_modules()
    rows = make_rows('train')
    del rows[7]['relevant_windows']
    rows[8]['relevant_windows'] = []  # nothing is described: a label
    write_jsonl(tmp_path / 'train.jsonl', rows)
    dataset = DATASETS.build(config(tmp_path).train_dataloader.dataset)
    with pytest.raises(
        ValueError, match=r'1 of 12 rows cannot be trained on \(.*train.jsonl:8, qid 7: relevant_windows'
    ):
        require_trainable(dataset)
    caplog.set_level(logging.WARNING)
    left = DATASETS.build(config(tmp_path, annotations=dict(unlabelled='drop')).train_dataloader.dataset)
    require_trainable(left)
    assert [row['qid'] for row in left.rows] == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]


def test_windows_in_fractions_of_the_video_are_refused(tmp_path):
    write(tmp_path)
    register_all_modules()
    write_jsonl(tmp_path / 'train.jsonl', [dict(row, relevant_windows=[[0.1, 0.4]]) for row in make_rows('train')])
    dataset = DATASETS.build(config(tmp_path).train_dataloader.dataset)
    with pytest.raises(ValueError, match=r'units: 12 of 12 rows .* between 0 and 1 \(.*train.jsonl:1, qid 0.*seconds'):
        require_trainable(dataset)


def test_moments_after_the_last_clip_are_logged(tmp_path, caplog):
    """All begin at 18 s, where nine clips of 2 s end: training takes the videos for ones without a moment."""
    write(tmp_path)
    write_jsonl(tmp_path / 'train.jsonl', [dict(row, relevant_windows=[[18, 20]]) for row in make_rows('train')])
    for number in range(6):
        save(tmp_path, f'a/v{number}', vectors(9, 6, number))
    DatasetCheckHook().before_train(runner_of(tmp_path, caplog))
    assert [record.levelname for record in caplog.records] == ['ERROR', 'INFO']
    assert 'past_clips: 12 of 12 windows begin after the last clip' in caplog.text


def test_ratings_of_clips_after_the_end_are_refused(tmp_path):
    """As check_dataset does: the videos have 20 s, ten clips of 2 s."""
    write(tmp_path)
    register_all_modules()
    rows = make_rows('train')
    rows[7].update(relevant_clip_ids=[9, 10], saliency_scores=[[1, 2, 3], [1, 2, 3]])
    write_jsonl(tmp_path / 'train.jsonl', rows)
    dataset = DATASETS.build(config(tmp_path).train_dataloader.dataset)
    with pytest.raises(ValueError, match=r'train.jsonl:8, qid 7: clip 10, the last one is 9.*feature_spec.clip_len'):
        require_trainable(dataset)


def test_an_augmentation_that_acts_on_no_sample_is_refused(tmp_path, monkeypatch):
    """A run with it would equal one without it; a part that it does not act on beside one that it does is fine."""
    write(tmp_path)
    register_all_modules()
    pipeline = dict(config(tmp_path).train_dataloader.dataset.pipeline)

    def build(**options):
        changed = dict(pipeline, augment=dict(shift=dict(type='ShiftMoment', **options)))
        return config(tmp_path, train=dict(pipeline=changed)).train_dataloader.dataset

    idle, active = build(max_duration=20.0), build(max_duration=21.0)  # videos last 20 s
    require_trainable(DATASETS.build(idle))  # a trial on a few samples
    monkeypatch.setattr('mmvmr.preparation.checks.annotation_checks.FEW', 11)
    with pytest.raises(ValueError, match=r'0 of 12 samples can be changed by ShiftMoment \(pipeline.augment.shift\)'):
        require_trainable(DATASETS.build(idle))
    require_trainable(DATASETS.build(active))
    require_trainable(DATASETS.build(dict(type='ConcatDataset', datasets=[idle, dict(active, limit=11)])))
