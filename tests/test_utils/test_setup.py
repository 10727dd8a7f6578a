import builtins
import importlib

import pytest
import torch
from mmengine.config import Config

from mmvmr.utils import require_mmcv, setup
from mmvmr.utils.errors import UserError
from mmvmr.utils.setup import apply_data_root, setup_env


def test_missing_mmcv_names_both_packages(monkeypatch):
    def no_mmcv(name, *args):
        if name == 'mmcv':
            raise ImportError("No module named 'mmcv'")
        return real(name, *args)

    real = importlib.import_module
    monkeypatch.setattr(importlib, 'import_module', no_mmcv)
    with pytest.raises(ImportError, match=r'pip install mmcv-lite.*pip install mmcv`'):
        require_mmcv()


def test_data_root_reaches_every_dataset_and_evaluator():
    def loader():
        inner = dict(type='A', data_root='old', stores=[dict(data_root='old')])
        return dict(dataset=dict(type='Wrapper', dataset=inner))

    cfg = Config(
        dict(
            data_root='new',
            train_dataloader=loader(),
            val_dataloader=loader(),
            test_dataloader=dict(dataset=dict(type='B')),
            val_evaluator=[dict(type='M', data_root='old')],
        )
    )
    apply_data_root(cfg)
    for split in ('train', 'val'):
        dataset = cfg[f'{split}_dataloader'].dataset.dataset
        assert dataset.data_root == 'new' and dataset.stores[0].data_root == 'new'
    assert 'data_root' not in cfg.test_dataloader.dataset
    assert cfg.val_evaluator[0].data_root == 'new'


def test_none_removes_a_hook():
    cfg = Config(dict(default_hooks=dict(ema=None, timer=None, logger=dict(type='LoggerHook'))))
    setup_env(cfg)
    assert sorted(cfg.default_hooks) == ['logger', 'timer']  # mmengine itself understands None for `timer`


@pytest.mark.parametrize(('launcher', 'variable'), [('pytorch', 'RANK'), ('slurm', 'SLURM_PROCID')])
def test_a_launcher_that_did_not_start_the_process(monkeypatch, launcher, variable):
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(UserError, match=f'--launcher {launcher}: {variable} is not set'):
        setup_env(Config({}), launcher)


def distributed(monkeypatch, **cfg):
    """What becomes of a config in a process of torchrun without a GPU."""
    monkeypatch.setenv('RANK', '0')
    monkeypatch.setattr(setup, '_init_gloo', lambda *args: None)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    cfg = Config(cfg)
    setup_env(cfg, 'pytorch')
    return cfg.model_wrapper_cfg


def test_options_of_the_wrapper_are_those_of_the_config(monkeypatch):
    default = dict(type='MMDistributedDataParallel', broadcast_buffers=False, find_unused_parameters=False)
    assert distributed(monkeypatch) == dict(default, device_ids=None)
    changed = distributed(monkeypatch, find_unused_parameters=True, model_wrapper_cfg=dict(static_graph=True))
    assert changed == dict(default, find_unused_parameters=True, static_graph=True, device_ids=None)


def test_a_wrapper_that_shards_is_refused(monkeypatch):
    with pytest.raises(UserError, match=r"model_wrapper_cfg\.type='MMFullyShardedDataParallel': expected MMDistr"):
        distributed(monkeypatch, model_wrapper_cfg=dict(type='MMFullyShardedDataParallel', device_id='cpu'))


def test_a_static_graph_and_gradients_of_several_batches(monkeypatch):
    options = dict(model_wrapper_cfg=dict(static_graph=True), optim_wrapper=dict(accumulative_counts=2))
    with pytest.raises(UserError, match=r'static_graph=True and optim_wrapper\.accumulative_counts > 1 exclude'):
        distributed(monkeypatch, **options)


def test_light_part_of_utils_needs_no_torch(monkeypatch):
    real = builtins.__import__
    imported = []

    def watched(name, *args, **kwargs):
        imported.append(name)
        return real(name, *args, **kwargs)

    import mmvmr.utils

    monkeypatch.setattr(builtins, '__import__', watched)
    importlib.reload(mmvmr.utils)
    importlib.reload(mmvmr.utils.io)
    assert not [name for name in imported if name.split('.')[0] in ('torch', 'mmengine', 'mmcv')]
