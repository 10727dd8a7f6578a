"""What users see: files, exit codes, one line for a mistake."""

import json

import pytest
from run_helpers import load, run_tool, tiny_config

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp('tools')
    config = tiny_config(folder)
    tensorboard = 'visualizer.vis_backends.tensorboard.type=TensorboardVisBackend'
    options = ['--cfg-options', 'train_cfg.max_epochs=1', 'param_scheduler.begin=0', tensorboard]
    text = run_tool('train.py', config, '--work-dir', folder / 'work', '--amp', '--seed', 5, *options)
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


def test_a_second_run_deletes_nothing(trained):
    folder, config, _ = trained
    work = folder / 'work'
    (work / 'note.txt').write_text('mine')
    before = {path for path in work.rglob('*') if path.is_file()}
    checkpoint = work / 'epoch_1.pth'
    out, show = folder / 'out' / 'preds.jsonl', folder / 'figures'
    text = run_tool('test.py', config, checkpoint, '--work-dir', work, '--out', out, '--show-dir', show, '--amp')
    assert before <= set(work.rglob('*'))
    assert len([path for path in work.iterdir() if path.is_dir()]) == 2
    metrics = json.loads((work / 'metrics.json').read_text())
    assert metrics['checkpoint'] == str(checkpoint) and metrics['metrics']['MR-full-mAP'] >= 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == metrics['num_queries']
    assert {'qid', 'query', 'vid', 'pred_relevant_windows', 'pred_saliency_scores'} <= set(rows[0])
    assert (show / 'moments.png').stat().st_size > 1000
    assert 'MR-full-mAP' in text


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        (['none.py'], 'error: config none.py: no such file'),
        (['CONFIG', '--cfg-options', 'optim_wraper.optimizer.lr=1'], 'did you mean `optim_wrapper`?'),
        (['CONFIG', '--cfg-options', 'model.encodr.dim=1'], '`model` has no key `encodr`; did you mean `encoder`?'),
        (['CONFIG', '--cfg-options', 'train_cfg.max_epoch=3'], "unexpected keyword argument 'max_epoch'"),
        (['CONFIG', '--cfg-options', 'model.decoder.type=NoDecoder'], 'NoDecoder'),
        (['CONFIG', '--resume', 'none.pth'], 'error: --resume none.pth: no such checkpoint'),
        (['CONFIG', '--cfg-options', 'load_from=none.pth'], 'none.pth: no such checkpoint'),
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
