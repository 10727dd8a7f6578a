"""Run the cells of a grid as processes on this machine."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

import torch

from mmvmr.grids.cell import Launcher, run_cell
from mmvmr.grids.cells import Cell
from mmvmr.utils.cli import BUILD_ERRORS, UserError, describe


def default_jobs() -> int:
    """One process per GPU; without a GPU one process with all cores."""
    return max(1, torch.cuda.device_count())


def slot_environment(slot: int, jobs: int) -> dict[str, str]:
    """What a process may use: its share of the cores unless ``OMP_NUM_THREADS`` says how many, and one GPU if any.

    Args:
        slot: Number of the process, from 0.
        jobs: Number of processes that run at once.

    Returns:
        Additions to its environment.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    threads = os.environ.get('OMP_NUM_THREADS', str(max(1, cores // jobs)))
    # MKL prefers its own variable, and two of its threads on one free core wait for each other most of the time.
    env = {'OMP_NUM_THREADS': threads, 'MKL_NUM_THREADS': os.environ.get('MKL_NUM_THREADS', threads)}
    visible = os.environ.get('CUDA_VISIBLE_DEVICES')
    gpus = [str(number) for number in range(torch.cuda.device_count())] if visible is None else visible.split(',')
    if torch.cuda.is_available():
        env['CUDA_VISIBLE_DEVICES'] = gpus[slot % len(gpus)]
    return env


def run_local(
    cells: Sequence[Cell], jobs: int, report: Callable[[str], None] = print, launcher: Launcher | None = None
) -> list[Cell]:
    """Run what is not finished; a failing cell does not stop the others.

    Args:
        cells: The cells.
        jobs: Number of processes at once.
        report: Gets one line per event.
        launcher: Starts tools.

    Returns:
        The cells that could not be finished.
    """
    launcher = launcher or Launcher()
    todo = [cell for cell in cells if cell.state() != 'finished']
    report(f'{len(cells) - len(todo)} of {len(cells)} cells are finished; {len(todo)} to run, {jobs} at a time')
    slots: queue.SimpleQueue[int] = queue.SimpleQueue()
    for slot in range(jobs):
        slots.put(slot)
    for cell in todo:
        cell.write()

    def work(cell: Cell) -> float:
        slot, start = slots.get(), time.monotonic()
        try:
            if not launcher.stopped:
                report(f'{cell.name}: {"goes on" if cell.state() != "new" else "starts"} in {cell.folder}')
                run_cell(cell.folder, launcher, slot_environment(slot, jobs))
            return time.monotonic() - start
        finally:
            slots.put(slot)

    unfinished = []
    with ThreadPoolExecutor(jobs) as pool:
        try:
            futures = {pool.submit(work, cell): cell for cell in todo}
            for number, future in enumerate(as_completed(futures), start=1):
                cell = futures[future]
                try:
                    report(f'[{number}/{len(todo)}] {cell.name}: finished after {future.result():.0f} s')
                except (UserError, *BUILD_ERRORS) as error:
                    unfinished.append(cell)
                    report(f'[{number}/{len(todo)}] {cell.name}: {describe(error)}')
        except BaseException:
            launcher.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return unfinished
