"""The benchmark of the finder: its arithmetic, and the command on tiny sizes. Nothing is timed."""

import argparse
import json

import pytest

from mmvmr.apis.benchmark import run_child, summarise
from mmvmr.cli.benchmark import model_options
from mmvmr.cli.main import main


def test_rates_by_hand():
    # 100, 50 and 200 pairs per second against 10, 10 and 10.
    rates = summarise([(100, 1.0), (100, 2.0), (100, 0.5)], [(10, 1.0), (20, 2.0), (5, 0.5)])
    assert (rates.together, rates.apart, rates.ratio) == (100, 10, 10)
    # The ratio is taken within a round: 8 / 4 and 2 / 1, however slow the machine was in the second.
    assert summarise([(8, 1.0), (8, 4.0)], [(4, 1.0), (4, 4.0)]).ratio == 2


def test_model_options():
    common = dict(config='qd_detr_qvhl', checkpoint=None, spec=None, device='cpu', window=None)
    args = argparse.Namespace(**common, half=None)
    assert model_options(args) == ['--config', 'qd_detr_qvhl', '--device', 'cpu']
    args.half = False
    assert model_options(args)[-1] == '--no-half'
    assert model_options(args, ('device',)) == ['--device', 'cpu']


@pytest.mark.parametrize('config', [None, 'qd_detr_clip_charades'])
def test_the_command_on_tiny_sizes(tmp_path, capsys, config):
    sizes = ['--sentences', '3', '--videos', '2', '--seconds', '8', '--rounds', '1', '--alone', '2', '--lengths']
    model = ['--config', config] if config else []
    assert main(['benchmark', 'find', *sizes, '--out', str(tmp_path / 'x.json'), '--device', 'cpu', *model]) == 0
    figures = json.loads((tmp_path / 'x.json').read_text())
    for name in ('3 x 1', '1 x 2'):
        assert figures[name]['ratio'] == pytest.approx(figures[name]['together'] / figures[name]['apart'])
    assert '3 sentences x 1 videos: ' in capsys.readouterr().out


@pytest.mark.slow
def test_memory_is_that_of_another_process(tmp_path):
    sizes = ['--sentences', '1', '--videos', '1', '--seconds', '4', '--rounds', '1', '--alone', '1', '--lengths', '20']
    assert main(['benchmark', 'find', *sizes, '--out', str(tmp_path / 'x.json'), '--device', 'cpu']) == 0
    assert 50 < json.loads((tmp_path / 'x.json').read_text())['peak MB of 20 s'] < 5000
    with pytest.raises(RuntimeError, match=r'mmvmr find .*: error: .*no such video'):
        run_child(['find', str(tmp_path / 'absent.mp4'), 'a dog'])
