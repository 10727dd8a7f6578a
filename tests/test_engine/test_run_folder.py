"""Work dirs: locks, what is refused, what is removed, names of test folders."""

import json
import os
import signal
import time

import pytest
from run_helpers import forkserver

from mmvmr.engine.run_folder import (
    acquire,
    checkpoints_in,
    claim_evaluation,
    claim_training,
    find_metrics,
    latest_checkpoint,
    release,
)
from mmvmr.utils.cli import UserError


def hold(folder, child):
    """Lock the folder, leave a child that outlives this process, and wait."""
    with claim_training(folder, None, False):
        if os.fork() == 0:  # like a data-loading process
            time.sleep(60)
            os._exit(0)
        with open(child, 'w') as handle:
            handle.write('ready')
        time.sleep(60)


def refusal(folder, resumed, overwrite):
    with pytest.raises(UserError) as error, claim_training(str(folder), resumed, overwrite):
        pass
    return str(error.value)


def test_a_lock_ends_with_its_process_however_it_ends(tmp_path):
    folder, ready = tmp_path / 'work', tmp_path / 'ready'
    holder = forkserver().Process(target=hold, args=(str(folder), str(ready)))
    holder.start()
    while holder.is_alive() and not ready.exists():
        time.sleep(0.01)
    assert f'in use by another training (process {holder.pid} on ' in refusal(folder, None, overwrite=True)
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    with claim_training(str(folder), None, False):  # although the child lives
        assert json.loads((folder / '.lock').read_text())['pid'] == os.getpid()


def test_whose_checkpoints_are_there(tmp_path):
    work, other = tmp_path / 'work', tmp_path / 'other'
    for folder in (work, other):
        folder.mkdir()
        (folder / 'epoch_1.pth').touch()
    (work / 'pretrained.pth').touch()
    (work / 'last_checkpoint').write_text('/moved/epoch_1.pth')
    assert checkpoints_in(work) == [work / 'epoch_1.pth']
    assert latest_checkpoint(work) == work / 'epoch_1.pth' and latest_checkpoint(other) is None
    for resumed in (None, str(other / 'epoch_1.pth')):  # continuing another run here would overwrite this one
        text = refusal(work, resumed, overwrite=False)
        assert 'holds the checkpoints of an earlier run (epoch_1.pth): continue it with --resume' in text
    with claim_training(str(work), str(work / 'epoch_1.pth'), False) as clear:
        clear()
        assert (work / 'epoch_1.pth').exists()
    with claim_training(str(work), None, True) as clear:
        assert (work / 'epoch_1.pth').exists()  # not before everything is built
        clear()
        assert sorted(p.name for p in work.iterdir()) == ['.lock', 'pretrained.pth']
    assert (other / 'epoch_1.pth').exists()


def test_only_leftovers_of_checkpoints_in_this_folder_are_removed(tmp_path):
    outside = tmp_path / 'outside.pth'
    outside.touch()
    work = tmp_path / 'work'
    (work / 'sub').mkdir(parents=True)
    gone = ['.epoch_3.a1b2_xyz.tmp.pth', '.best_MR-full-mAP_epoch_3.abcdefgh.tmp.pth', '.last_checkpoint.abcdefgh.tmp']
    kept = ['.epoch_3.pth', 'a.abcdefgh.tmp.pth', '.notes.abcdefgh.tmp', 'sub/.epoch_3.abcdefgh.tmp.pth']
    for name in gone + kept:
        (work / name).touch()
    (work / '.epoch_4.abcdefgh.tmp.pth').symlink_to(outside)
    with claim_training(str(work), None, False):
        assert not any((work / name).exists() for name in gone)
        assert all((work / name).exists() for name in kept) and (work / '.epoch_4.abcdefgh.tmp.pth').is_symlink()
    assert outside.exists()


def test_every_test_has_a_folder_of_its_own(tmp_path):
    names = []
    for _ in range(2):
        with claim_evaluation(tmp_path, 'a/b/epoch_1.pth', 'val') as folder:
            names.append(folder.relative_to(tmp_path).as_posix())
            (folder / 'metrics.json').write_text('{}')
            os.utime(folder / 'metrics.json', ns=(len(names), len(names)))
    assert names == ['test/epoch_1-val', 'test/epoch_1-val-2']
    assert find_metrics(tmp_path) == tmp_path / 'test/epoch_1-val-2/metrics.json'
    with claim_evaluation(tmp_path, 'epoch_1.pth', 'val') as folder:
        assert folder.name == 'epoch_1-val-3'
    with claim_evaluation(tmp_path, 'epoch_1.pth', 'val') as folder:  # the last one left no metrics
        assert folder.name == 'epoch_1-val-3'
    with claim_evaluation(tmp_path, 'http://host/../x y.pth?a=1', '../../etc') as folder:
        assert folder.parent == tmp_path / 'test' and '/' not in folder.name and ' ' not in folder.name
    with pytest.raises(UserError, match='no finished test'):
        find_metrics(tmp_path / 'elsewhere')


def test_a_lock_can_be_taken_again(tmp_path):
    assert acquire(tmp_path) is None and acquire(tmp_path) is None
    release(tmp_path)
    release(tmp_path)
    assert acquire(tmp_path) is None
    release(tmp_path)
