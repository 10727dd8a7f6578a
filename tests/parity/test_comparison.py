"""The recorded numbers of every published implementation, and a check that can fail."""

import json
import shutil

import numpy as np
import pytest
import torch

from mmvmr.conversion import METHODS
from parity import Group, check_folder
from parity.groups import scaled_difference
from parity.recording import split_indices


@pytest.fixture(params=sorted(METHODS))
def folder(request, shared_dir):
    path = shared_dir / 'parity' / request.param
    if not path.is_dir():
        pytest.skip(f'no recorded numbers of {request.param}')
    return path


def test_recorded_numbers(folder):
    failed = [(g.name, g.worst, g.where, g.missing) for g in check_folder(folder) if not g.passed]
    assert not failed


@pytest.mark.parametrize('file', ['outputs', 'losses'])
def test_a_changed_number_fails(shared_dir, tmp_path, file):
    copy = tmp_path / 'moment_detr'
    shutil.copytree(shared_dir / 'parity' / 'moment_detr', copy)
    copy.chmod(0o755)
    path = copy / f'{file}.npz'
    arrays = dict(np.load(path))
    name = {'outputs': 'inter.hs', 'losses': 'loss_giou'}[file]
    arrays[name] = arrays[name] + np.float32(1e-3)
    path.unlink()
    np.savez(path, **arrays)
    failed = [g for g in check_folder(copy) if not g.passed]
    assert [g.where for g in failed] == [name]


def test_an_array_without_counterpart_fails(shared_dir, tmp_path):
    copy = tmp_path / 'moment_detr'
    shutil.copytree(shared_dir / 'parity' / 'moment_detr', copy)
    copy.chmod(0o755)
    path = copy / 'outputs.npz'
    arrays = dict(np.load(path), unheard_of=np.zeros(3))
    path.unlink()
    np.savez(path, **arrays)
    assert [g.missing for g in check_folder(copy) if not g.passed] == [['unheard_of']]


def test_a_file_that_nothing_is_compared_with_fails(shared_dir, tmp_path):
    copy = tmp_path / 'moment_detr'
    shutil.copytree(shared_dir / 'parity' / 'moment_detr', copy)
    copy.chmod(0o755)
    shutil.copy(copy / 'losses.npz', copy / 'losses_unheard_of.npz')
    assert [g.missing for g in check_folder(copy) if not g.passed] == [['losses_unheard_of.npz']]


def test_unknown_repository(tmp_path):
    (tmp_path / 'config.json').write_text(json.dumps({'repo': 'nobody/nothing', 'args': {}}))
    with pytest.raises(ValueError, match=r'nobody/nothing.*is not a known implementation'):
        list(check_folder(tmp_path))


def test_an_empty_group_and_nan_do_not_pass():
    empty, poisoned = Group('empty', 1.0), Group('nan', 1.0)
    poisoned.add('x', float('nan'))
    assert not empty.passed
    assert not poisoned.passed


def test_scaled_difference_is_relative_above_one():
    assert scaled_difference(torch.tensor([101.0]), torch.tensor([100.0])) == pytest.approx(0.01)
    assert scaled_difference(torch.tensor([0.11]), torch.tensor([0.1])) == pytest.approx(0.01, rel=1e-4)
    assert scaled_difference(torch.zeros(2), torch.zeros(3)) == float('inf')


def test_index_layouts_agree():
    pred, tgt, batch = torch.tensor([4, 7, 1]), torch.tensor([1, 0, 0]), torch.tensor([0, 0, 1])
    expected = torch.stack((batch, pred, tgt))
    one = {'indices.batch': batch, 'indices.pred': pred, 'indices.tgt': tgt, 'loss_span': torch.ones(())}
    two = {'indices_final.batch': batch, 'indices_final.src': pred, 'indices_final.tgt': tgt}
    three = {'match.0.pred': pred[:2], 'match.0.tgt': tgt[:2], 'match.1.pred': pred[2:], 'match.1.tgt': tgt[2:]}
    for recorded in (one, two, three):
        losses, indices = split_indices(recorded)
        assert list(indices) == ['']
        assert torch.equal(indices[''], expected)
        assert list(losses) == (['loss_span'] if recorded is one else [])
    assert torch.equal(split_indices({f'aux_0.{k}': v for k, v in one.items() if 'ind' in k})[1]['.0'], expected)
