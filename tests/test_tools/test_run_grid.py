"""A grid of two rows and two seeds, trained for one epoch on synthetic data, and what the tool prints of it."""

import json

import pytest
from run_helpers import run_tool, start_tool, tiny_config

from mmvmr.engine.run_folder import find_metrics
from mmvmr.grids.cells import plan
from mmvmr.grids.grid import load_grid
from mmvmr.grids.run import run_cell, run_local
from mmvmr.utils.setup import register_all_modules

pytestmark = pytest.mark.slow

GRID = """
name = 'tiny'
title = 'Two tiny rows'
base = 'tiny.py'
seeds = [0, 1]
metrics = {'R1@0.5': 'MR-full-R1@0.5', 'mAP': 'MR-full-mAP'}
curve = 'MR-full-mAP'
options = {'train_cfg.max_epochs': 1, 'param_scheduler.begin': 0, 'param_scheduler.end': 1}
rows = dict(
    full=dict(label='SA-DETR', published={'mAP': 48.84}),
    no_mask=dict(label='without mask', options={'model.decoder.layer.cross_attn.modulator': None}),
)
"""
TOOL = 'analysis_tools/run_grid.py'


def forked(tool, arguments, log, env, lock):
    """Starts a tool like the launcher, from a server that has imported torch already."""
    process = start_tool(tool, *arguments, output=log, **env)
    process.join(timeout=300)
    return process.exitcode


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp('grid')
    tiny_config(folder)
    (folder / 'grid.py').write_text(GRID)
    register_all_modules(init_scope=False)
    cells = plan(load_grid(folder / 'grid.py'), folder / 'work')
    for cell in cells[1:]:
        run_cell(cell, launch=forked)
    unfinished = run_local(cells, 1, lambda line: None)  # the first one through submitit
    assert unfinished == [], [cell.failure() for cell in unfinished]
    return folder, cells


def test_cells_are_runs_with_their_seeds(trained):
    _, cells = trained
    found = set()
    for cell in cells:
        (folder,) = cell.folder.glob('test-*')
        record = json.loads(find_metrics(folder).read_text())
        assert record['seed'] == cell.seed and record['metrics'] == cell.metrics()['test']
        found.add(cell.config.randomness.seed)
        assert (cell.folder / 'train' / 'last_checkpoint').is_file()
    assert found == {0, 1}


def test_the_tool_shows_table_and_curve_and_runs_nothing_twice(trained):
    folder, cells = trained
    logs = [(cell.folder / 'log.txt').stat().st_mtime for cell in cells]
    out, png = folder / 'table.md', folder / 'curve.png'
    text = run_tool(
        TOOL, folder / 'grid.py', '--work-dir', folder / 'work', '--format', 'markdown', '--out', out, '--curve', png
    )
    assert '4 of 4 cells are finished; 0 to run' in text
    assert '| SA-DETR      | 2       | ' in out.read_text() and '| without mask | 2       | ' in out.read_text()
    assert '**MR-full-mAP by epoch**' in out.read_text() and out.read_text() in text
    assert png.stat().st_size > 1000
    assert logs == [(cell.folder / 'log.txt').stat().st_mtime for cell in cells]


def test_dry_run_and_mistakes(trained):
    folder, _ = trained
    text = run_tool(TOOL, folder / 'grid.py', '--work-dir', folder / 'work', '--dry-run', '--seeds', 1, 2)
    assert text.count('finished ') == 2 and text.count('new ') == 2 and '4 cells, 2 to run' in text
    text = run_tool(TOOL, folder / 'grid.py', '--only', 'ful', check=2)
    assert text.startswith('error: --only ful: ') and 'did you mean `full`' in text and 'Traceback' not in text


def test_a_failing_cell_is_reported(trained):
    folder, _ = trained
    options = ['--only', 'full', '--seeds', 0, '--cfg-options', 'train_dataloader.dataset.split=nowhere']
    text = run_tool(TOOL, folder / 'grid.py', '--work-dir', folder / 'work', *options, check=1)
    assert '| SA-DETR | 0/1 ' in text
    assert (
        'FAILED full, seed 0: training, exit status 2' in text
        and 'nowhere' in text
        and "expected 'train', 'val'" in text
    )
