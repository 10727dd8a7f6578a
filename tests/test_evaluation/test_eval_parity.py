"""Every figure that the official evaluators printed for three published prediction files."""

import json
import subprocess
import sys

import pytest

from mmvmr.evaluation.functional import evaluate_predictions
from mmvmr.utils.io import read_jsonl

FILES = {'moment_detr_sample': 104, 'qd_detr_best': 104, 'cg_detr_best': 126}


def flat(tree, path=()):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, (*path, key))
        else:
            yield (*path, key), value


@pytest.fixture(scope='module')
def ground_truth(shared_dir):
    path = shared_dir / 'data/annotations/qvhighlights/highlight_val_release.jsonl'
    if not path.is_file():
        pytest.skip(f'{path.name} absent')
    return path


@pytest.mark.parametrize('name', FILES)
def test_every_published_figure(name, ground_truth, shared_dir):
    path = shared_dir / f'data/predictions/{name}.qvhighlights_val.jsonl'
    published = dict(flat(json.loads(path.with_suffix('.metrics.json').read_text())))
    ours = dict(flat(evaluate_predictions(read_jsonl(path), read_jsonl(ground_truth))))
    assert len(published) == FILES[name]
    assert {key: ours.get(key) for key in published} == published


def test_tool_prints_the_same_json(ground_truth, shared_dir, repo_dir, tmp_path):
    path = shared_dir / 'data/predictions/cg_detr_best.qvhighlights_val.jsonl'
    out = tmp_path / 'made' / 'metrics.json'
    command = [sys.executable, 'tools/analysis_tools/eval_predictions.py', str(path), str(ground_truth)]
    done = subprocess.run(
        [*command, '--out', str(out)], cwd=repo_dir, env={'PYTHONPATH': str(repo_dir)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(out.read_text())
    published = json.loads(path.with_suffix('.metrics.json').read_text())
    assert json.loads(done.stdout) == published  # the newest evaluator: same keys, not one more
    assert list(json.loads(done.stdout)['brief']) == list(published['brief'])
