"""The composition tool lists, prints and writes, and tells mistakes in one line."""

import runpy
import sys

import pytest
from mmengine.config import Config
from run_helpers import REPO

from mmvmr.composition import component_names, compose
from mmvmr.utils.setup import register_all_modules

QD = 'configs/qd_detr/qd_detr_qvhl.py'


@pytest.fixture
def tool(monkeypatch, capsys):
    """Run the tool in this process; returns what it printed."""
    register_all_modules()
    monkeypatch.chdir(REPO)

    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', ['compose.py', *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            runpy.run_path(str(REPO / 'tools' / 'compose.py'), run_name='__main__')
        out = capsys.readouterr()
        return stopped.value.code, out.out, out.err

    return run


def test_list(tool):
    code, out, _ = tool('--list')
    assert not code
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == component_names()
    assert all(len(line) < 120 for line in lines)


def test_description(tool):
    _, out, _ = tool('--list', 'sa.init_loss', 'bm.learnable_spans')
    assert 'sa.init_loss.detach=False' in out
    assert 'Needs sa.anchors' in out
    assert 'Not with sa.anchors: both' in out


def test_write(tool, tmp_path):
    path = tmp_path / 'folder' / 'mixed.py'
    code, out, _ = tool(
        QD,
        '--with',
        'sa.noise',
        'td.dynamics',
        '--options',
        'td.dynamics.beta=0.5',
        'sa.noise.num_groups=2',
        '--out',
        path,
    )
    assert not code
    assert out == f'{path} written: sa.noise, td.dynamics on {QD}\n'
    options = {'td.dynamics.beta': 0.5, 'sa.noise.num_groups': 2}
    assert Config.fromfile(path).to_dict() == compose(REPO / QD, ['sa.noise', 'td.dynamics'], options).to_dict()
    assert path.read_text().startswith('# qd_detr_qvhl with sa.noise, td.dynamics (written by mmvmr compose).\n')


def test_print(tool):
    code, out, _ = tool(QD, '--with', 'sa.enhance')
    assert not code
    assert out.splitlines()[1:] == [
        f"_base_ = ['mmvmr::{QD.removeprefix('configs/')}']",
        "model = dict(decoder=dict(layer=dict(enhance=dict(type='SpanEnhance', num_points=10))))",
    ]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((QD, '--with', 'sa.nois'), 'error: no component `sa.nois`; did you mean `sa.noise`?'),
        ((QD, '--with', 'sa.anchors', 'bm.learnable_spans'), 'error: bm.learnable_spans and sa.anchors do not go'),
        (('configs/none.py', '--with', 'sa.noise'), 'error: config configs/none.py: no such file'),
        ((QD, '--with', 'sa.noise', '--out', 'x.txt'), 'error: --out x.txt: a config is a .py file'),
        ((QD, '--with', 'sa.noise', '--out', QD), f'error: {QD} is the input, which is never changed'),
        ((QD,), 'give a config and --with'),
    ],
)
def test_mistakes(tool, arguments, message):
    code, _, err = tool(*arguments)
    assert code == 2
    assert message in err
    assert 'Traceback' not in err
