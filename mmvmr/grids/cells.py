"""Cells of a grid: one config and one seed each, in a folder that its config decides."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmvmr.grids.grid import ROBUSTNESS, Grid, Row
from mmvmr.utils import atomic_write, read_json, write_json
from mmvmr.utils.cli import BUILD_ERRORS, UserError, apply_options, describe, enable_amp, load_config

#: Files in the folder of a cell.
CONFIG, PLAN, RESULT, FAILED, LOG = 'config.py', 'cell.json', 'result.json', 'failed.json', 'log.txt'


@dataclass(frozen=True)
class Evaluation:
    """Something that is measured on the checkpoint of a cell.

    Attributes:
        name: A split, or ``robustness``.
        tool: Script in ``tools``.
        options: Dotted keys that are changed in the config for it.
        arguments: More words of its command line.
        checkpoint: ``best`` or ``last``.
    """

    name: str
    tool: str
    options: Mapping[str, Any]
    arguments: tuple[str, ...]
    checkpoint: str

    @property
    def key(self) -> str:
        """Name and digest: results of equal evaluations are shared."""
        content = [self.tool, dict(self.options), self.arguments, self.checkpoint]
        return f'{self.name}-{config_digest(content, 6)}'


@dataclass(frozen=True)
class Cell:
    """One training and its evaluations.

    Attributes:
        row: Name of the row.
        seed: The seed.
        config: The whole config, seed included.
        evaluations: What is measured.
        folder: Where everything of it is; its name ends with a digest of the config, so that a changed config never
            finds the results of another one, and grids that share a config share the training.
    """

    row: str
    seed: int
    config: Config
    evaluations: tuple[Evaluation, ...]
    folder: Path

    @property
    def name(self) -> str:
        """For messages."""
        return f'{self.row}, seed {self.seed}'

    def result(self) -> dict[str, Any]:
        """What has been finished so far; empty at first."""
        path = self.folder / RESULT
        return read_json(path) if path.is_file() else {}

    def failure(self) -> dict[str, Any] | None:
        """How the last attempt failed, or None."""
        path = self.folder / FAILED
        return read_json(path) if path.is_file() else None

    def state(self) -> str:
        """``finished``, ``failed``, ``interrupted`` or ``new``."""
        done = self.result().get('evaluations', {})
        if all(evaluation.key in done for evaluation in self.evaluations):
            return 'finished'
        if self.failure() is not None:
            return 'failed'
        return 'interrupted' if (self.folder / LOG).is_file() else 'new'

    def metrics(self) -> dict[str, dict[str, Any]]:
        """Metrics of the finished evaluations by their names."""
        done = self.result().get('evaluations', {})
        return {e.name: done[e.key]['metrics'] for e in self.evaluations if e.key in done}

    def write(self) -> None:
        """Write configs and plan, from which the cell runs in whatever process."""
        write_config(self.folder / CONFIG, self.config)
        for evaluation in self.evaluations:
            if evaluation.options:
                changed = Config(self.config.to_dict())
                apply_options(changed, evaluation.options, f'splits.{evaluation.name}')
                write_config(self.folder / f'{evaluation.key}.py', changed)
        write_json(
            self.folder / PLAN,
            {
                'row': self.row,
                'seed': self.seed,
                'evaluations': [
                    {
                        'key': e.key,
                        'name': e.name,
                        'tool': e.tool,
                        'config': f'{e.key}.py' if e.options else CONFIG,
                        'arguments': list(e.arguments),
                        'checkpoint': e.checkpoint,
                    }
                    for e in self.evaluations
                ],
            },
        )


def write_config(path: Path, cfg: Config) -> None:
    """Write a config, complete or not at all.

    Args:
        path: The file.
        cfg: The config.
    """
    text = cfg.pretty_text
    if not path.is_file() or path.read_text(encoding='utf-8') != text:
        with atomic_write(path) as temporary:
            temporary.write_text(text, encoding='utf-8')


def row_config(grid: Grid, row: Row, overrides: Mapping[str, Any] | None = None) -> Config:
    """The config of a row.

    Args:
        grid: The grid.
        row: One of its rows.
        overrides: Dotted keys of the command line.

    Returns:
        Base, components, options of the grid, of the row, of the command line, in this order.

    Raises:
        UserError: If a component or an option does not fit; the message names file and row.
    """
    base = grid.config_of(row)
    where = f'{grid.path}: rows.{row.name}'
    if row.components:
        from mmvmr.composition import compose

        own = {key: value for key, value in row.options.items() if key.rpartition('.')[0] in row.components}
        try:
            cfg = compose(str(base), list(row.components), own)
        except BUILD_ERRORS as error:
            raise UserError(f'{where}.components: {describe(error)}') from error
    else:
        cfg, own = load_config(str(base)), {}
    rest = {key: value for key, value in row.options.items() if key not in own}
    for options, source in ((grid.options, f'{grid.path}: options'), (rest, f'{where}.options')):
        for key, value in options.items():
            if value is None and not _has(cfg, key):
                raise UserError(f'{source}: {key}=None removes nothing: the config has no such entry')
        apply_options(cfg, options, source)
    apply_options(cfg, overrides or {})
    return Config(cfg.to_dict())  # without the name and the text of the base file


def plan(
    grid: Grid,
    work_dir: str | Path,
    seeds: Sequence[int] | None = None,
    overrides: Mapping[str, Any] | None = None,
    amp: bool = False,
) -> list[Cell]:
    """All cells of a grid.

    Args:
        grid: The grid.
        work_dir: Folder that may be shared by any number of grids.
        seeds: Instead of those of the grid.
        overrides: Dotted keys of the command line.
        amp: bfloat16 autocast.

    Returns:
        Row by row, seed by seed.

    Raises:
        UserError: If the config of a row cannot be composed, or two rows have the same one.
    """
    cells, seen = [], {}
    evaluations = tuple(_evaluations(grid))
    for row in grid.rows.values():
        cfg = row_config(grid, row, overrides)
        same = seen.setdefault(config_digest(cfg), row.name)
        if same != row.name:
            raise UserError(f'{grid.path}: the rows {same} and {row.name} have the same config: what tells them apart?')
        if amp:
            enable_amp(cfg)
        for seed in seeds or grid.seeds:
            own = Config(cfg.to_dict())
            own.randomness = dict(own.get('randomness') or {}, seed=seed)
            cells.append(
                Cell(row.name, seed, own, evaluations, _folder(Path(work_dir), f'{grid.name}-{row.name}', seed, own))
            )
    return cells


def _evaluations(grid: Grid) -> Iterator[Evaluation]:
    for name, options in grid.splits.items():
        yield Evaluation(name, 'test.py', options, (), grid.checkpoint)
    if grid.robustness is not None:
        yield Evaluation(ROBUSTNESS, 'analysis_tools/robustness.py', {}, grid.robustness, grid.checkpoint)


def _folder(work_dir: Path, name: str, seed: int, cfg: Config) -> Path:
    """The folder of the same config and seed, whichever grid made it, or a new one."""
    tail = f'seed{seed}-{config_digest(cfg)}'
    for known in sorted(work_dir.glob(f'*-{tail}')):
        return known
    return work_dir / f'{name}-{tail}'


def config_digest(content: Any, length: int = 10) -> str:
    """A short name of a config, which changes with every value in it.

    Args:
        content: A config, or what its dict consists of.
        length: Number of hexadecimal digits.

    Returns:
        The digits.
    """
    content = content.to_dict() if isinstance(content, Config) else content
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _has(cfg: Config, key: str) -> bool:
    node: Any = cfg
    for name in key.split('.'):
        if isinstance(node, (list, tuple)) and name.isdigit() and int(name) < len(node):
            node = node[int(name)]
        elif isinstance(node, (dict, Config)) and name in node:
            node = node[name]
        else:
            return False
    return node is not None
