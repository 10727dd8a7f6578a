import random
import shutil

import pytest
import torch
from run_helpers import assert_same_training, load, run_tool, start_and_kill, tiny_config

from mmvmr.engine.resume import check_moments

pytestmark = pytest.mark.slow

KILL = """
custom_imports = dict(imports=['kill_hooks'], allow_failed_imports=False)
custom_hooks = [dict(type='KillHook', moment='{moment}', at={at})]
"""
BY_ITERATION = """
default_hooks.update(checkpoint=dict(by_epoch=False, interval=3))
"""


@pytest.fixture(scope='module')
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp('uninterrupted')
    run_tool('train.py', tiny_config(folder), '--work-dir', folder / 'work')
    return folder / 'work'


def test_killed_at_random_moments(uninterrupted, tmp_path):
    """The real thing: a process killed from outside, twice, and resumed."""
    config, work = tiny_config(tmp_path), tmp_path / 'work'
    moments = random.Random()
    delays = [moments.uniform(0, 0.4) for _ in range(2)]
    start_and_kill(config, work, delays[0])
    start_and_kill(config, work, delays[1], '--resume')
    assert load(work / (work / 'last_checkpoint').read_text())['meta']['epoch'] >= 1
    run_tool('train.py', config, '--work-dir', work, '--resume', 'auto')
    try:
        assert_same_training(uninterrupted, work, 'epoch_3.pth')
    except AssertionError as error:
        raise AssertionError(f'killed {delays} s after a checkpoint: {error}') from error


@pytest.mark.parametrize(
    ('moment', 'at'),
    [
        ('after_val_iter', 2),  # epoch 2 is saved, its validation is not over
        ('after_val_epoch', 2),  # validated, but the best checkpoint is not saved
        ('before_replace', 4),  # while a file is being written
        ('before_replace', 5),
    ],
)
def test_killed_at_an_awkward_moment(uninterrupted, tmp_path, moment, at):
    work = tmp_path / 'work'
    run_tool('train.py', tiny_config(tmp_path, KILL.format(moment=moment, at=at)), '--work-dir', work, check=-9)
    assert not (work / 'epoch_3.pth').exists()
    for path in work.glob('*.pth'):
        load(path)  # whatever has a final name is complete
    run_tool('train.py', tiny_config(tmp_path, name='plain'), '--work-dir', work, '--resume')
    assert_same_training(uninterrupted, work, 'epoch_3.pth')


def test_resumed_inside_an_epoch(tmp_path):
    reference, work = tmp_path / 'reference', tmp_path / 'work'
    config = tiny_config(tmp_path, BY_ITERATION, name='plain')
    run_tool('train.py', config, '--work-dir', reference)
    killing = tiny_config(tmp_path, BY_ITERATION + KILL.format(moment='after_train_iter', at=8))
    run_tool('train.py', killing, '--work-dir', work, check=-9)
    meta = load(work / 'iter_6.pth')['meta']
    assert meta['epoch'] == 1 and meta['iters_done'] == 6 - meta['iters_per_epoch'] > 0
    run_tool('train.py', config, '--work-dir', work, '--resume')
    last = max(int(p.stem.split('_')[1]) for p in reference.glob('iter_*.pth'))
    assert_same_training(reference, work, f'iter_{last}.pth')


def test_bad_resume(uninterrupted, tmp_path):
    config = tiny_config(tmp_path)
    work = tmp_path / 'work'
    shutil.copytree(uninterrupted, work)
    text = run_tool('train.py', config, '--work-dir', work, '--resume', '--seed', 7, check=2)
    assert 'cannot resume with seed 7: the checkpoint was made with seed 2018' in text
    best = next(work.glob('best_*.pth'))
    text = run_tool('train.py', config, '--work-dir', work, '--resume', best, check=2)
    assert 'it has no optimizer state' in text
    (work / 'last_checkpoint').write_text(str(tmp_path / 'gone.pth'))
    text = run_tool('train.py', config, '--work-dir', work, '--resume', check=2)
    assert 'gone.pth, which is gone' in text
    assert 'Traceback' not in text


@pytest.mark.parametrize(
    ('moment', 'problem'),
    [
        (torch.zeros(2, 2), r'exp_avg has shape \(2, 2\), its parameter \(3,\)'),
        (torch.tensor([0.0, torch.nan, 0.0]), 'NaN'),
    ],
)
def test_damaged_optimizer_state_is_refused(moment, problem):
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.AdamW([parameter])
    parameter.sum().backward()
    optimizer.step()
    check_moments(optimizer)
    state = optimizer.state_dict()
    state['state'][0]['exp_avg'] = moment
    optimizer.load_state_dict(state)
    with pytest.raises(ValueError, match=problem):
        check_moments(optimizer)
