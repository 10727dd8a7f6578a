"""check_dataset.py on real features, on the sample of QVHighlights through its config, and on planted issues."""

import json

import pytest
from planted_data import config, save, vectors, write
from run_helpers import REPO, run_tool

from mmvmr.cli.main import main
from mmvmr.registry import DATASETS
from mmvmr.utils.cli import load_config
from mmvmr.utils.io import read_jsonl, write_jsonl
from mmvmr.utils.setup import apply_data_root, register_all_modules

TOOL = 'analysis_tools/check_dataset.py'
QVHL = REPO / 'configs' / 'qd_detr' / 'qd_detr_qvhl.py'


def need(path):
    if not path.exists():
        pytest.skip(f'{path} absent')
    return path


@pytest.fixture
def planted(tmp_path):
    write(tmp_path)
    path = tmp_path / 'config.py'
    config(tmp_path).dump(str(path))
    return tmp_path


@pytest.fixture
def run(capsys):
    """Runs the tool in this process; returns what it printed, errors included."""

    def run(*args, check=0):
        try:
            status = main(['check', *map(str, args)])
        except SystemExit as end:
            status = end.code
        assert status == check
        return ''.join(capsys.readouterr())

    return run


def test_text_and_exit_codes(planted, run):
    text = run(planted / 'config.py')
    assert text.strip().endswith('train (12 queries, 6 videos), val (6 queries, 3 videos): 0 errors, 0 warnings')
    save(planted, 'a/v77', vectors(10, 6))
    text = run(planted / 'config.py')
    assert 'WARNING: train + val: extra: 1 of 10 features' in text
    assert '-> Other splits, or names that are written otherwise' in text
    save(planted, 'b/v1', vectors(10, 5))
    text = run(planted / 'config.py', '--splits', 'train', check=1)
    assert "ERROR: train, stream 'b': shape: 1 of 6 arrays do not have vectors of 4 numbers" in text
    assert text.index('ERROR') < text.index('WARNING')
    text = run(planted / 'config.py', '--ignore', 'shape', 'extra')
    assert ': 0 errors, 0 warnings' in text
    assert 'error: no such checks' in run(planted / 'config.py', '--ignore', 'shapes', check=2)
    assert 'no such file' in run(planted / 'other.py', check=2)


def test_json(planted, run):
    save(planted, 'b/v1', vectors(10, 5))
    report = json.loads(run(planted / 'config.py', '--json', '--fast', check=1))
    assert report['splits'] == {'train': {'queries': 12, 'videos': 6}, 'val': {'queries': 6, 'videos': 3}}
    assert report['sample'] == 8
    (finding,) = report['findings']
    assert finding['advice']
    expected = dict(check='shape', severity='error', where="train, stream 'b'", count=1, total=6)
    assert {key: finding[key] for key in expected} == expected
    assert finding['examples'] == ["'v1': (10, 5)"]


def test_charades_clip(shared_dir):
    root = need(shared_dir / 'data' / 'charades_clip')
    config = REPO / 'configs' / 'qd_detr' / 'qd_detr_clip_charades.py'
    text = run_tool(TOOL, config, '--sample', 40, '--cfg-options', f'data_root={root}')
    assert 'train (2213 queries, 800 videos), val (855 queries, 300 videos): 0 errors, 0 warnings' in text


@pytest.fixture
def qvhighlights(shared_dir, tmp_path):
    """The sample in the folders and under the name that the config expects."""
    sample = need(shared_dir / 'data' / 'samples' / 'qvhighlights')
    annotations = need(shared_dir / 'data' / 'annotations' / 'qvhighlights' / 'highlight_train_release.jsonl')
    folders = {'slowfast_video_features': 'slowfast_features', 'clip_video_features': 'clip_features'}
    for folder in sample.iterdir():
        (tmp_path / folders.get(folder.name, folder.name)).symlink_to(folder)
    rows = [row for row in read_jsonl(annotations) if row['qid'] == 5263]
    write_jsonl(tmp_path / annotations.name, rows)
    return tmp_path, rows[0]


def test_the_sample_of_qvhighlights_loads_through_its_config(qvhighlights):
    """Nothing of the config changes but the data root."""
    root, row = qvhighlights
    cfg = load_config(str(QVHL), {'data_root': str(root)})
    register_all_modules()
    apply_data_root(cfg)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)  # check_features is on: all files are there
    assert len(dataset) == 1
    item = dataset[0]
    sample = item['data_samples']
    assert item['inputs']['video'].shape == (75, cfg.model.projector.video_dims) == (75, 2818)
    assert item['inputs']['text'].shape == (13, cfg.model.projector.text_dims) == (13, 512)
    assert (sample.vid, sample.qid, sample.num_clips, sample.clip_len) == (row['vid'], 5263, 75, 2.0)
    windows = sample.gt_instances.spans * 150.0
    starts, ends = windows[:, 0] - windows[:, 1] / 2, windows[:, 0] + windows[:, 1] / 2
    found = sorted([round(s, 3), round(e, 3)] for s, e in zip(starts.tolist(), ends.tolist()))
    assert found == sorted(map(list, row['relevant_windows']))


def test_the_sample_of_qvhighlights_is_clean(qvhighlights, run):
    root, _ = qvhighlights
    text = run(QVHL, '--splits', 'train', '--cfg-options', f'data_root={root}')
    assert 'train (1 queries, 1 videos): 0 errors, 0 warnings' in text
    assert 'not checked: features: extra: not all splits of the config can be opened' in text
