"""Running of cells through submitit: as processes on this machine, or as an array of Slurm jobs."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import submitit
import torch
from mmengine.config import Config

from mmvmr.engine.run_folder import find_metrics
from mmvmr.grids.cells import FAILED, JOB, LOG, RESULT, Cell, CellBusy, CellFailed
from mmvmr.grids.grid import ROBUSTNESS, Grid
from mmvmr.utils import atomic_write, read_json, write_json
from mmvmr.utils.cli import UserError, apply_options
from mmvmr.utils.code_version import code_version
from mmvmr.utils.paths import below, configs_dir
from mmvmr.utils.setup import apply_data_root
from mmvmr.utils.slurm import make_executor, submit_array

#: Minutes that submitit gives a local job.
LOCAL_MINUTES = 60 * 24 * 365
Report = Callable[[str], None]


def launch_tool(tool: str, arguments: Sequence[str], log: Path, env: Mapping[str, str], lock: int) -> int:
    """Run a script of ``tools`` and return its exit status, negative where a signal ended it.

    It ends with this process, and inherits the lock in case that one is killed.
    """
    command = [sys.executable, '-u', str(configs_dir().parent / 'tools' / tool), *arguments]
    env = {**os.environ, **env}
    with open(log, 'ab') as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, pass_fds=(lock,))
        try:
            return process.wait()
        finally:  # interrupted, or preempted on a cluster
            process.terminate()
            process.wait()


def run_cell(cell: Cell, env: Mapping[str, str] | None = None, launch: Callable[..., int] = launch_tool) -> None:
    """Train from the latest checkpoint and evaluate; finished steps are remembered and never repeated.

    Raises:
        CellFailed: If a tool fails; ``failed.json`` keeps the end of its output.
        CellBusy: If another process runs the cell.
    """
    cell.folder.mkdir(parents=True, exist_ok=True)
    with open(cell.folder / 'lock', 'w') as lock:  # the kernel releases it however the process ends
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CellBusy(f'{cell.folder} is run by another process') from None
        (cell.folder / FAILED).unlink(missing_ok=True)
        _Steps(cell, dict(env or {}), launch, lock.fileno()).run()


@dataclass
class _Steps:
    cell: Cell
    env: Mapping[str, str]
    launch: Callable[..., int]
    lock: int

    def run(self) -> None:
        folder, done = self.cell.folder, self.cell.result()
        config = self.config('config.py', {})
        if not done['trained']:
            if (code := code_version()) not in done.setdefault('code', []):  # goes on with other code
                done['code'].append(code)
                write_json(folder / RESULT, done)
            self.tool('training', 'train.py', config, '--work-dir', str(folder / 'train'), '--resume')
            done['trained'] = True
            write_json(folder / RESULT, done)
        for key, step in self.cell.evaluations.items():
            if key in done['evaluations']:
                continue
            checkpoint = self.checkpoint(step['checkpoint'])
            changed = self.config(f'{key}.py', step['options']) if step['options'] else config
            arguments = [changed, str(checkpoint), *step['arguments']]
            if step['name'] == ROBUSTNESS:
                report = folder / key / 'robustness.json'
                self.tool(key, step['tool'], *arguments, '--out', str(report))
                figures = flatten(read_json(report)['splits'])
                metrics = {path.replace('/probes/', '/', 1): value for path, value in figures.items()}
            else:
                self.tool(key, step['tool'], *arguments, '--work-dir', str(folder / key))
                metrics = read_json(find_metrics(folder / key))['metrics']
            done['evaluations'][key] = {'checkpoint': checkpoint.name, 'metrics': metrics}
            write_json(folder / RESULT, done)

    def config(self, name: str, options: Mapping[str, Any]) -> str:
        cfg = Config(self.cell.config.to_dict())
        apply_options(cfg, options, name)
        with atomic_write(self.cell.folder / name) as temporary:
            temporary.write_text(cfg.pretty_text, encoding='utf-8')
        return str(self.cell.folder / name)

    def tool(self, step: str, tool: str, *arguments: str) -> None:
        log = self.cell.folder / LOG
        start = log.stat().st_size if log.is_file() else 0
        status = self.launch(tool, arguments, log, self.env, self.lock)
        if status > 0:
            lines = log.read_bytes()[start:].decode(errors='replace').splitlines()
            lines = [line for line in lines if line.strip()][-12:]
            write_json(self.cell.folder / FAILED, {'step': step, 'status': status, 'log': lines})
            raise CellFailed(f'{step} ended with exit status {status}')
        if status < 0:  # interrupted, not failed
            raise CellFailed(f'{step} was ended by signal {-status}')

    def checkpoint(self, which: str) -> Path:
        folder = self.cell.folder / 'train'
        pointer = folder / 'last_checkpoint'
        paths = sorted(folder.glob('best_*.pth'), key=lambda path: path.stat().st_mtime)
        if which == 'last':
            paths = [folder / Path(pointer.read_text(encoding='utf-8').strip()).name] if pointer.is_file() else []
        if not paths or not paths[-1].is_file():
            remedy = 'best needs a validation and default_hooks.checkpoint.save_best'
            raise UserError(f'{folder}: no {which} checkpoint ({remedy})')
        return paths[-1]


def prepare_data(grid: Grid, cells: Sequence[Cell], report: Report = print) -> None:
    """Write the annotations that a script makes (``prepare`` of the grid) and that are not there yet.

    Args:
        grid: The grid. ``{data_root}`` in its arguments is that of the config, ``{out}`` the file to write.
        cells: Its cells; those that are finished need nothing.
        report: Gets one line per file.

    Raises:
        UserError: If a script fails, or a split lacks its annotations, which is better told before the training.
    """
    for cell in cells:
        if cell.state() == 'finished':
            continue
        for key, root, file in _annotation_files(cell):
            out = below(root, file)
            if out.exists() or (file not in grid.prepare and key == 'train_dataloader'):
                continue
            if file not in grid.prepare:
                raise UserError(f'{grid.path}: {key}, row {cell.row}: {out}: no such file')
            tool, *arguments = (word.format(data_root=root, out=out) for word in grid.prepare[file])
            report(f'{out} is written by {tool}')
            if status := subprocess.call([sys.executable, str(configs_dir().parent / 'tools' / tool), *arguments]):
                raise UserError(f'{grid.path}: prepare: {tool} ended with exit status {status}; it should write {out}')


def _annotation_files(cell: Cell) -> Iterator[tuple[str, str, str]]:
    """Key, data root and name of every annotation file that a cell reads."""
    splits = {f'splits.{step["name"]}': step['options'] for step in cell.evaluations.values()}
    for key, options in {'train_dataloader': {}, **splits}.items():
        cfg = Config(cell.config.to_dict())
        apply_options(cfg, options, key)
        apply_data_root(cfg)  # as the tools do
        dataset = cfg['train_dataloader' if key == 'train_dataloader' else 'test_dataloader'].dataset
        files = dataset.get('ann_file') or ()
        root = dataset.get('data_root') or ''
        yield from ((key, root, file) for file in ([files] if isinstance(files, str) else files))


def flatten(content: Any, prefix: str = '') -> dict[str, Any]:
    """Numbers and nulls of nested dicts by their paths: ``{'a': {'b': 1}}`` becomes ``{'a/b': 1}``."""
    if isinstance(content, dict):
        inner = [flatten(value, f'{prefix}/{key}'.lstrip('/')) for key, value in content.items()]
        return {path: value for part in inner for path, value in part.items()}
    return {prefix: content} if content is None or type(content) in (int, float) else {}


@dataclass
class CellJob:
    """The work of one submitted job: a cell, and additions to the environment of its tools."""

    cell: Cell
    env: Mapping[str, str] = field(default_factory=dict)

    def __call__(self) -> None:
        """Run the cell."""
        run_cell(self.cell, self.env)

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """The job to queue after a preemption: the same one, which resumes from what the tools have saved."""
        return submitit.helpers.DelayedSubmission(self)


def default_jobs() -> int:
    """One process per GPU; without a GPU one process with all cores."""
    return max(1, torch.cuda.device_count())


def slot_environment(slot: int, jobs: int) -> dict[str, str]:
    """Share of one of several processes: of the cores, unless ``OMP_NUM_THREADS`` is set, and one GPU."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    threads = os.environ.get('OMP_NUM_THREADS', str(max(1, cores // jobs)))
    # MKL prefers its own variable, and two of its threads on one free core wait for each other most of the time.
    env = {'OMP_NUM_THREADS': threads, 'MKL_NUM_THREADS': os.environ.get('MKL_NUM_THREADS', threads)}
    if torch.cuda.is_available():
        visible = os.environ.get('CUDA_VISIBLE_DEVICES', ','.join(map(str, range(torch.cuda.device_count()))))
        env['CUDA_VISIBLE_DEVICES'] = visible.split(',')[slot % len(visible.split(','))]
    return env


def run_local(cells: Sequence[Cell], jobs: int, report: Report = print, executor: Any = None) -> list[Cell]:
    """Run the unfinished cells on this machine, ``jobs`` at once, and return those that could not be finished.

    A failing cell does not stop the others. ``report`` gets one line per event.
    """
    waiting = [cell for cell in cells if cell.state() != 'finished']
    total, ended, unfinished = len(waiting), 0, []
    report(f'{len(cells) - total} of {len(cells)} cells are finished; {total} to run, {jobs} at a time')
    executor = executor or make_executor(
        submitit.LocalExecutor, cells[0].folder.parent.absolute() / 'jobs', timeout_min=LOCAL_MINUTES
    )
    running: dict[int, tuple[Cell, Any, float]] = {}
    try:
        while waiting or running:
            for slot in [slot for slot in range(jobs) if slot not in running][: len(waiting)]:
                cell = waiting.pop(0)
                report(f'{cell.name}: {"starts" if cell.state() == "new" else "goes on"} in {cell.folder}')
                job = executor.submit(CellJob(cell, slot_environment(slot, jobs)))
                running[slot] = (cell, job, time.monotonic())
            for slot, (cell, job, start) in list(running.items()):
                if job.done():
                    del running[slot]
                    ended += 1
                    done = cell.state() == 'finished'
                    unfinished += [] if done else [cell]
                    outcome = f'finished after {time.monotonic() - start:.0f} s' if done else _reason(job)
                    report(f'[{ended}/{total}] {cell.name}: {outcome}')
            time.sleep(0.2 if running else 0)
    finally:
        for _, job, _ in running.values():  # interrupted
            job.cancel()
    return unfinished


def submit_slurm(
    cells: Sequence[Cell], partition: str, options: Sequence[str], jobs: int | None = None, report: Report = print
) -> None:
    """Submit every cell that is neither finished nor queued as one job array; see :func:`submit_array`.

    Raises:
        UserError: If Slurm is not installed or refuses the jobs.
    """
    waiting = []
    for cell in cells:
        if cell.state() != 'finished' and not _queued(cell):
            waiting.append(cell)
        elif cell.state() != 'finished':
            report(f'{cell.name}: job {(cell.folder / JOB).read_text(encoding="utf-8")} is queued or runs')
    if not waiting:
        return
    folder = cells[0].folder.parent.absolute() / 'jobs'
    work = [CellJob(cell) for cell in waiting]
    submitted, minutes = submit_array(work, folder, 'grid', partition, options, jobs)
    for cell, job in zip(waiting, submitted):
        with atomic_write(cell.folder / JOB) as temporary:
            temporary.write_text(job.job_id, encoding='utf-8')
        report(f'{cell.name}: submitted as job {job.job_id}, queued again after at most {minutes} minutes')


def _reason(job: Any) -> str:
    messages = [line.partition(': ')[2] for line in str(job.exception()).splitlines() if line.startswith('mmvmr.')]
    return messages[-1] if messages else f'ended unexpectedly, see {job.paths.stdout}'


def _queued(cell: Cell) -> bool:
    states = ('PENDING', 'RUNNING', 'REQUEUED', 'SUSPENDED', 'COMPLETING')
    path = cell.folder / JOB
    return path.is_file() and submitit.SlurmJob.watcher.get_state(path.read_text(encoding='utf-8'), 'force') in states
