"""Tables of a grid: mean and sample deviation over seeds next to the published figure, metrics by seed and by epoch."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate

from mmvmr.grids.cells import Cell
from mmvmr.grids.grid import BEST, Grid
from mmvmr.utils.cli import UserError
from mmvmr.visualization import read_validations, validation_history

FORMATS = {'terminal': 'psql', 'markdown': 'github', 'latex': 'latex_booktabs'}
#: Epochs in the table of a curve.
EPOCHS = 10


def mean_and_deviation(values: Sequence[float]) -> str:
    """``61.94 ± 0.40`` with the sample deviation, which one value does not have; a dash without a value."""
    text = f'{statistics.fmean(values):.2f}' if values else '-'
    return f'{text} ± {statistics.stdev(values):.2f}' if len(values) > 1 else text


def render(grid: Grid, cells: Sequence[Cell], style: str = 'terminal') -> str:
    """The table of a grid in one of the :data:`FORMATS`."""
    return _text(grid.title, *table_of(grid, cells), style)


def table_of(grid: Grid, cells: Sequence[Cell]) -> tuple[list[str], list[list[str]], list[str]]:
    """Headings, lines and notes of the table of a grid."""
    printed = {label for row in grid.rows.values() for label in row.published}
    columns = [(label, address, label in printed) for label, address in grid.metrics.items()]
    header = ['', 'seeds']
    for label, _, is_printed in columns:
        header += [label, 'published'] if is_printed else [label]
    lines = []
    for name, row in grid.rows.items():
        states = [cell.state() for cell in cells if cell.row == name]
        measured = _measured(grid, cells, name)
        count = len(measured)
        line = [row.label, f'{count}' if count == len(states) else f'{count}/{len(states)}']
        for label, address, is_printed in columns:
            values = _values(grid, measured, address)
            missing = f' (n={len(values)})' if 0 < len(values) < count else ''
            line += [mean_and_deviation(values) + missing, *([row.published.get(label, '')] if is_printed else [])]
        lines.append(line)
    notes = [f'Measured: mean ± sample deviation over the seeds, {grid.checkpoint} checkpoint.']
    notes += [f'published: as printed by {grid.source or "the source"}, not measured here.'] if printed else []
    notes += [f'{row.label}: {row.note}' for row in grid.rows.values() if row.note]
    return header, lines, [*notes, *_code(grid, cells), *filter(None, [grid.note])]


def _code(grid: Grid, cells: Sequence[Cell]) -> list[str]:
    """The code that trained the finished cells."""
    seeds: dict[str, dict[str, list[str]]] = {}
    for cell in cells:
        if cell.state() == 'finished':
            code = ', then '.join(cell.result().get('code', [])) or 'code that was not noted'
            seeds.setdefault(code, {}).setdefault(grid.rows[cell.row].label, []).append(str(cell.seed))
    if len(seeds) < 2:
        return [f'Trained by {code}.' for code in seeds]
    parts = []
    for code, rows in seeds.items():
        named = [f'{label} (seed {", ".join(numbers)})' for label, numbers in rows.items()]
        parts.append(f'{code}: {", ".join(named)}')
    return [f'Trained by different code, so that rows may differ by it. {"; ".join(parts)}.']


def collect_points(grid: Grid, cells: Sequence[Cell]) -> dict[str, dict[str, list[float]]]:
    """Every metric of the table by label of the row, a value per seed; rows that have none are left out."""
    points: dict[str, dict[str, list[float]]] = {}
    measured = {name: _measured(grid, cells, name) for name in grid.rows}
    for label, address in grid.metrics.items():
        for name, row in grid.rows.items():
            if values := _values(grid, measured[name], address):
                points.setdefault(label, {})[row.label] = values
    if not points:
        raise UserError(f'no row of {grid.path} has been tested yet: there is nothing to draw')
    return points


def _measured(grid: Grid, cells: Sequence[Cell], row: str) -> list[dict[str, dict[str, Any]]]:
    """Metrics of the finished cells of a row, with those of the best epoch that the training has validated itself."""
    finished = [cell for cell in cells if cell.row == row and cell.state() == 'finished']
    return [{**cell.metrics(), BEST: _best_epoch(grid, cell)} for cell in finished]


def _best_epoch(grid: Grid, cell: Cell) -> dict[str, float]:
    metric = grid.curve
    if metric is None or not any(address.startswith(f'{BEST}/') for address in grid.metrics.values()):
        return {}
    validations = read_validations(cell.folder / 'train')
    curve = {epoch: row[metric] for epoch, row in validations.items() if math.isfinite(row.get(metric, math.nan))}
    best = max(curve, key=lambda epoch: (curve[epoch], -epoch), default=None)
    return {} if best is None else {**validations[best], 'epoch': best}


def _values(grid: Grid, measured: Sequence[Mapping[str, Mapping[str, float | None]]], address: str) -> list[float]:
    split, metric = address.split('/', 1) if '/' in address else (next(iter(grid.splits)), address)
    values = [metrics.get(split, {}).get(metric) for metrics in measured]
    return [value for value in values if value is not None and math.isfinite(value)]


def collect_curves(grid: Grid, cells: Sequence[Cell], metric: str) -> dict[str, dict[int, list[float]]]:
    """A validation metric by label of the row and epoch, of all seeds; rows without a validation are left out."""
    curves: dict[str, dict[int, list[float]]] = {}
    for cell in cells:
        for epoch, value in validation_history(cell.folder / 'train', metric).items():
            curves.setdefault(grid.rows[cell.row].label, {}).setdefault(epoch, []).append(value)
    if not curves:
        raise UserError(f'no validation of {metric} is logged for any row of {grid.path}: nothing has been trained yet')
    return {label: dict(sorted(curve.items())) for label, curve in curves.items()}


def curve_table(title: str, curves: Mapping[str, Mapping[int, list[float]]], style: str) -> str:
    """The curves as a table of at most :data:`EPOCHS` epochs."""
    epochs = sorted({epoch for curve in curves.values() for epoch in curve})
    shown = sorted({epochs[round(i * (len(epochs) - 1) / (EPOCHS - 1))] for i in range(EPOCHS)})
    lines = [[label, *(mean_and_deviation(curve.get(e, [])) for e in shown)] for label, curve in curves.items()]
    notes = ['Measured on the validation split: mean ± sample deviation over the seeds.']
    return _text(title, ['epoch', *map(str, shown)], lines, notes, style)


def _text(title: str, header: list[str], lines: list[list[str]], notes: list[str], style: str) -> str:
    table = tabulate(lines, header, FORMATS[style], disable_numparse=True)
    if style == 'markdown':
        return '\n\n'.join([f'**{title}**', table, ' '.join(notes)]) + '\n'
    comment = '% ' if style == 'latex' else ''
    return '\n'.join([comment + title, table, *(comment + note for note in notes)]) + '\n'
