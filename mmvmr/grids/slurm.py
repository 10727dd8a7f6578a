"""Submit the cells of a grid as slurm jobs."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence

from mmvmr.grids.cells import Cell
from mmvmr.utils import atomic_write
from mmvmr.utils.cli import UserError
from mmvmr.utils.paths import configs_dir

SCRIPT, JOB = 'job.sh', 'job_id.txt'


def job_script(cell: Cell, partition: str, options: Sequence[str]) -> str:
    """The script of one cell.

    Args:
        cell: The cell.
        partition: Slurm partition.
        options: More options of sbatch, without the dashes: ``gres=gpu:1``, ``time=08:00:00``.

    Returns:
        A bash script.
    """
    path = os.pathsep.join(filter(None, (str(configs_dir().parent), os.environ.get('PYTHONPATH'))))
    folder = cell.folder.absolute()
    lines = [
        '#!/usr/bin/env bash',
        f'#SBATCH --partition={partition}',
        f'#SBATCH --job-name={cell.row}-seed{cell.seed}',
        f'#SBATCH --output={folder}/slurm-%j.txt',
        *(f'#SBATCH --{option}' for option in options),
        f'cd {shlex.quote(os.getcwd())}',
        f'export PYTHONPATH={shlex.quote(path)}',
        'export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-1}"',
        f'exec {shlex.quote(sys.executable)} -m mmvmr.grids.cell {shlex.quote(str(folder))}',
    ]
    return '\n'.join(lines) + '\n'


def submit(
    cells: Sequence[Cell], partition: str, options: Sequence[str], report: Callable[[str], None] = print
) -> None:
    """Submit every cell that is neither finished nor queued.

    Args:
        cells: The cells.
        partition: Slurm partition.
        options: As for :func:`job_script`.
        report: Gets one line per event.

    Raises:
        UserError: If sbatch refuses a job.
    """
    for cell in cells:
        if cell.state() == 'finished':
            continue
        job = cell.folder / JOB
        if job.is_file() and _queued(job.read_text(encoding='utf-8').strip()):
            report(f'{cell.name}: job {job.read_text(encoding="utf-8").strip()} is queued or runs')
            continue
        cell.write()
        with atomic_write(cell.folder / SCRIPT) as temporary:
            temporary.write_text(job_script(cell, partition, options), encoding='utf-8')
        number = _run('sbatch', '--parsable', str(cell.folder / SCRIPT)).split(';')[0]
        with atomic_write(job) as temporary:
            temporary.write_text(number, encoding='utf-8')
        report(f'{cell.name}: submitted as job {number}')


def _queued(number: str) -> bool:
    try:
        return bool(_run('squeue', '--noheader', f'--jobs={number}'))
    except UserError:  # slurm forgets finished jobs
        return False


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise UserError(f'--slurm: {command[0]} is not installed on this machine') from None
    if done.returncode != 0:
        raise UserError(f'--slurm: {shlex.join(command)}: {" ".join(done.stderr.split())}')
    return done.stdout.strip()
