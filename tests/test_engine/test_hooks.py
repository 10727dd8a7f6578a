import copy

import pytest
import torch
from run_helpers import tiny_config
from torch import nn

from mmvmr.engine import AutocastOptimWrapper, MomentRunner
from mmvmr.engine.hooks import FitHook, describe_split, name_split
from mmvmr.registry import OPTIM_WRAPPERS
from mmvmr.structures.feature_spec import FeatureSpec
from mmvmr.utils.cli import load_config
from mmvmr.utils.setup import setup_env


def make_runner(folder, name, extra='', **options):
    cfg = load_config(str(tiny_config(folder, extra, name=name)), options)
    cfg.work_dir = str(folder / name)
    cfg.experiment_name = f'{folder.name}_{name}'
    setup_env(cfg)
    return MomentRunner.from_cfg(cfg)


def test_what_is_fitted_is_fitted_in_every_training(tmp_path):
    """A config that is written by hand may forget the hook; one that has it gets no second one."""
    runner = make_runner(tmp_path, 'plain')
    assert sum(isinstance(hook, FitHook) for hook in runner.hooks) == 1
    assert (
        sum(
            isinstance(hook, FitHook)
            for hook in make_runner(tmp_path, 'twice', "default_hooks['fit'] = dict(type='FitHook')\n").hooks
        )
        == 1
    )


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """One epoch with EMA, then a test in the same process."""
    folder = tmp_path_factory.mktemp('hooks')
    runner = make_runner(folder, 'trained', **{'train_cfg.max_epochs': 1, 'param_scheduler.begin': 0})
    runner.train()
    raw = copy.deepcopy(runner.model.state_dict())
    metrics = runner.test()
    return folder, runner, raw, metrics


@pytest.mark.slow
def test_train_then_test_evaluates_the_average(trained):
    folder, runner, raw, metrics = trained
    saved = torch.load(folder / 'trained' / 'epoch_1.pth', weights_only=True)
    after = runner.model.state_dict()
    names = [name for name, value in raw.items() if not torch.equal(value, saved['state_dict'][name])]
    assert names  # what is saved for use is the average, not the raw weights
    assert all(torch.equal(after[name], raw[name]) for name in raw)  # and the raw ones are back after the test
    # The checkpoint, tested alone, gives the metrics of the test that followed training.
    alone = make_runner(folder, 'alone', load_from=str(folder / 'trained' / 'epoch_1.pth'))
    assert alone.test() == pytest.approx(metrics, nan_ok=True)
    assert torch.equal(alone.model.state_dict()[names[0]], saved['state_dict'][names[0]])


@pytest.mark.slow
def test_checkpoint_says_which_features(trained):
    folder, runner, *_ = trained
    meta = torch.load(folder / 'trained' / 'epoch_1.pth', weights_only=True)['meta']
    assert FeatureSpec.from_dict(meta['feature_spec']) == runner.train_dataloader.dataset.feature_spec


@pytest.mark.slow
@pytest.mark.parametrize('mismatch', ['error', 'warn'])
def test_other_features_are_refused(trained, mismatch):
    folder, *_ = trained
    checkpoint = torch.load(folder / 'trained' / 'epoch_1.pth', weights_only=True)
    checkpoint['meta']['feature_spec']['clip_len'] = 1.0
    path = folder / f'other_{mismatch}.pth'
    torch.save(checkpoint, path)
    options = {'load_from': str(path), 'default_hooks.feature_spec.mismatch': mismatch}
    runner = make_runner(folder, f'mismatch_{mismatch}', **options)
    if mismatch == 'error':
        with pytest.raises(ValueError, match=r'trained on other.*clip_len: 1\.0 \(checkpoint\), .* \(config\)'):
            runner.test()
    else:
        runner.test()


def test_unknown_metric_for_the_best_checkpoint(tmp_path):
    options = {'train_cfg.max_epochs': 1, 'param_scheduler.begin': 0}
    runner = make_runner(tmp_path, 'best', "default_hooks['checkpoint'] = dict(save_best='mAP')\n", **options)
    with pytest.raises(ValueError, match=r"save_best: the validation gives no metric 'mAP'.*MR-full-mAP"):
        runner.train()
    assert runner.iter == 0  # told before the first step


def test_validation_that_never_begins(tmp_path):
    runner = make_runner(tmp_path, 'never', **{'train_cfg.max_epochs': 2, 'train_cfg.val_begin': 3})
    with pytest.raises(ValueError, match='val_begin is 3 and max_epochs 2: there would be no validation'):
        runner.train()


def test_checkpoints_by_iteration_need_the_resumable_loop(tmp_path):
    options = {'train_cfg.type': 'EpochBasedTrainLoop', 'default_hooks.checkpoint.by_epoch': False}
    runner = make_runner(tmp_path, 'by_iteration', "default_hooks['checkpoint'] = dict(by_epoch=True)\n", **options)
    with pytest.raises(ValueError, match='ResumableTrainLoop'):
        runner.train()


@pytest.mark.slow
def test_old_checkpoints_go_only_after_the_pointer_moved(tmp_path, monkeypatch):
    from mmengine.fileio import LocalBackend

    removed = []

    def remove(self, path):
        removed.append((str(path), (tmp_path / 'keep' / 'last_checkpoint').read_text()))
        real(self, path)

    real = LocalBackend.remove
    monkeypatch.setattr(LocalBackend, 'remove', remove)
    extra = "default_hooks['checkpoint'] = dict(max_keep_ckpts=1)\n"
    make_runner(tmp_path, 'keep', extra).train()
    gone = [path for path, _ in removed if '/epoch_' in path]
    assert len(gone) == 2 and all(path != pointer for path, pointer in removed)
    assert [p.name for p in (tmp_path / 'keep').glob('epoch_*.pth')] == ['epoch_3.pth']
    assert len(list((tmp_path / 'keep').glob('best_*.pth'))) == 1
    assert not list((tmp_path / 'keep').glob('.*'))  # no temporary file is left


def test_bf16_on_cpu_keeps_weights_and_gradients_in_float32():
    layer = nn.Linear(4, 2)
    wrapper = OPTIM_WRAPPERS.build(
        dict(
            type='AutocastOptimWrapper',
            optimizer=torch.optim.SGD(layer.parameters(), lr=1.0),
            clip_grad=dict(max_norm=0.1),
        )
    )
    assert isinstance(wrapper, AutocastOptimWrapper)
    before = [parameter.detach().clone() for parameter in layer.parameters()]
    with wrapper.optim_context(layer):
        out = layer(torch.ones(3, 4))
    assert out.dtype == torch.bfloat16
    wrapper.update_params(out.float().sum())
    steps = [parameter.detach() - old for parameter, old in zip(layer.parameters(), before)]
    assert {step.dtype for step in steps} == {torch.float32}
    assert torch.cat([step.flatten() for step in steps]).norm() == pytest.approx(0.1, rel=1e-4)  # lr 1, clipped
    with pytest.raises(ValueError, match='only bfloat16'):
        AutocastOptimWrapper(optimizer=torch.optim.SGD(layer.parameters(), lr=1.0), dtype='float16')


def test_describe_split():
    assert describe_split(dict(type='A', ann_file='val.jsonl')) == 'val.jsonl'
    assert describe_split(dict(type='Repeat', dataset=dict(type='A', split='val'))) == 'val'
    assert describe_split(dict(type='A')) == 'A'


def test_name_of_a_split_for_a_folder():
    assert name_split(dict(type='A', ann_file='annotations/val.jsonl')) == 'val'
    assert name_split(dict(type='Repeat', dataset=dict(type='A', ann_file='val.jsonl', domain='BK'))) == 'val-BK'
