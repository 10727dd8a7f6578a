"""A grid of two tiny rows, and tools that do not run."""

import json
from pathlib import Path

import pytest

from mmvmr.grids.run import run_cell, run_local
from mmvmr.utils.cli import UserError
from mmvmr.utils.setup import register_all_modules

GRID = """
name = 'small'
title = 'A small grid'
base = 'qd_detr/qd_detr_qvhl.py'
seeds = [0, 1]
metrics = {'R1@0.7': 'MR-full-R1@0.7', 'ood mAP': 'ood/MR-full-mAP'}
splits = dict(test={}, ood={'test_dataloader.dataset.ann_file': 'other.jsonl'})
source = 'a paper'
rows = dict(
    plain=dict(label='QD-DETR', published={'R1@0.7': 47.02}),
    mask=dict(label='+ mask', components=['sa.gaussian'], options={'sa.gaussian.alpha': 1.0}, note='as printed'),
)
"""


@pytest.fixture(scope='session', autouse=True)
def _modules():
    register_all_modules(init_scope=False)


@pytest.fixture
def write_grid(tmp_path):
    """Write a grid file: the small one with replacements."""

    def write(*replacements, name='small.py'):
        text = GRID
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


class InlineExecutor:
    """Instead of an executor of submitit: runs every job at once, in this process."""

    def __init__(self, launch):
        self.launch = launch

    def submit(self, job):
        try:
            run_cell(job.cell, job.env, self.launch)
        except UserError as error:
            return InlineJob(f'Traceback\n{type(error).__module__}.{type(error).__name__}: {error}')
        return InlineJob(None)


class InlineJob:
    def __init__(self, error):
        self.error = error

    def done(self):
        return True

    def exception(self):
        return self.error


class FakeTools:
    """Instead of tools: notes what is called and leaves the files that they would leave.

    ``fail`` names parts of a command line that end with an exit status, after printing something.
    """

    def __init__(self, fail=None, values=None, checkpoints=True):
        self.calls, self.environments = [], []
        self.fail = fail or {}
        self.values = values or {}
        self.checkpoints = checkpoints

    def run(self, cells, jobs=1, report=lambda line: None):
        return run_local(cells, jobs, report, InlineExecutor(self))

    def __call__(self, tool, arguments, log, env, lock):
        line = ' '.join([tool, *arguments])
        self.calls.append(line)
        self.environments.append(dict(env))
        with open(log, 'a') as out:
            out.write(f'running {tool}\n')
        for part, status in self.fail.items():
            if part in line:
                with open(log, 'a') as out:
                    out.write('Traceback\nValueError: no luck\n')
                return status
        folder = Path(arguments[arguments.index('--out' if '--out' in arguments else '--work-dir') + 1])
        value = next((v for part, v in self.values.items() if part in line), 10.0)
        if tool == 'train.py':
            folder.mkdir(parents=True, exist_ok=True)
            if not self.checkpoints:
                return 0
            (folder / 'best_MR-full-mAP_epoch_3.pth').touch()
            (folder / 'epoch_4.pth').touch()
            (folder / 'last_checkpoint').write_text('/moved/elsewhere/epoch_4.pth')
        elif tool == 'test.py':
            folder = folder / 'test' / 'epoch_4-test'
            folder.mkdir(parents=True)
            metrics = {'MR-full-R1@0.7': value, 'MR-full-mAP': value / 2, 'MR-short-mAP': None}
            (folder / 'metrics.json').write_text(json.dumps({'metrics': metrics}))
        else:
            folder.parent.mkdir(parents=True)
            probes = {'spurious_zero': {'mAP': value, 'ratio': None}}
            report = {'splits': {'val': {'probes': probes, 'frame_probability': {'inside': 0.5, 'source': 'x'}}}}
            folder.write_text(json.dumps(report))
        return 0


@pytest.fixture
def fake_tools():
    return FakeTools
