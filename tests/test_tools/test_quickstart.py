import json

import pytest
from run_helpers import load, run_tool, tiny_config

pytestmark = pytest.mark.slow


def test_quickstart_leaves_everything_and_shows_progress_alone(tmp_path):
    config = tiny_config(tmp_path, 'param_scheduler = None\n')
    work = tmp_path / 'work'
    text = run_tool('quickstart.py', config, '--work-dir', work, '--max-epochs', 2, '--seed', 3)
    for name in ('metrics.json', 'predictions.jsonl', 'moments.png', 'training_curves.png'):
        assert str(work / name) in text and (work / name).stat().st_size > 100
    best = next(work.glob('best_*.pth'))
    assert str(best) in text and load(best)['meta']['epoch'] in (1, 2)
    for split, folder in (('test', work), ('test_ood', work / 'test_ood')):
        record = json.loads((folder / 'metrics.json').read_text())
        assert record['split'] == split and f'| {split} ' in text
        assert f'{record["metrics"]["MR-full-mAP"]:.2f}' in text
    assert json.loads((work / 'metrics.json').read_text())['seed'] == 3

    assert 'eta ' in text and 'Epoch 2/2 validation: R1@0.5 ' in text
    log = min(work.glob('2*/*.log')).read_text()  # of the training
    for detail in ('mmengine - ', 'ParamSchedulerHook', 'param_scheduler', 'sys.platform'):
        assert detail in log and detail not in text
    assert 'Traceback' not in text and 'Loads checkpoint' not in text
