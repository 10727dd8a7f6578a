"""Grids of experiments: what is trained, how it runs, and the table that comes out."""

from mmvmr.grids.cell import CellBusy, CellFailed, Launcher, run_cell
from mmvmr.grids.cells import Cell, Evaluation, plan, row_config
from mmvmr.grids.curves import collect_curves, curve_table, draw_curves
from mmvmr.grids.grid import Grid, Row, load_grid
from mmvmr.grids.local import default_jobs, run_local
from mmvmr.grids.slurm import job_script, submit
from mmvmr.grids.table import FORMATS, render, summarize

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
