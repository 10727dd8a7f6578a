"""What users see: files, exit codes, one line for a mistake."""

import json
import time

import pytest
from run_helpers import load, run_tool, start_tool, tiny_config

from mmvmr.engine.run_folder import find_metrics

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp('tools')
    config = tiny_config(folder)
    tensorboard = 'visualizer.vis_backends.tensorboard.type=TensorboardVisBackend'
    options = ['--cfg-options', 'train_cfg.max_epochs=1', 'param_scheduler.begin=0', tensorboard]
    text = run_tool('train.py', config, '--work-dir', folder / 'work', '--force-amp', '--seed', 5, *options)
    return folder, config, text


def test_train_under_autocast(trained):
    folder, _, text = trained
    meta = load(folder / 'work' / 'epoch_1.pth')['meta']
    assert meta['seed'] == 5
    assert "type='AutocastOptimWrapper'" in meta['cfg'] and "type='AutocastValLoop'" in meta['cfg']
    line = next(line for line in text.splitlines() if 'Epoch 1/1 [' in line)
    assert 'eta ' in line and 'loss ' in line and 'lr ' in line and len(line) < 160


def test_tensorboard_is_one_option(trained):
    pytest.importorskip('tensorboard')
    folder, *_ = trained
    assert list((folder / 'work').rglob('events.out.tfevents.*'))


def test_a_test_touches_nothing_of_the_training(trained):
    folder, config, _ = trained
    work = folder / 'work'
    before = {path: path.read_bytes() for path in work.rglob('*') if path.is_file()}
    checkpoint = work / 'epoch_1.pth'
    out, show = folder / 'out' / 'preds.jsonl', folder / 'figures'
    text = run_tool('test.py', config, checkpoint, '--work-dir', work, '--out', out, '--show-dir', show, '--amp')
    page = folder / 'page.html'
    limit = ['--cfg-options', 'test_dataloader.dataset.limit=3']
    run_tool('test.py', config, checkpoint, '--work-dir', work, '--page', page, '--show', 'worst', '--count', 2, *limit)
    assert page.read_text().count('"MR-full-mAP":') == 2 and '"models":["epoch_1"]' in page.read_text()
    assert before == {path: path.read_bytes() for path in before}  # the config with its train_dataloader, too
    first, second = (work / 'test' / name / 'metrics.json' for name in ('epoch_1-test', 'epoch_1-test-2'))
    assert find_metrics(work) == second and json.loads(second.read_text())['num_queries'] == 3
    assert {path for path in work.iterdir() if path not in before and path.is_dir()} >= {work / 'test'}
    metrics = json.loads(first.read_text())
    assert metrics['checkpoint'] == str(checkpoint) and metrics['metrics']['MR-full-mAP'] >= 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == metrics['num_queries'] > 3
    assert {'qid', 'query', 'vid', 'pred_relevant_windows', 'pred_saliency_scores'} <= set(rows[0])
    assert (show / 'moments.png').stat().st_size > 1000
    assert 'MR-full-mAP' in text


def test_the_screen_is_short_and_the_file_has_everything(trained):
    folder, _, text = trained
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if 'Epoch 1/1 [' in line)
    assert first <= 20, lines[:first]
    (log,) = (folder / 'work').glob('*/*.log')
    logged = log.read_text()
    for detail in ('sys.platform', 'param_scheduler', 'Hooks will be executed', 'ExactResumeHook'):
        assert detail in logged and detail not in text


def test_a_second_run_is_refused_unless_told(tmp_path):
    config, work = tiny_config(tmp_path), tmp_path / 'work'
    options = ['--cfg-options', 'train_cfg.max_epochs=1', 'param_scheduler.begin=0', 'train_dataloader.dataset.limit=8']
    run_tool('train.py', config, '--work-dir', work, '--seed', 1, *options)
    before = {path: path.read_bytes() for path in work.rglob('*') if path.is_file() and path.name != '.lock'}
    text = run_tool('train.py', config, '--work-dir', work, '--seed', 2, *options, check=2)
    assert 'holds the checkpoints of an earlier run (' in text
    assert '--resume' in text and '--work-dir' in text and '--overwrite' in text and 'Traceback' not in text
    assert before == {path: path.read_bytes() for path in before}

    # A mistake in the config does not cost the old run.
    wrong = [*options, 'train_dataloader.dataset.split=nowhere']
    run_tool('train.py', config, '--work-dir', work, '--overwrite', *wrong, check=2)
    assert (work / 'epoch_1.pth').is_file()

    (work / '.epoch_9.abcd_123.tmp.pth').touch()  # of a killed run
    (work / 'note.tmp.pth').touch()  # of somebody else
    run_tool('train.py', config, '--work-dir', work, '--seed', 2, '--overwrite', *options)
    assert load(work / 'epoch_1.pth')['meta']['seed'] == 2
    assert len(list(work.glob('best_*.pth'))) == 1
    assert not (work / '.epoch_9.abcd_123.tmp.pth').exists() and (work / 'note.tmp.pth').exists()
    assert 'not allowed with argument' in run_tool('train.py', config, '--resume', '--overwrite', check=2)


def test_two_trainings_at_once(tmp_path):
    config, work = tiny_config(tmp_path), tmp_path / 'work'
    first = start_tool('train.py', config, '--work-dir', work, output=tmp_path / 'first.txt')
    while first.is_alive() and not (work / '.lock').exists():
        time.sleep(0.01)
    time.sleep(0.2)
    text = run_tool('train.py', config, '--work-dir', work, '--resume', check=2)
    assert f'is in use by another training (process {first.pid} on ' in text
    first.kill()  # a lock ends with its process
    first.join()
    run_tool('train.py', config, '--work-dir', work, '--resume', '--cfg-options', 'train_cfg.max_epochs=1')
    assert (work / 'epoch_1.pth').is_file()


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        (['none.py'], 'error: config none.py: no such file'),
        (['CONFIG', '--cfg-options', 'optim_wraper.optimizer.lr=1'], 'did you mean `optim_wrapper`?'),
        (['CONFIG', '--cfg-options', 'model.encodr.dim=1'], '`model` has no key `encodr`; did you mean `encoder`?'),
        (
            ['CONFIG', '--cfg-options', 'train_cfg.max_epoch=3'],
            'no argument of ResumableTrainLoop; did you mean `max_epochs`?',
        ),
        (['CONFIG', '--cfg-options', 'model.decoder.type=NoDecoder'], 'NoDecoder'),
        (['CONFIG', '--resume', 'none.pth'], 'error: --resume none.pth: no such checkpoint'),
        (['CONFIG', '--cfg-options', 'load_from=none.pth'], 'none.pth: no such'),
    ],
)
def test_mistakes_of_training_in_one_line(tmp_path, arguments, expected):
    config = tiny_config(tmp_path)
    arguments = [config if argument == 'CONFIG' else argument for argument in arguments]
    text = run_tool('train.py', *arguments, '--work-dir', tmp_path / 'work', check=2)
    errors = [line for line in text.splitlines() if line.startswith('error: ')]
    assert len(errors) == 1 and expected in errors[0]
    assert 'Traceback' not in text


def test_mistakes_of_testing_in_one_line(tmp_path):
    config = tiny_config(tmp_path)
    text = run_tool('test.py', config, 'none.pth', '--work-dir', tmp_path, check=2)
    assert text.startswith('error: checkpoint none.pth: no such file') and 'Traceback' not in text
    (tmp_path / 'text.pth').write_text('hello')
    text = run_tool('test.py', config, tmp_path / 'text.pth', '--work-dir', tmp_path, check=2)
    assert 'text.pth: not a' in text and 'Traceback' not in text
    broken = tmp_path / 'broken.py'
    broken.write_text('model = dict(')
    text = run_tool('test.py', broken, tmp_path / 'text.pth', check=2)
    assert text.startswith(f'error: config {broken}: SyntaxError') and 'Traceback' not in text


def test_traceback_on_request(tmp_path):
    text = run_tool('train.py', 'none.py', check=1, MMVMR_TRACEBACK='1')
    assert 'Traceback' in text


def test_distributed_scripts_say_how_they_are_called():
    for script in ('dist_train.sh', 'dist_test.sh', 'slurm_train.sh', 'slurm_test.sh'):
        assert 'usage:' in run_tool(script, check=2)
