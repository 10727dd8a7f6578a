"""Resuming with other settings of the optimisation: the config is followed, and the log says so."""

import pytest
from run_helpers import tiny_config

from mmvmr.engine import MomentRunner
from mmvmr.utils.cli import load_config
from mmvmr.utils.setup import setup_env

pytestmark = pytest.mark.slow
# Eight samples in batches of four: two iterations per epoch. The rate falls linearly to a tenth over `end` epochs.
LINEAR = (
    "dict(_delete_=True, type='LinearLR', start_factor=1.0, end_factor=0.1, begin=0, end={end}, by_epoch={by_epoch})"
)
EXTRA = """
param_scheduler = {schedule}
train_dataloader['batch_size'] = 4
train_dataloader['dataset']['limit'] = 8
optim_wrapper = dict(optimizer=dict(lr={lr}))
train_cfg['max_epochs'] = {epochs}
"""


def run(folder, name, resume=None, end=2, epochs=2, lr=1e-3, by_epoch=True, **options):
    schedule = LINEAR.format(end=end, by_epoch=by_epoch)
    path = tiny_config(folder, EXTRA.format(schedule=schedule, lr=lr, epochs=epochs), name=name)
    cfg = load_config(str(path), options)
    cfg.work_dir, cfg.experiment_name = str(folder / name), f'{folder.name}_{name}'
    cfg.load_from, cfg.resume = resume, resume is not None
    setup_env(cfg)
    runner = MomentRunner.from_cfg(cfg)
    rates = []
    step = runner.call_hook

    def watch(stage, **kwargs):
        if stage == 'before_train_iter':
            rates.append(runner.optim_wrapper.optimizer.param_groups[0]['lr'])
        step(stage, **kwargs)

    runner.call_hook = watch
    runner.train()
    (log,) = (folder / name).glob('*/*.log')
    return rates, log.read_text()


@pytest.mark.parametrize('by_epoch', [True, False])
def test_a_changed_schedule_is_followed(tmp_path, by_epoch):
    run(tmp_path, 'two', by_epoch=by_epoch)
    resumed = str(tmp_path / 'two' / 'epoch_2.pth')
    whole, _ = run(tmp_path, 'six', end=6, epochs=4, by_epoch=by_epoch)
    rest, log = run(tmp_path, 'longer', resumed, end=6, epochs=4, by_epoch=by_epoch)
    assert rest == pytest.approx(whole[4:])
    if by_epoch:  # the factor falls by 0.9 / 5 = 0.18 per epoch from 1
        assert rest == pytest.approx([1e-3 * 0.64] * 2 + [1e-3 * 0.46] * 2)
    line = next(line for line in log.splitlines() if 'Resumed at epoch 2, iteration 4' in line)
    assert 'From the checkpoint: weights' in line and 'train_cfg.max_epochs 2 -> 4' in line
    assert 'param_scheduler[0].end 2 -> 6' in line


def test_learning_rate_and_weight_decay_of_the_config(tmp_path):
    run(tmp_path, 'two', end=6)
    resumed = str(tmp_path / 'two' / 'epoch_2.pth')
    changes = {'optim_wrapper.optimizer.weight_decay': 0.5}
    rates, log = run(tmp_path, 'other', resumed, end=6, epochs=3, lr=1e-2, **changes)
    assert rates == pytest.approx([1e-2 * 0.64] * 2)
    assert 'lr 0.001 -> 0.01' in log and '-> 0.5' in log


def test_nothing_changed(tmp_path):
    run(tmp_path, 'two', end=6)
    rates, log = run(tmp_path, 'on', str(tmp_path / 'two' / 'epoch_2.pth'), end=6, epochs=2)
    assert rates == [] and '(unchanged)' in log and 'All 2 epochs are done already' in log


def test_the_way_of_computing_an_update_stays_that_of_the_checkpoint(tmp_path):
    run(tmp_path, 'two', end=6, **{'optim_wrapper.optimizer.fused': True})
    _, log = run(tmp_path, 'on', str(tmp_path / 'two' / 'epoch_2.pth'), end=6, epochs=2)
    assert '(unchanged)' in log


def test_another_optimizer_is_refused(tmp_path):
    run(tmp_path, 'two')
    options = {'optim_wrapper.optimizer.type': 'Adam'}
    with pytest.raises(ValueError, match=r'optimizer.type=Adam: the checkpoint holds the state of AdamW'):
        run(tmp_path, 'adam', str(tmp_path / 'two' / 'epoch_2.pth'), epochs=3, **options)
