"""The page of training steps on a CPU, on tiny sizes. Nothing is timed."""

import argparse

import pytest
import torch

from mmvmr.cli.main import main
from mmvmr.engine import step_report


def test_the_page_on_a_cpu(tmp_path, monkeypatch, capsys):
    trained = []
    monkeypatch.setattr(step_report, 'run_child', lambda words: trained.append(words) or (1.0, 90.0))
    sizes = ['--batch', '2', '--clips', '8', '--words', '4', '--rounds', '1', '--most-batch', '3', '--device', 'cpu']
    models = ['--model', 'qd_detr_clip_charades', '--modes', 'float32', 'bf16']
    out = tmp_path / 'report.md'
    options = ['--train', 'sa_detr_synthetic', '--train-options', '--cfg-options', 'train_cfg.max_epochs=1']
    assert main(['benchmark', 'gpu', *models, *sizes, '--out', str(out), *options]) == 0
    text = out.read_text()
    assert text in capsys.readouterr().out
    rows = [[cell.strip() for cell in line.strip('|').split('|')] for line in text.splitlines() if '| ' in line]
    steps = [row for row in rows if row[:2] == ['qd_detr_clip_charades', 'float32']]
    assert steps[0][4] == '1.00' and steps[0][6] == '-'  # against itself; a CPU has no utilisation
    assert steps[1][2] == '2'  # doubled from 1, and 4 is more than 3
    assert trained[0][:2] == ['train', 'sa_detr_synthetic'] and trained[0][-1] == 'train_cfg.max_epochs=1'
    assert '1.5 minutes by the clock' in text


def test_the_largest_batch_that_fits(monkeypatch):
    def build(name, mode, sizes, device):
        def step():
            if sizes.batch > 5:
                raise torch.OutOfMemoryError('no memory')

        return step

    monkeypatch.setattr(step_report, 'build_step', build)
    sizes = argparse.Namespace(batch=32, clips=8, words=4)
    assert step_report.largest_batch('x', 'float32', sizes, torch.device('cpu'), 64) == 4
    monkeypatch.setattr(step_report, 'build_step', lambda *_: pytest.fail)
    assert step_report.largest_batch('x', 'float32', sizes, torch.device('cpu'), 0) == 0


def test_products_are_rounded_only_inside():
    before = torch.backends.cuda.matmul.allow_tf32
    with step_report.matrix_products(not before):
        assert torch.backends.cuda.matmul.allow_tf32 is not before
    assert torch.backends.cuda.matmul.allow_tf32 is before
