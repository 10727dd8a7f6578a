"""One table of a grid: mean and sample deviation over seeds beside the published figure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from terminaltables import AsciiTable

from mmvmr.grids.cells import Cell
from mmvmr.grids.grid import Grid, Row

FORMATS = ('terminal', 'markdown', 'latex')
_LATEX = {'±': '$\\pm$', '%': '\\%', '_': '\\_', '&': '\\&', '#': '\\#'}


@dataclass(frozen=True)
class Summary:
    """What a row reached.

    Attributes:
        row: The row.
        values: Label of the metric to its value for every finished seed, in the order of the seeds.
        planned: Number of seeds that were asked for.
    """

    row: Row
    values: Mapping[str, Sequence[float]]
    finished: int
    planned: int


def lookup(metrics: Mapping[str, Mapping[str, float | None]], address: str, grid: Grid) -> float | None:
    """Find a metric of a cell.

    Args:
        metrics: By evaluation and name.
        address: See :class:`mmvmr.grids.Grid`.
        grid: The grid.

    Returns:
        The value; None where it was not measured.
    """
    split, slash, name = address.partition('/')
    if not slash:
        split, name = next(iter(grid.splits)), address
    return metrics.get(split, {}).get(name)


def summarize(grid: Grid, cells: Iterable[Cell]) -> list[Summary]:
    """Collect what is finished.

    Args:
        grid: The grid.
        cells: Its cells.

    Returns:
        One summary per row.
    """
    by_row: dict[str, list[Cell]] = {name: [] for name in grid.rows}
    for cell in cells:
        by_row[cell.row].append(cell)
    summaries = []
    for name, own in by_row.items():
        finished = [cell.metrics() for cell in own if cell.state() == 'finished']
        found = {
            label: [lookup(metrics, address, grid) for metrics in finished] for label, address in grid.metrics.items()
        }
        values = {label: [v for v in got if v is not None and math.isfinite(v)] for label, got in found.items()}
        summaries.append(Summary(grid.rows[name], values, len(finished), len(own)))
    return summaries


def mean_and_deviation(values: Sequence[float]) -> str:
    """``61.94 ± 0.40`` with the sample deviation, which one value does not have; a dash without a value."""
    if not values:
        return '-'
    text = f'{statistics.fmean(values):.2f}'
    return f'{text} ± {statistics.stdev(values):.2f}' if len(values) > 1 else text


def table_cells(grid: Grid, summaries: Sequence[Summary]) -> tuple[list[str], list[list[str]]]:
    """Header and rows as text.

    Args:
        grid: The grid.
        summaries: Of its rows.

    Returns:
        The header, and one list per row. A column ``published`` follows every metric that has published figures.
    """
    printed = {label for summary in summaries for label in summary.row.published}
    header = ['', 'seeds']
    for label in grid.metrics:
        header += [label, 'published'] if label in printed else [label]
    rows = []
    for summary in summaries:
        done, planned = summary.finished, summary.planned
        row = [summary.row.label, str(done) if done == planned else f'{done}/{planned}']
        for label in grid.metrics:
            values = summary.values[label]
            text = mean_and_deviation(values)
            row.append(f'{text} (n={len(values)})' if 0 < len(values) < summary.finished else text)
            if label in printed:
                figure = summary.row.published.get(label, '')
                row.append(f'{figure:.2f}' if isinstance(figure, (int, float)) else figure)
        rows.append(row)
    return header, rows


def notes(grid: Grid, summaries: Sequence[Summary]) -> list[str]:
    """What belongs below the table.

    Args:
        grid: The grid.
        summaries: Of its rows.

    Returns:
        Sentences.
    """
    lines = [f'Measured: mean ± sample deviation over the seeds, {grid.checkpoint} checkpoint.']
    if any(summary.row.published for summary in summaries):
        lines.append(f'published: as printed by {grid.source or "the source"}, not measured here.')
    lines += [f'{summary.row.label}: {summary.row.note}' for summary in summaries if summary.row.note]
    return [*lines, grid.note] if grid.note else lines


def render(grid: Grid, cells: Iterable[Cell], style: str = 'terminal') -> str:
    """The table of a grid.

    Args:
        grid: The grid.
        cells: Its cells.
        style: One of :data:`FORMATS`.

    Returns:
        Text that ends with a line break.
    """
    summaries = summarize(grid, cells)
    return render_cells(grid.title, *table_cells(grid, summaries), notes(grid, summaries), style)


def render_cells(
    title: str, header: Sequence[str], rows: Sequence[Sequence[str]], below: Sequence[str], style: str
) -> str:
    """A table in one of the formats.

    Args:
        title: Its heading.
        header: Names of the columns.
        rows: The cells.
        below: Sentences below it.
        style: One of :data:`FORMATS`.

    Returns:
        Text that ends with a line break.
    """
    if style == 'markdown':
        lines = [header, ['---'] * len(header), *rows]
        table = '\n'.join(f'| {" | ".join(cells)} |'.replace('  ', ' ') for cells in lines)
        return '\n\n'.join([f'**{title}**', table, ' '.join(below)]) + '\n'
    if style == 'latex':
        return _latex(title, header, rows, below)
    return '\n'.join([title, AsciiTable([list(header), *map(list, rows)]).table, *below]) + '\n'


def _latex(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], below: Sequence[str]) -> str:
    def line(cells: Iterable[str]) -> str:
        return ' & '.join(map(_escape, cells)) + r' \\'

    return '\n'.join(
        [
            '% needs \\usepackage{booktabs}',
            *(f'% {sentence}' for sentence in below),
            r'\begin{table}',
            rf'\caption{{{_escape(title)}}}',
            rf'\begin{{tabular}}{{l{"r" * (len(header) - 1)}}}',
            r'\toprule',
            line(header),
            r'\midrule',
            *map(line, rows),
            r'\bottomrule',
            r'\end{tabular}',
            r'\end{table}',
            '',
        ]
    )


def _escape(text: str) -> str:
    return ''.join(_LATEX.get(letter, letter) for letter in text)
