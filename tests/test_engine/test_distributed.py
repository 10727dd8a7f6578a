"""Two gloo processes against one process with the same global batch."""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import torch
from run_helpers import REPO, load, run_tool, start_tool, validation_history

# No negative pairs: they are chosen inside the batch of a process. Queries have up to five moments, so that the
# processes divide by different counts.
CONFIG = """
_base_ = [
    '{repo}/configs/_base_/models/moment_detr.py',
    '{repo}/configs/_base_/datasets/synthetic.py',
    '{repo}/configs/_base_/schedules/schedule_quick.py',
    '{repo}/configs/_base_/default_runtime.py',
]
model = dict(
    shared=dict(embed_dims=32, num_heads=4, ffn_dims=64, dropout=0.0),
    projector=dict(video_dims=66, text_dims=48, input_dropout=0.0),
    query_initializer=dict(num_queries=5),
)
train_dataloader = dict(batch_size={batch_size}, dataset=dict(num_videos=12, limit=24))
val_dataloader = dict(batch_size={batch_size}, dataset=dict(num_videos=8, limit=15))
test_dataloader = dict(batch_size={batch_size}, dataset=dict(num_videos=8, limit=15))
train_cfg = dict(max_epochs=2, val_interval=1)
param_scheduler = dict(begin=1, end=2)
default_hooks = dict(logger=dict(interval=1))
log_processor = dict(window_size=1)
"""


def config(folder: Path, batch_size: int, extra: str = '') -> Path:
    path = folder / f'batch_{batch_size}.py'
    path.write_text(CONFIG.format(repo=REPO.as_posix(), batch_size=batch_size) + extra)
    return path


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return str(probe.getsockname()[1])


def run_two(tool: str, *args: object) -> None:
    """Run a tool in two processes as torchrun does, without its fresh interpreters."""
    world = dict(WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=free_port())
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, 'output.txt')
        started = [
            start_tool(tool, *args, '--launcher', 'pytorch', output=output, RANK=rank, LOCAL_RANK=rank, **world)
            for rank in ('0', '1')
        ]
        for process in started:
            process.join(timeout=300)
        assert [process.exitcode for process in started] == [0, 0], output.read_text()


def test_script_of_the_distributed_test():
    env = {**os.environ, 'PYTHON': 'echo', 'PORT': '1234'}
    script = REPO / 'tools/dist_test.sh'
    line = subprocess.check_output(['bash', script, 'a.py', 'b.pth', '2', '--out', 'c'], env=env, text=True)
    assert line.startswith('-m torch.distributed.run ')
    assert '--master_port=1234 --nproc_per_node=2' in line
    assert line.split('test.py ')[-1].split() == ['a.py', 'b.pth', '--launcher', 'pytorch', '--out', 'c']


def test_options_of_torchrun_go_to_torchrun():
    env = {**os.environ, 'PYTHON': 'echo'}
    words = ['a.py', '2', '--max-restarts', '3', '--work-dir', 'a b', '--nnodes=2', '--amp', '--rdzv-id', '7']
    script = REPO / 'tools/dist_train.sh'
    line = subprocess.check_output(['bash', script, *words], env=env, text=True).strip()
    launcher, own = line.split(f'{REPO}/tools/../tools/train.py' if '../' in line else f'{REPO}/tools/train.py')
    assert launcher.strip().endswith('--nproc_per_node=2 --max-restarts 3 --nnodes=2 --rdzv-id 7')
    assert own.strip() == 'a.py --launcher pytorch --work-dir a b --amp'
    ended = subprocess.run(['bash', script, 'a.py', '2', '--nnodes'], env=env, capture_output=True, text=True)
    assert ended.returncode == 2 and ended.stderr == 'error: --nnodes needs a value\n'


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path):
    one, two = tmp_path / 'one', tmp_path / 'two'
    run_tool('train.py', config(tmp_path, 8), '--work-dir', one)
    run_tool('dist_train.sh', config(tmp_path, 4), 2, '--work-dir', two, PORT=free_port())
    a, b = (load(folder / 'epoch_2.pth')['state_dict'] for folder in (one, two))
    assert list(a) == list(b)
    for name in a:
        torch.testing.assert_close(
            a[name], b[name], atol=1e-4, rtol=1e-4, msg=lambda text, name=name: f'{name}: {text}'
        )
    expected, found = validation_history(one), validation_history(two)
    assert sorted(expected) == sorted(found) == [1, 2]
    for epoch, metrics in expected.items():
        assert found[epoch] == pytest.approx(metrics, abs=1e-3, nan_ok=True)

    # The same weights, tested by one process and by two on an uneven number of queries.
    out = [tmp_path / 'one.jsonl', tmp_path / 'two.jsonl']
    checkpoint = one / 'epoch_2.pth'
    run_tool('test.py', config(tmp_path, 8), checkpoint, '--work-dir', one, '--out', out[0])
    run_two('test.py', config(tmp_path, 4), checkpoint, '--work-dir', two, '--out', out[1])
    results = [json.loads((folder / 'test/epoch_2-test/metrics.json').read_text()) for folder in (one, two)]
    assert results[0]['metrics'] == pytest.approx(results[1]['metrics'], abs=1e-3)
    rows = [[json.loads(line) for line in path.read_text().splitlines()] for path in out]
    assert len(rows[0]) == 15
    assert [row['qid'] for row in rows[0]] == [row['qid'] for row in rows[1]]


def process_of(rank: int, launcher: int) -> int:
    for children in Path('/proc', str(launcher), 'task').glob('*/children'):
        for pid in children.read_text().split():
            if f'\0RANK={rank}\0' in Path('/proc', pid, 'environ').read_text():
                return int(pid)
    raise AssertionError(f'no process of rank {rank}')


@pytest.mark.slow
@pytest.mark.skipif(not Path('/proc/self/task').is_dir(), reason='finds the process of a rank in /proc')
def test_a_training_that_loses_a_process_goes_on_from_its_checkpoint(tmp_path):
    work_dir, output, epochs = tmp_path / 'run', tmp_path / 'output.txt', 8
    longer = f'train_cfg.update(max_epochs={epochs})\nparam_scheduler.update(end={epochs})\n'
    args = [config(tmp_path, 4, longer), 2, '--work-dir', work_dir, '--max-restarts', 1, '--nnodes', 1]
    launcher = start_tool('dist_train.sh', *args, output=output, PORT=free_port())
    while launcher.is_alive() and not (work_dir / 'last_checkpoint').exists():
        time.sleep(0.01)
    os.kill(process_of(1, launcher.pid), signal.SIGKILL)
    launcher.join(timeout=300)
    assert launcher.exitcode == 0, output.read_text()
    first, second = (path.read_text() for path in sorted(work_dir.glob('*/*.log')))
    assert f'Epoch {epochs}/{epochs}' not in first
    resumed = int(re.search(r'Resumed at epoch (\d+), iteration', second).group(1))
    assert 1 <= resumed < epochs and f'Epoch {resumed}/{epochs} ' not in second
    assert sorted(validation_history(work_dir)) == list(range(1, epochs + 1))
    assert load(work_dir / f'epoch_{epochs}.pth')['meta']['epoch'] == epochs
