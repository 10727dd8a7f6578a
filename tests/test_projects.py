"""An external package is installed, its components are trained through the tool, and nothing of mmvmr knows of it."""

import importlib
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import run_helpers
from testing import make_batch, tiny_model

from mmvmr.composition import compose, write_config
from mmvmr.datasets.rng import SeededRng
from mmvmr.utils.cli import UserError, load_config

REPO = Path(__file__).resolve().parent.parent
PROJECT = REPO / 'projects' / 'example_project'
TINY = """
_base_ = ['{repo}/projects/example_project/configs/gated_synthetic.py']
model = dict(shared=dict(embed_dims=32, num_heads=4, ffn_dims=64))
train_dataloader = dict(batch_size=4, dataset=dict(num_videos=3))
val_dataloader = dict(batch_size=4, dataset=dict(num_videos=2))
test_dataloader = dict(batch_size=4, dataset=dict(num_videos=2))
train_cfg = dict(max_epochs=1, val_interval=1)
param_scheduler = None
default_hooks = dict(logger=dict(interval=1))
"""


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    """A folder to which pip installed the package; without setuptools, a copy of its source."""
    folder = tmp_path_factory.mktemp('external')
    source = folder / 'source'  # a copy, because setuptools builds inside of it
    shutil.copytree(PROJECT, source, ignore=shutil.ignore_patterns('__pycache__', 'build', '*.egg-info'))
    if importlib.util.find_spec('setuptools') is None:
        return source
    options = ['--no-deps', '--no-build-isolation', '--no-index', '--quiet', '--disable-pip-version-check']
    command = [sys.executable, '-m', 'pip', 'install', *options, '--target', str(folder / 'site'), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / 'site'


def child(path, *args):
    """In a process of its own: become ``tools/train.py`` with the package on the path."""
    sys.path.insert(0, path)
    run_helpers._child(*args)


@pytest.mark.slow
def test_the_package_trains_through_the_tool(installed, tmp_path):
    config, work, output = tmp_path / 'tiny.py', tmp_path / 'work', tmp_path / 'output.txt'
    config.write_text(TINY.format(repo=REPO.as_posix()))
    arguments = ('train.py', [str(config), '--work-dir', str(work)], str(output), {})
    process = run_helpers.forkserver().Process(target=child, args=(str(installed), *arguments))
    process.start()
    process.join(timeout=300)
    assert process.exitcode == 0, output.read_text()
    state = run_helpers.load(work / 'epoch_1.pth')
    assert 'encoder.gate.weight' in state['state_dict']
    assert state['meta']['iter'] >= 2
    (scalars,) = work.glob('*/vis_data/scalars.json')
    rows = [json.loads(line) for line in scalars.read_text().splitlines()]
    validation = next(row for row in rows if 'start-error' in row)
    assert validation['start-error'] > 0
    assert 'MR-full-mAP' in validation


def test_a_missing_package_is_named():
    if importlib.util.find_spec('example_project') is not None:
        pytest.skip('the example project is installed in this environment')
    with pytest.raises(UserError, match='example_project'):
        load_config(str(PROJECT / 'configs' / 'gated_synthetic.py'))


@pytest.fixture
def package(monkeypatch):
    monkeypatch.syspath_prepend(str(PROJECT))
    yield importlib.import_module('example_project')


def test_words_are_dropped_from_the_seed_alone(package):
    words = np.ones((50, 4), np.float32)
    transform = package.DropWords(0.3)
    one, same, other = (
        transform({'text_feat': words, 'rng': SeededRng(0, epoch, 7)})['text_feat'] for epoch in (0, 0, 1)
    )
    assert (one == same).all()
    assert (one != other).any()
    assert 0 < (one[:, 0] == 0).sum() < 50
    assert (words == 1).all()
    assert one.dtype == np.float32
    with pytest.raises(ValueError, match='probability=1'):
        package.DropWords(1)


def test_edge_error(package):
    def result(best, windows):
        return {'prediction': {'pred_relevant_windows': [[*best, 0.9]]}, 'annotation': {'relevant_windows': windows}}

    metric = package.EdgeErrorMetric()
    results = [result((2, 8), [[30, 40], [0, 10]]), result((5, 9), [[4, 9]]), result((0, 1), None)]
    assert metric.compute_metrics(results) == {'start-error': 1.5, 'end-error': 1.0}
    assert metric.compute_metrics(results[2:]) == {}


def test_the_component_of_the_package(package, tmp_path):
    base, path = REPO / 'configs' / 'qd_detr' / 'qd_detr_qvhl.py', tmp_path / 'gated.py'
    cfg = compose(base, ['sa.gaussian', 'bm.negative_query', 'example.gate'], {'example.gate.num_layers': 1})
    text = write_config(cfg, base, path)
    assert "custom_imports = dict(imports=['example_project'])" in text
    model = tiny_model(path)
    assert type(model.encoder.encoder).__name__ == 'GatedMeanEncoder'
    losses = model(**model.data_preprocessor(make_batch(), training=True), mode='loss')
    assert all(value.isfinite() for value in losses.values())
    assert 'loss_saliency_negative' not in losses
