import pytest
from mmengine.config import Config

from mmvmr.utils.setup import apply_data_root, check_data_roots


def _config(root, inner='elsewhere'):
    dataset = dict(type='MomentDataset', data_root=inner)
    loader = dict(dataset=dict(type='ConcatDataset', datasets=[dataset]))
    return Config(dict(data_root=root, train_dataloader=loader, val_dataloader=None))


def test_missing_data_root_says_what_to_do(tmp_path):
    cfg = _config(str(tmp_path / 'no data'))
    apply_data_root(cfg)
    with pytest.raises(FileNotFoundError) as error:
        check_data_roots(cfg)
    for part in ('data_root', str(tmp_path / 'no data'), 'docs/user_guides/data.md', 'surrogate', '--cfg-options'):
        assert part in str(error.value)


def test_home_folder_and_blanks(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path / 'my data').mkdir()
    cfg = _config('~/my data')
    apply_data_root(cfg)
    assert cfg.train_dataloader.dataset.datasets[0].data_root == str(tmp_path / 'my data')
    check_data_roots(cfg)


def test_data_sets_without_a_root(tmp_path):
    check_data_roots(Config(dict(train_dataloader=dict(dataset=dict(type='SyntheticMoments')))))
    check_data_roots(_config(None, inner=''))
    with pytest.raises(FileNotFoundError, match="data_root 'elsewhere'"):
        check_data_roots(_config(None))
