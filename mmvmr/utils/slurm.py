"""Job arrays on Slurm, through submitit."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import submitit

from mmvmr.utils.errors import UserError
from mmvmr.utils.paths import configs_dir

#: Minutes of a job without ``time=``, and how often a job is queued again.
MINUTES, REQUEUES = 60 * 24, 10


def submit_array(
    work: Sequence[Callable[[], Any]],
    folder: Path,
    name: str,
    partition: str,
    options: Sequence[str] = (),
    parallel: int | None = None,
) -> tuple[list[Any], int]:
    """Submit work as one job array.

    Args:
        work: What the jobs do; it is pickled.
        folder: Folder of the logs, on a disk that all machines see.
        name: Name of the jobs.
        partition: Slurm partition.
        options: Further options of sbatch without the dashes: ``gres=gpu:1``, ``time=08:00:00``, ``exclusive``.
        parallel: Number of jobs that may run at once.

    Returns:
        The jobs, and the minutes after which one is queued again.

    Raises:
        UserError: If Slurm is not installed or refuses the jobs.
    """
    flags: dict[str, Any] = {
        key: value if equals else True for key, equals, value in (o.partition('=') for o in options)
    }
    minutes = slurm_minutes(flags.pop('time', str(MINUTES)))
    executor = make_executor(
        submitit.SlurmExecutor,
        folder,
        job_name=name,
        partition=partition,
        time=minutes,
        array_parallelism=parallel or len(work),
        setup=['export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-1}"'],
        additional_parameters=flags,
    )
    try:
        return executor.submit_array(list(work)), minutes
    except (submitit.core.utils.FailedJobError, submitit.core.utils.FailedSubmissionError) as error:
        raise UserError(f'--slurm: sbatch: {" ".join(str(error).split())}') from error


def make_executor(kind: type, folder: Path, **parameters: Any) -> Any:
    """An executor of submitit whose jobs import mmvmr from where it is imported here.

    Args:
        kind: Its class.
        folder: Folder of the logs.
        **parameters: Of the jobs.

    Raises:
        UserError: If Slurm is asked for and not installed.
    """
    paths = [str(configs_dir().parent), *filter(None, os.environ.get('PYTHONPATH', '').split(os.pathsep))]
    os.environ['PYTHONPATH'] = os.pathsep.join(dict.fromkeys(paths))
    try:
        executor = kind(folder, max_num_timeout=REQUEUES)
    except RuntimeError as error:
        raise UserError('--slurm: srun is not installed on this machine') from error
    executor.update_parameters(stderr_to_stdout=True, **parameters)
    return executor


def slurm_minutes(text: str) -> int:
    """Minutes of a time of Slurm.

    Args:
        text: ``90``, ``08:00:00``, ``2-12`` (days and hours), ``2-12:30:00``.

    Returns:
        Minutes, rounded up.

    Raises:
        UserError: If it is not a time.
    """
    match = re.fullmatch(r'(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?', text)
    if match is None:
        raise UserError(f'--slurm: time={text}, expected minutes, HH:MM:SS or DAYS-HH:MM:SS')
    days, *clock = (int(part or 0) for part in match.groups())
    hours, minutes, seconds = clock if match[1] or match[4] else [0, *clock[:2]]
    return math.ceil((days * 24 + hours) * 60 + minutes + seconds / 60)
