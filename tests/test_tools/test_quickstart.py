from run_helpers import load, run_tool, tiny_config


def test_quickstart_leaves_everything(tmp_path):
    config = tiny_config(tmp_path, 'param_scheduler = None\n')
    work = tmp_path / 'work'
    text = run_tool('quickstart.py', config, '--work-dir', work, '--max-epochs', 2)
    assert 'eta ' in text and '| MR-full-mAP' in text
    for name in ('metrics.json', 'predictions.jsonl', 'moments.png', 'training_curves.png'):
        assert str(work / name) in text and (work / name).stat().st_size > 100
    best = next(work.glob('best_*.pth'))
    assert str(best) in text and load(best)['meta']['epoch'] in (1, 2)
    assert 'Traceback' not in text
