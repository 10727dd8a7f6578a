"""Checkpoints say which features they were made for, and with what."""

from types import SimpleNamespace

import pytest
from mmengine.config import Config

from mmvmr.engine.hooks import InferenceSpecHook


class _Logger:
    def __init__(self):
        self.lines = []

    def warning(self, text):
        self.lines.append(text)


def _runner(extraction, dim=512):
    spec = dict(streams=dict(clip=dict(dim=dim)), text=dict(dim=384), clip_len=1.0, max_clips=20)
    dataset = dict(type='MomentDataset', feature_spec=spec, stores={}, pipeline=dict(load=dict(type='X'), targets={}))
    cfg = Config(dict(model=dict(type='M'), val_dataloader=dict(dataset=dict(dataset=dataset)), extraction=extraction))
    rows = [{'duration': 12.2}, {'duration': 99.0}]
    train = SimpleNamespace(feature_spec=SimpleNamespace(clip_len=1.0, max_clips=20), rows=rows)
    loader = SimpleNamespace(dataset=train)
    return SimpleNamespace(cfg=cfg, logger=_Logger(), experiment_name='qd_2026_0101', train_dataloader=loader)


@pytest.fixture
def saved(monkeypatch):
    monkeypatch.setattr('mmvmr.engine.hooks.inference_spec_hook.nested_datasets', lambda dataset: [dataset])

    def save(runner):
        hook, checkpoint = InferenceSpecHook(), {'meta': {}}
        hook.before_train(runner)
        hook.before_save_checkpoint(runner, checkpoint)
        return checkpoint['meta']['inference']

    return save


def test_extraction_by_name(saved):
    entry = saved(_runner('clip_b32_minilm_1fps'))
    assert entry['extraction']['extractors']['clip']['type'] == 'CLIPImageExtractor'
    assert entry['pipeline'] == {'load': {'type': 'X'}}  # targets are for training
    assert entry['longest'] == 20 and entry['name'] == 'qd' and entry['model'] == {'type': 'M'}


def test_extraction_of_other_features_is_not_stored(saved):
    runner = _runner('clip_b32_minilm_1fps', dim=256)
    assert saved(runner)['extraction'] is None
    [line] = runner.logger.lines
    assert "the model takes {'clip': 256, 'text': 384}" in line and 'will not say how their features are made' in line


def test_no_extraction(saved):
    assert saved(_runner(None))['extraction'] is None
