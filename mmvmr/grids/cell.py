"""Run one cell of a grid: ``python -m mmvmr.grids.cell FOLDER`` (what slurm jobs do)."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmvmr.grids.cells import CONFIG, FAILED, LOG, PLAN, RESULT
from mmvmr.grids.grid import ROBUSTNESS
from mmvmr.utils import read_json, write_json
from mmvmr.utils.cli import UserError
from mmvmr.utils.paths import configs_dir

#: Starts a tool: (script in ``tools``, its arguments, log file, environment, lock to hand on) -> exit status.
Launch = Callable[[str, Sequence[str], Path, Mapping[str, str], int], int]
TAIL = 12


class CellFailed(UserError):
    """A tool ended with an error."""


class CellBusy(UserError):
    """Another process runs the cell."""


class Launcher:
    """Starts tools as processes of their own and can end those that run."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen] = set()
        self._lock = threading.Lock()
        self.stopped = False

    def __call__(self, tool: str, arguments: Sequence[str], log: Path, env: Mapping[str, str], lock: int) -> int:
        """Run a tool.

        Args:
            tool: Script in ``tools``.
            arguments: Its command line.
            log: Where its output is appended.
            env: Additions to the environment.
            lock: Open file that the tool keeps: should this process be killed, the cell stays locked while it runs.

        Returns:
            Its exit status; negative where a signal ended it.
        """
        root = configs_dir().parent
        path = os.pathsep.join(filter(None, (str(root), os.environ.get('PYTHONPATH'))))
        with open(log, 'ab') as out, self._lock:
            if self.stopped:
                return -2
            process = subprocess.Popen(
                [sys.executable, '-u', str(root / 'tools' / tool), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **env, 'PYTHONPATH': path},
                pass_fds=(lock,),
            )
            self._running.add(process)
        try:
            return process.wait()
        finally:
            with self._lock:
                self._running.discard(process)

    def stop(self) -> None:
        """End what runs, and start nothing any more."""
        with self._lock:
            self.stopped = True
            for process in self._running:
                process.terminate()


def run_cell(folder: str | Path, launch: Launch | None = None, env: Mapping[str, str] | None = None) -> None:
    """Do what is not done yet: train (from the latest checkpoint), then evaluate.

    Args:
        folder: Folder of the cell, with its plan.
        launch: Starts a tool.
        env: Additions to the environment of the tools.

    Raises:
        CellFailed: If a tool fails; the end of its output is kept in ``failed.json``.
        CellBusy: If another process runs the cell.
    """
    folder = Path(folder)
    with _lock(folder) as lock:
        cell = _Run(folder, launch or Launcher(), dict(env or {}), lock)
        (folder / FAILED).unlink(missing_ok=True)
        cell.train()
        for evaluation in read_json(folder / PLAN)['evaluations']:
            cell.evaluate(evaluation)


@contextmanager
def _lock(folder: Path) -> Iterator[int]:
    """Only one process at a time; the kernel releases the lock however it ends."""
    with open(folder / 'lock', 'w') as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CellBusy(f'{folder} is run by another process') from None
        yield handle.fileno()


class _Run:
    """The steps of a cell; each is remembered in ``result.json`` when it is complete."""

    def __init__(self, folder: Path, launch: Launch, env: dict[str, str], lock: int) -> None:
        self.folder = folder
        self.launch = launch
        self.env = env
        self.lock = lock
        path = folder / RESULT
        self.done: dict[str, Any] = read_json(path) if path.is_file() else {'trained': False, 'evaluations': {}}

    def train(self) -> None:
        if self.done['trained']:
            return
        work_dir = self.folder / 'train'
        self._tool('training', 'train.py', str(self.folder / CONFIG), '--work-dir', str(work_dir), '--resume')
        self.done['trained'] = True
        write_json(self.folder / RESULT, self.done)

    def evaluate(self, evaluation: Mapping[str, Any]) -> None:
        key = evaluation['key']
        if key in self.done['evaluations']:
            return
        checkpoint = find_checkpoint(self.folder / 'train', evaluation['checkpoint'])
        out = self.folder / key
        arguments = [str(self.folder / evaluation['config']), str(checkpoint), *evaluation['arguments']]
        if evaluation['name'] == ROBUSTNESS:
            result = out / 'robustness.json'
            self._tool(key, evaluation['tool'], *arguments, '--out', str(result))
            metrics = robustness_figures(read_json(result))
        else:
            self._tool(key, evaluation['tool'], *arguments, '--work-dir', str(out))
            metrics = read_json(out / 'metrics.json')['metrics']
        self.done['evaluations'][key] = {'checkpoint': checkpoint.name, 'metrics': metrics}
        write_json(self.folder / RESULT, self.done)

    def _tool(self, step: str, tool: str, *arguments: str) -> None:
        log = self.folder / LOG
        start = log.stat().st_size if log.is_file() else 0
        status = self.launch(tool, arguments, log, self.env, self.lock)
        if status == 0:
            return
        if status > 0:  # ended by a signal: interrupted, not failed
            with open(log, 'rb') as text:
                text.seek(start)
                lines = [line for line in text.read().decode(errors='replace').splitlines() if line.strip()]
            write_json(self.folder / FAILED, {'step': step, 'status': status, 'log': lines[-TAIL:]})
            raise CellFailed(f'{step} ended with exit status {status}')
        raise CellFailed(f'{step} was ended by signal {-status}')


def find_checkpoint(work_dir: Path, which: str) -> Path:
    """The checkpoint of a training that is evaluated.

    Args:
        work_dir: Of the training.
        which: ``best`` by the validation metric, or ``last``.

    Returns:
        The file.

    Raises:
        UserError: If there is none.
    """
    if which == 'best':
        found = sorted(work_dir.glob('best_*.pth'), key=lambda path: path.stat().st_mtime)
    else:
        pointer = work_dir / 'last_checkpoint'
        found = [work_dir / Path(pointer.read_text(encoding='utf-8').strip()).name] if pointer.is_file() else []
    if not found or not found[-1].is_file():
        raise UserError(
            f"{work_dir}: no {which} checkpoint. For checkpoint='best' the config needs a validation and "
            'default_hooks.checkpoint.save_best'
        )
    return found[-1]


def robustness_figures(report: Mapping[str, Any]) -> dict[str, Any]:
    """What ``robustness.py`` found, by short paths.

    Args:
        report: Its JSON file.

    Returns:
        ``val/spurious_zero/mAP`` (split, probe, figure), ``val/frame_probability/inside``.
    """
    return {path.replace('/probes/', '/', 1): value for path, value in flatten(report['splits']).items()}


def flatten(content: Any, prefix: str = '') -> dict[str, Any]:
    """Nested dicts as one with paths: ``{'a': {'b': 1}}`` becomes ``{'a/b': 1}``.

    Args:
        content: From a JSON file.
        prefix: Path so far.

    Returns:
        Numbers and None by path.
    """
    if isinstance(content, dict):
        flat: dict[str, Any] = {}
        for key, value in content.items():
            flat.update(flatten(value, f'{prefix}/{key}' if prefix else str(key)))
        return flat
    is_number = isinstance(content, (int, float)) and not isinstance(content, bool)
    return {prefix: content} if is_number or content is None else {}


def main() -> int:
    """Entry point."""
    if len(sys.argv) != 2:
        print('usage: python -m mmvmr.grids.cell FOLDER', file=sys.stderr)
        return 2
    try:
        run_cell(sys.argv[1])
    except UserError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
