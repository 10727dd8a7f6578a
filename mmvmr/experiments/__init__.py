"""Grids of experiments: what is trained, how it runs, and the table that comes out."""

from .cell import CellBusy, CellFailed, Launcher, run_cell
from .cells import Cell, Evaluation, plan, row_config
from .curves import collect_curves, curve_table, draw_curves
from .grid import Grid, Row, load_grid
from .local import default_jobs, run_local
from .slurm import job_script, submit
from .table import FORMATS, render, summarize

__all__ = [
    'FORMATS',
    'Cell',
    'CellBusy',
    'CellFailed',
    'Evaluation',
    'Grid',
    'Launcher',
    'Row',
    'collect_curves',
    'curve_table',
    'default_jobs',
    'draw_curves',
    'job_script',
    'load_grid',
    'plan',
    'render',
    'row_config',
    'run_cell',
    'run_local',
    'submit',
    'summarize',
]
