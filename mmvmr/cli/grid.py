"""Train and test the configs of a grid with several seeds, and put the figures into one table.

    mmvmr grid configs/grids/evidence_synthetic.py --jobs 2

A cell (row and seed) is trained and tested in separate processes. What is finished is never repeated: call the same
command again after an interruption, or with --table-only to see the table of what is there.
"""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mmvmr.cli.arguments import ConfigOptions, add_choice, natural, positive
from mmvmr.utils.errors import BUILD_ERRORS

if TYPE_CHECKING:
    from mmvmr.grids.cells import Cell
    from mmvmr.grids.grid import Grid

ERRORS = BUILD_ERRORS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('grid', help='grid file, see configs/grids')
    parser.add_argument(
        '--work-dir',
        default='work_dirs/grids',
        metavar='DIR',
        help='grids that share it share equal trainings; default: %(default)s',
    )
    parser.add_argument(
        '--jobs',
        type=positive,
        metavar='N',
        help='cells at once (default: one per GPU, 1 without GPU; with --slurm all)',
    )
    parser.add_argument('--seeds', nargs='+', type=natural, help='instead of those of the grid')
    parser.add_argument('--only', nargs='+', metavar='ROW', help='these rows')
    parser.add_argument('--base', nargs='+', default=[], metavar='[ROW=]CONFIG', help='another config to start from')
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE', help='change every config'
    )
    parser.add_argument('--amp', action='store_true', help='bfloat16 autocast for training and evaluation')
    parser.add_argument('--robustness', action='store_true', help='also evaluate on masked moments')
    parser.add_argument(
        '--dry-run', action='store_true', help='list the cells, and try a step of every row on random features'
    )
    parser.add_argument('--slurm', nargs='+', metavar='WORD', help='submit a job array: PARTITION [gres=gpu:1 ...]')
    parser.add_argument('--table-only', action='store_true', help='run nothing')
    add_choice(
        parser,
        '--format',
        place='mmvmr.grids.table:FORMATS',
        default='terminal',
        metavar='FORMAT',
        help='of the table, e.g. markdown; an unknown one lists all; default: %(default)s',
    )
    parser.add_argument('--out', metavar='FILE', help='write the table to a file')
    parser.add_argument('--page', type=Path, metavar='HTML', help='write the table as a page with sortable columns')
    parser.add_argument('--points', metavar='PNG', help='draw the metrics of the table, every seed as a point')
    parser.add_argument('--curve', metavar='PNG', help='draw a validation metric over the epochs')
    parser.add_argument('--curve-metric', metavar='NAME', help='default: that of the grid')
    parser.add_argument('--import-module', nargs='+', default=[], metavar='PACKAGE', help='with components of your own')


def make_grid(args: argparse.Namespace) -> Grid:
    """The grid with the command line applied."""
    from mmvmr.grids.grid import load_grid

    grid = load_grid(args.grid).select(args.only).rebase(args.base)
    grid = grid.model_copy(update={'imports': (*grid.imports, *args.import_module)})
    return grid.masked() if args.robustness else grid


def show(grid: Grid, cells: list[Cell], args: argparse.Namespace) -> None:
    """Print and write the table, draw points and curves."""
    from mmvmr.grids.table import collect_curves, collect_points, curve_table, render, table_of
    from mmvmr.utils import atomic_write
    from mmvmr.utils.errors import UserError
    from mmvmr.visualization import draw_seed_points, draw_validation_curves

    text = render(grid, cells, args.format)
    metric = args.curve_metric or grid.curve
    if args.curve:
        if metric is None:
            raise UserError(f'--curve: {args.grid} names no metric; add --curve-metric MR-full-mAP')
        curves = collect_curves(grid, cells, metric)
        draw_validation_curves(curves, args.curve, metric, grid.title)
        text += '\n' + curve_table(f'{metric} by epoch', curves, args.format)
    if args.points:
        draw_seed_points(collect_points(grid, cells), args.points, grid.title)
    print(text, end='')
    if args.out:
        with atomic_write(args.out) as temporary:
            temporary.write_text(text, encoding='utf-8')
    if args.page:
        from mmvmr.report.table import write_table_page

        print(f'wrote {write_table_page(grid.title, *table_of(grid, cells), args.page)}')


def report_failures(cells: list[Cell]) -> int:
    """Print how cells failed; returns the number of failed ones."""
    failed = [cell for cell in cells if cell.state() == 'failed']
    for cell in failed:
        failure = cell.failure() or {}
        print(f'\nFAILED {cell.name}: {failure["step"]}, exit status {failure["status"]}, {cell.folder}/log.txt')
        print('\n'.join(f'    {line}' for line in failure.get('log', [])))
    return len(failed)


def dry_run(grid: Grid, cells: list[Cell]) -> int:
    """List what would be done, and try one step of every row on random features.

    Returns:
        Number of rows whose parts do not fit together.
    """
    from mmvmr.composition.trial import trial_problems

    for cell in cells:
        row = grid.rows[cell.row]
        parts = [
            grid.config_of(cell.row).name,
            *row.components,
            *(f'{key}={value!r}' for key, value in row.options.items()),
        ]
        print(f'{cell.state():<12} {cell.name}: {" + ".join(parts)}\n{"":<12} {cell.folder}')
    print(f'{len(cells)} cells, {sum(cell.state() != "finished" for cell in cells)} to run')
    rows = {cell.row: cell for cell in cells}.values()  # seeds of a row share its config
    return sum(_tried(cell.row, trial_problems(cell.config)) for cell in rows)


def _tried(row: str, problems: list[str]) -> bool:
    if problems:
        print(f'\n{row}: {len(problems)} parts of the config do not fit:', *problems, sep='\n    ')
    return bool(problems)


def say(line: str) -> None:
    """Print a line in one piece, whichever thread says it."""
    sys.stdout.write(f'{line}\n')
    sys.stdout.flush()


def run(args: argparse.Namespace) -> int:
    """Run what is not finished and show the table; see the module docstring."""
    from mmvmr.grids.cells import plan
    from mmvmr.grids.run import default_jobs, prepare_data, run_local, submit_slurm
    from mmvmr.utils.setup import register_all_modules

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    register_all_modules()
    for name in args.import_module:
        importlib.import_module(name)
    grid = make_grid(args)
    cells = plan(grid, args.work_dir, args.seeds, args.cfg_options, args.amp)
    if args.dry_run:
        return 1 if dry_run(grid, cells) else 0
    unfinished: list[Cell] = []
    try:
        if not args.table_only:
            prepare_data(grid, cells, say)
        if args.slurm:
            submit_slurm(cells, args.slurm[0], args.slurm[1:], args.jobs, say)
        elif not args.table_only:
            unfinished = run_local(cells, args.jobs or default_jobs(), say)
    except KeyboardInterrupt:
        print('interrupted; the same command goes on from here', file=sys.stderr)
        return 130
    show(grid, cells, args)
    return int(report_failures(cells) > 0 or bool(unfinished))
