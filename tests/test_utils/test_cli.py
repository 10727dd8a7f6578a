"""Changing a config from the command line."""

import pytest

from mmvmr.utils.cli import UserError, load_config


@pytest.fixture
def config(repo_dir):
    return str(repo_dir / 'configs' / 'qd_detr' / 'qd_detr_qvhl.py')


@pytest.mark.parametrize('order', [1, -1])
def test_an_entry_is_added_in_one_command(config, order):
    options = [('default_hooks.ema.type', 'MomentEMAHook'), ('default_hooks.ema.momentum', 0.002)][::order]
    assert load_config(config, dict(options)).default_hooks.ema == {'type': 'MomentEMAHook', 'momentum': 0.002}


def test_an_entry_without_a_type_is_refused(config):
    with pytest.raises(UserError, match=r'`default_hooks` has no key `emaa`.*default_hooks\.emaa\.type='):
        load_config(config, {'default_hooks.emaa.momentum': 0.002})
