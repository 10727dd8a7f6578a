"""Cells of a grid: one config and one seed each, trained and evaluated in one folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from mmvmr.composition import compose
from mmvmr.composition.edits import add_import
from mmvmr.grids.grid import ROBUSTNESS, Grid
from mmvmr.utils import read_json
from mmvmr.utils.cli import BUILD_ERRORS, UserError, apply_options, describe, load_config
from mmvmr.utils.config_check import ConfigKeyError, check_config
from mmvmr.utils.precision import enable_amp

#: Files in the folder of a cell.
RESULT, FAILED, LOG, JOB = 'result.json', 'failed.json', 'log.txt', 'job_id.txt'


class CellFailed(UserError):
    """A tool ended with an error."""


class CellBusy(UserError):
    """Another process runs the cell."""


@dataclass(frozen=True)
class Cell:
    """One training and its evaluations.

    The name of the folder ends with a digest of the config: a changed config never finds the results of another one,
    and grids that share a config share the training. Equal evaluations, too, are shared by their digest.
    """

    row: str
    seed: int
    config: Config  # the whole one, seed included
    evaluations: Mapping[str, Mapping[str, Any]]  # NAME-DIGEST to name, tool, options, arguments, checkpoint
    folder: Path

    @property
    def name(self) -> str:
        """Name for messages."""
        return f'{self.row}, seed {self.seed}'

    def result(self) -> dict[str, Any]:
        """The finished steps: ``trained``, by which ``code``, and the evaluations with their metrics."""
        path = self.folder / RESULT
        return read_json(path) if path.is_file() else {'trained': False, 'evaluations': {}}

    def failure(self) -> dict[str, Any] | None:
        """Step, exit status and end of the log of a failed attempt, or None."""
        path = self.folder / FAILED
        return read_json(path) if path.is_file() else None

    def state(self) -> str:
        """``finished``, ``failed``, ``interrupted`` or ``new``."""
        if self.evaluations.keys() <= self.result()['evaluations'].keys():
            return 'finished'
        return 'failed' if self.failure() else 'interrupted' if (self.folder / LOG).is_file() else 'new'

    def metrics(self) -> dict[str, dict[str, Any]]:
        """Metrics of the finished evaluations by their names."""
        done = self.result()['evaluations']
        return {step['name']: done[key]['metrics'] for key, step in self.evaluations.items() if key in done}


def row_config(grid: Grid, name: str, overrides: Mapping[str, Any] | None = None) -> Config:
    """The config of a row: base, components, then the options of the grid, of the row and of the command line.

    Raises:
        UserError: If a component or an option does not fit; the message names file and row.
    """
    row, where = grid.rows[name], f'{grid.path}: rows.{name}'
    cfg = load_config(str(grid.config_of(name)))
    for package in grid.imports:
        add_import(cfg, package)
    of_components = {key: value for key, value in row.options.items() if key.rpartition('.')[0] in row.components}
    try:
        cfg = compose(cfg, list(row.components), of_components, lambda line: print_log(f'{where}: {line}', 'current'))
    except BUILD_ERRORS as error:
        raise UserError(f'{where}.components: {describe(error)}') from error
    of_config = {key: value for key, value in row.options.items() if key not in of_components}
    for options, source in ((grid.options, f'{grid.path}: options'), (of_config, f'{where}.options')):
        for key, value in options.items():
            if value is None and not _has(cfg, key):
                raise UserError(f'{source}: {key}=None removes nothing: the config has no such entry')
        apply_options(cfg, options, source)
    apply_options(cfg, overrides or {})
    try:
        check_config(cfg)
    except ConfigKeyError as error:
        raise UserError(f'{where}: {error}') from error
    return Config(cfg.to_dict())  # without the name and the text of the base file


def plan(
    grid: Grid,
    work_dir: str | Path,
    seeds: Sequence[int] | None = None,
    overrides: Mapping[str, Any] | None = None,
    amp: bool = False,
) -> list[Cell]:
    """All cells of a grid, row by row and seed by seed, in a folder that any number of grids may share.

    Seeds and dotted keys of the command line go before those of the grid; ``amp`` is bfloat16 autocast.

    Raises:
        UserError: If the config of a row cannot be composed, or two rows have the same one.
    """
    steps = [dict(name=name, tool='test.py', options=dict(o), arguments=()) for name, o in grid.splits.items()]
    if grid.robustness is not None:
        tool = 'analysis_tools/robustness.py'
        steps.append(dict(name=ROBUSTNESS, tool=tool, options={}, arguments=grid.robustness))
    steps = [dict(step, checkpoint=grid.checkpoint) for step in steps]
    evaluations = {f'{step["name"]}-{config_digest([*step.values()][1:], 6)}': step for step in steps}
    cells: list[Cell] = []
    row_of: dict[str, str] = {}
    for name in grid.rows:
        cfg = row_config(grid, name, overrides)
        first = row_of.setdefault(config_digest(cfg), name)
        if first != name:
            raise UserError(f'{grid.path}: the rows {first} and {name} have the same config, expected a difference')
        if amp:
            enable_amp(cfg)
        for seed in seeds or grid.seeds:
            seeded = Config(cfg.to_dict())
            seeded.randomness = dict(seeded.get('randomness') or {}, seed=seed)
            tail = f'seed{seed}-{config_digest(seeded)}'
            trained = sorted(Path(work_dir).glob(f'*-{tail}'))  # by whichever grid
            folder = trained[0] if trained else Path(work_dir, f'{grid.name}-{name}-{tail}')
            cells.append(Cell(name, seed, seeded, evaluations, folder))
    return cells


def config_digest(content: Any, length: int = 10) -> str:
    """Hexadecimal digits that change with every value of a config, or of what JSON can write."""
    content = content.to_dict() if isinstance(content, Config) else content
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _has(cfg: Config, key: str) -> bool:
    node: Any = cfg
    for name in key.split('.'):
        if isinstance(node, (list, tuple)):
            node = dict(enumerate(node)).get(int(name) if name.isdigit() else -1)
        else:
            node = node.get(name) if isinstance(node, (dict, Config)) else None
    return node is not None
