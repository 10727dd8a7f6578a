"""Submitted scripts, with an sbatch that only takes notes."""

import os
import subprocess

import pytest

from mmvmr.grids import load_grid, plan, submit
from mmvmr.utils.cli import UserError


@pytest.fixture
def cells(write_grid, tmp_path):
    return plan(load_grid(write_grid()).select(['plain']), tmp_path / 'work')


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Commands named sbatch and squeue."""
    folder = tmp_path / 'bin'
    folder.mkdir()
    notes = tmp_path / 'submitted.txt'
    (folder / 'sbatch').write_text(f'#!/bin/sh\necho "$@" >> {notes}\necho "71;cluster"\n')
    (folder / 'squeue').write_text('#!/bin/sh\necho "71 running"\n')
    for command in folder.iterdir():
        command.chmod(0o755)
    monkeypatch.setenv('PATH', f'{folder}{os.pathsep}{os.environ["PATH"]}')
    return notes


def test_jobs_are_submitted_once(cells, slurm):
    submit(cells, 'gpu', ['gres=gpu:1', 'time=08:00:00'], lambda line: None)
    scripts = [line.split()[-1] for line in slurm.read_text().splitlines()]
    assert scripts == [str(cell.folder / 'job.sh') for cell in cells]
    text = (cells[1].folder / 'job.sh').read_text()
    assert '#SBATCH --partition=gpu\n' in text and '#SBATCH --gres=gpu:1\n' in text
    assert text.rstrip().endswith(f'-m mmvmr.grids.cell {cells[1].folder}')
    assert (cells[1].folder / 'cell.json').is_file()
    subprocess.run(['bash', '-n', cells[1].folder / 'job.sh'], check=True)
    lines = []
    submit(cells, 'gpu', [], lines.append)  # squeue knows them
    assert len(slurm.read_text().splitlines()) == 2 and 'job 71 is queued or runs' in lines[0]


def test_slurm_must_be_there(cells, monkeypatch, tmp_path):
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(UserError, match='--slurm: sbatch is not installed'):
        submit(cells, 'gpu', [], lambda line: None)
