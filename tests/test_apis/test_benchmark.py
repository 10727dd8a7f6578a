"""The benchmark of the finder: its arithmetic, and the command on tiny sizes. Nothing is timed."""

import argparse
import json
import math

import pytest
import torch

from mmvmr.apis.benchmark import Workload, config_finder, take_turns, workload
from mmvmr.cli.benchmark import model_options
from mmvmr.cli.main import main
from mmvmr.utils.complexity import count_flops
from mmvmr.utils.timing import run_child


def test_rates_by_hand():
    # 100 pairs in 1, 2 and 0.5 s against 10 pairs in 1, 2 and 4 s.
    work = Workload(100, print, 10, print, seconds=[(1.0, 1.0), (2.0, 2.0), (0.5, 4.0)])
    # The fastest rounds: 100 in 0.5 s, 10 in 1 s. The ratios of the rounds are 10, 10 and 80.
    assert work.rates() == (200, 10, 10)


def test_few_pairs_are_answered_as_often_as_many_alone():
    calls = []
    work = Workload(3, lambda: calls.append('together'), 10, lambda: calls.append('apart'))
    take_turns({'x': work}, torch.device('cpu'), rounds=2)
    assert calls == ['together'] * 3 + ['apart'] + ['together'] * 3 + ['apart'] and len(work.seconds) == 2


def test_operations_that_sentences_share():
    """With n sentences at once a pair takes (v / n + s) / (v + s) of the operations; v, the map, is nearly all."""
    finder = config_finder('mmn_clip_charades', device='cpu')
    work = workload(finder, 4, 1, seconds=16.0, alone=2)
    work.count()
    assert work.operations == pytest.approx(1 / 4, rel=0.02)
    work = workload(finder, 1, 2, seconds=16.0, alone=2)
    work.count()
    assert work.operations == pytest.approx(1, rel=0.001)


def test_another_model_answers_one_by_one():
    mmn, qd_detr = (config_finder(f'{name}_clip_charades', device='cpu') for name in ('mmn', 'qd_detr'))
    for finder in (mmn, qd_detr):
        finder.model.requires_grad_(False)
    both = [workload(finder, 2, 1, seconds=16.0, alone=2, against=qd_detr) for finder in (mmn, qd_detr)]
    assert (
        count_flops(both[0].apart)
        == count_flops(both[1].apart)
        == 2 * count_flops(workload(qd_detr, 1, 1, 16.0).together)
    )
    assert count_flops(both[0].together) == count_flops(workload(mmn, 2, 1, 16.0).together)


def test_operations_that_torch_does_not_see():
    work = Workload(2, list, 2, lambda: torch.ones(2, 2) @ torch.ones(2, 2))
    work.count()
    assert math.isnan(work.operations)


def test_model_options():
    args = argparse.Namespace(device='cpu', window=None, half=None)
    assert model_options(args) == ['--device', 'cpu']
    args.half, args.window = False, 20.0
    assert model_options(args) == ['--device', 'cpu', '--window', '20.0', '--no-half']


def test_speed_on_tiny_sizes(tmp_path, capsys):
    models = ['zero-shot', 'qd_detr_clip_charades', 'mmn_clip_charades']
    sizes = ['--sentences', '3', '--videos', '2', '--seconds', '8', '--rounds', '1', '--alone', '2', '--device', 'cpu']
    sizes += ['--against', 'qd_detr_clip_charades']
    assert main(['benchmark', 'find', *sizes, '--out', str(tmp_path / 'x.json'), '--model', *models]) == 0
    figures = json.loads((tmp_path / 'x.json').read_text())
    text = capsys.readouterr().out
    for model in models:
        for size in ('3 x 1', '1 x 2'):
            entry = figures[f'{model}: {size}']
            assert entry['ratio'] == pytest.approx(entry['together'] / entry['apart'])
            assert f'| {model} | {size} | ' in text


@pytest.mark.slow
def test_memory_is_that_of_another_process(tmp_path):
    sizes = ['--clips', '20', '--sentences', '1', '--rounds', '1', '--device', 'cpu']
    out = tmp_path / 'x.json'
    assert main(['benchmark', 'long', '--model', 'qd_detr_clip_charades', *sizes, '--out', str(out)]) == 0
    assert 50 < json.loads(out.read_text())['qd_detr_clip_charades: 20 x 1']['peak_mb'] < 5000
    with pytest.raises(RuntimeError, match=r'mmvmr find .*: error: .*no such video'):
        run_child(['find', str(tmp_path / 'absent.mp4'), 'a dog'])
