"""Job arrays, with an sbatch that only takes notes."""

import os
import subprocess

import pytest
import submitit

from mmvmr.grids.cells import plan
from mmvmr.grids.grid import load_grid
from mmvmr.grids.run import submit_slurm
from mmvmr.utils.cli import UserError
from mmvmr.utils.slurm import slurm_minutes


@pytest.fixture
def cells(write_grid, tmp_path):
    return plan(load_grid(write_grid()).select(['plain']), tmp_path / 'work')


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """The commands of Slurm; what sbatch is given is copied to a file."""
    folder, script = tmp_path / 'bin', tmp_path / 'submitted.sh'
    folder.mkdir()
    states = 'JobID|State|NodeList\\n71_0|RUNNING|node1\\n71_1|PENDING|\\n'
    (folder / 'sbatch').write_text(f'#!/bin/sh\ncat "$1" >> {script}\necho "Submitted batch job 71"\n')
    (folder / 'sacct').write_text(f'#!/bin/sh\nprintf "{states}"\n')
    (folder / 'srun').write_text('#!/bin/sh\n')
    for command in folder.iterdir():
        command.chmod(0o755)
    monkeypatch.setenv('PATH', f'{folder}{os.pathsep}{os.environ["PATH"]}')
    submitit.SlurmJob.watcher.clear()
    return script


def test_cells_are_submitted_once_as_an_array(cells, slurm, tmp_path):
    submit_slurm(cells, 'gpu', ['gres=gpu:1', 'time=08:00:00', 'exclusive'], 1, lambda line: None)
    text = slurm.read_text()
    for line in ('partition=gpu', 'gres=gpu:1', 'time=480', 'exclusive', 'array=0-1%1', 'signal=USR2@90'):
        assert f'#SBATCH --{line}\n' in text
    assert 'export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-1}"\n' in text
    subprocess.run(['bash', '-n', slurm], check=True)
    assert [(cell.folder / 'job_id.txt').read_text() for cell in cells] == ['71_0', '71_1']
    jobs = [submitit.SlurmJob(tmp_path / 'work' / 'jobs', f'71_{i}').submission().function for i in range(2)]
    assert [job.cell.folder for job in jobs] == [cell.folder for cell in cells]
    assert jobs[1].cell.config.to_dict() == cells[1].config.to_dict()
    lines = []
    submit_slurm(cells, 'gpu', [], report=lines.append)
    assert slurm.read_text() == text
    assert lines == ['plain, seed 0: job 71_0 is queued or runs', 'plain, seed 1: job 71_1 is queued or runs']


def test_refusals(cells, slurm, tmp_path, monkeypatch):
    (tmp_path / 'bin' / 'sbatch').write_text('#!/bin/sh\necho "invalid partition specified: gpu" >&2\nexit 1\n')
    with pytest.raises(UserError, match=r'--slurm: sbatch: .*invalid partition specified: gpu'):
        submit_slurm(cells, 'gpu', [], report=lambda line: None)
    assert not (cells[0].folder / 'job_id.txt').exists()
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(UserError, match='--slurm: srun is not installed on this machine'):
        submit_slurm(cells, 'gpu', [])


@pytest.mark.parametrize(
    ('text', 'minutes'),
    [
        ('90', 90),
        ('08:00:00', 480),
        ('30:30', 31),
        ('2-12', 3600),
        ('1-00:30', 1470),
        ('1-02:03:01', 1564),
    ],
)
def test_times(text, minutes):
    assert slurm_minutes(text) == minutes


@pytest.mark.parametrize('text', ['8h', '1:2:3:4', ''])
def test_times_that_are_none(text):
    with pytest.raises(UserError, match='expected minutes, HH:MM:SS or DAYS-HH:MM:SS'):
        slurm_minutes(text)
