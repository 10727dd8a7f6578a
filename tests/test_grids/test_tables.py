"""Tables and curves of what was measured."""

import argparse
import json
import statistics

import pytest

from mmvmr.cli.grid import show
from mmvmr.grids.cells import plan
from mmvmr.grids.grid import load_grid
from mmvmr.grids.table import collect_curves, collect_points, curve_table, mean_and_deviation, render
from mmvmr.utils.cli import UserError
from mmvmr.utils.code_version import code_version
from mmvmr.visualization import draw_validation_curves, validation_history


@pytest.fixture
def measured(write_grid, tmp_path, fake_tools):
    grid = load_grid(write_grid())
    cells = plan(grid, tmp_path / 'work')
    values = {'plain-seed0': 10.0, 'plain-seed1': 13.0, 'mask-seed0': 20.0}
    fake_tools(values=values, fail={'mask-seed1': 1}).run(cells)
    return grid, cells


def cells_of(line):
    return [cell.strip() for cell in line.strip('|').split('|')]


def test_mean_and_sample_deviation():
    assert mean_and_deviation([10.0, 13.0]) == f'11.50 ± {statistics.stdev([10, 13]):.2f}' == '11.50 ± 2.12'
    assert mean_and_deviation([7.0]) == '7.00' and mean_and_deviation([]) == '-'


def test_markdown(measured):
    lines = render(*measured, 'markdown').splitlines()
    assert lines[0] == '**A small grid**'
    header, _, plain, mask = (cells_of(line) for line in lines if line.startswith('|'))
    assert header == ['', 'seeds', 'R1@0.7', 'published', 'ood mAP']
    assert plain == ['QD-DETR', '2', '11.50 ± 2.12', '47.02', '5.75 ± 1.06']
    assert mask == ['+ mask', '1/2', '20.00', '', '10.00']
    assert 'published: as printed by a paper, not measured here.' in lines[-1]
    assert '+ mask: as printed' in lines[-1] and 'best checkpoint' in lines[-1]


def test_terminal_and_latex(measured):
    text = render(*measured)
    assert ['QD-DETR', '2', '11.50 ± 2.12', '47.02', '5.75 ± 1.06'] in [cells_of(line) for line in text.splitlines()]
    latex = render(*measured, 'latex')
    rows = [[cell.strip() for cell in line.rstrip('\\').split('&')] for line in latex.splitlines()]
    assert ['QD-DETR', '2', '11.50 ± 2.12', '47.02', '5.75 ± 1.06'] in rows
    assert latex.startswith('% A small grid\n\\begin{tabular}{lllll}\n') and latex.count('\\\\') == 3


def test_page(measured, tmp_path):
    page = tmp_path / 'out' / 'page.html'
    show(
        *measured,
        argparse.Namespace(format='terminal', points=None, curve=None, curve_metric=None, out=None, page=page),
    )
    text = page.read_text()
    assert '<h1>A small grid</h1>' in text and 'published: as printed by a paper, not measured here.' in text
    cells = ['QD-DETR', '2', '11.50 ± 2.12', '47.02', '5.75 ± 1.06']
    assert f'<tr>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>' in text


def test_a_value_that_some_seeds_lack(measured):
    grid, cells = measured
    path = cells[0].folder / 'result.json'
    result = json.loads(path.read_text())
    for evaluation in result['evaluations'].values():
        evaluation['metrics']['MR-full-R1@0.7'] = None
    path.write_text(json.dumps(result))
    assert '13.00 (n=1)' in render(grid, cells)


def test_code_of_the_cells(measured, monkeypatch, fake_tools):
    grid, cells = measured
    assert f'Trained by {code_version()}.' in render(grid, cells)
    path = cells[1].folder / 'result.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), 'code': ['mmvmr 0.0.1', 'mmvmr 0.0.2']}))
    note = render(grid, cells).splitlines()[-1]
    assert note == (
        f'Trained by different code, so that rows may differ by it. {code_version()}: QD-DETR (seed 0), '
        '+ mask (seed 0); mmvmr 0.0.1, then mmvmr 0.0.2: QD-DETR (seed 1).'
    )
    # A cell that is trained further by other code names both.
    monkeypatch.setattr('mmvmr.grids.run.code_version', lambda: 'mmvmr 9')
    fake_tools().run(cells)
    assert json.loads((cells[3].folder / 'result.json').read_text())['code'] == [code_version(), 'mmvmr 9']


def test_points(measured, tmp_path, write_grid):
    grid, cells = measured
    points = collect_points(grid, cells)
    assert points == {
        'R1@0.7': {'QD-DETR': [10.0, 13.0], '+ mask': [20.0]},
        'ood mAP': {'QD-DETR': [5.0, 6.5], '+ mask': [10.0]},
    }
    show(
        *measured,
        argparse.Namespace(
            format='terminal', points=tmp_path / 'points.png', curve=None, curve_metric=None, out=None, page=None
        ),
    )
    assert (tmp_path / 'points.png').stat().st_size > 1000
    with pytest.raises(UserError, match='has been tested yet'):
        collect_points(grid, plan(grid, tmp_path / 'other'))


def log(cell, name, rows):
    path = cell.folder / 'train' / name / 'vis_data' / 'scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text('\n'.join(map(json.dumps, rows)))


def test_curves(measured, tmp_path):
    grid, cells = measured
    with pytest.raises(UserError, match='no validation of mAP is logged for any row'):
        collect_curves(grid, cells, 'mAP')
    log(cells[0], '1', [{'loss': 3.0, 'step': 5}, {'mAP': 10.0, 'step': 1}, {'mAP': 99.0, 'step': 2}])
    log(cells[0], '2', [{'mAP': 20.0, 'step': 2}, {'mAP': 30.0, 'step': 3}])  # resumed after epoch 1
    log(cells[1], '1', [{'mAP': 12.0, 'step': 1}, {'mAP': 24.0, 'step': 2}])
    assert validation_history(cells[0].folder / 'train', 'mAP') == {1: 10.0, 2: 20.0, 3: 30.0}
    curves = collect_curves(grid, cells, 'mAP')
    assert curves == {'QD-DETR': {1: [10.0, 12.0], 2: [20.0, 24.0], 3: [30.0]}}
    table = curve_table('mAP', curves, 'markdown')
    lines = [cells_of(line) for line in table.splitlines()]
    assert ['epoch', '1', '2', '3'] in lines and ['QD-DETR', '11.00 ± 1.41', '22.00 ± 2.83', '30.00'] in lines
    draw_validation_curves(curves, tmp_path / 'curve.png', 'mAP', 'title')
    assert (tmp_path / 'curve.png').stat().st_size > 1000


def test_the_best_epoch_of_the_training(measured):
    """Of two trainings epochs 2 and 1 have the best mAP (10, 20, 20 and 12, 11): R1 is 7 and 5 there."""
    grid, cells = measured
    grid = grid.model_copy(update=dict(metrics={'best R1': 'best/R1', 'epoch': 'best/epoch'}, curve='mAP'))
    rows = (0, float('nan'), 1.0), (1, 10.0, 9.0), (2, 20.0, 7.0), (3, 20.0, 8.0)
    log(cells[0], '1', [{'mAP': m, 'R1': r, 'step': i} for i, m, r in rows])
    log(cells[1], '1', [{'mAP': m, 'R1': r, 'step': i} for i, m, r in ((1, 12.0, 5.0), (2, 11.0, 6.0))])
    points = collect_points(grid, cells)
    assert points == {'best R1': {'QD-DETR': [7.0, 5.0]}, 'epoch': {'QD-DETR': [2.0, 1.0]}}
