import json

import pytest
from run_helpers import load, run_tool, tiny_config

pytestmark = pytest.mark.slow


def test_quickstart_leaves_everything_and_shows_progress_alone(tmp_path):
    config = tiny_config(tmp_path, 'param_scheduler = None\n')
    work = tmp_path / 'work'
    text = run_tool('quickstart.py', config, '--work-dir', work, '--max-epochs', 2, '--seed', 3)
    best = next(work.glob('best_*.pth'))
    assert str(best) in text and load(best)['meta']['epoch'] in (1, 2)
    tests = work / 'test'
    for path in (
        tests / f'{best.stem}-test' / 'metrics.json',
        work / 'predictions.jsonl',
        work / 'figures' / 'moments.png',
        work / 'training_curves.png',
    ):
        assert str(path) in text and path.stat().st_size > 100
    for split in ('test', 'test_ood'):
        record = json.loads((tests / f'{best.stem}-{split}' / 'metrics.json').read_text())
        assert record['split'] == split and f'| {split} ' in text
        assert f'{record["metrics"]["MR-full-mAP"]:.2f}' in text
        assert record['seed'] == 3

    assert 'eta ' in text and 'Epoch 2/2 validation: R1@0.5 ' in text
    log = min(work.glob('2*/*.log')).read_text()  # of the training
    for detail in ('mmengine - ', 'ParamSchedulerHook', 'param_scheduler', 'sys.platform'):
        assert detail in log and detail not in text
    assert 'Traceback' not in text and 'Loads checkpoint' not in text
