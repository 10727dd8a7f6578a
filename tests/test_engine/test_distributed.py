"""Two gloo processes against one process with the same global batch."""

import json
import socket
from pathlib import Path

import pytest
import torch
from run_helpers import REPO, load, run_tool, validation_history

# Nothing that looks across the samples of a process (negative pairs, contrastive losses, the number of moments in a
# batch): such terms depend on how a batch is divided, in any framework.
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
train_dataloader = dict(
    batch_size={batch_size}, dataset=dict(num_videos=12, limit=24, pipeline=dict(targets=dict(max_windows=1)))
)
val_dataloader = dict(batch_size={batch_size}, dataset=dict(num_videos=8, limit=15))
test_dataloader = dict(batch_size={batch_size}, dataset=dict(num_videos=8, limit=15))
train_cfg = dict(max_epochs=2, val_interval=1)
param_scheduler = dict(begin=1, end=2)
default_hooks = dict(logger=dict(interval=1))
log_processor = dict(window_size=1)
"""


def config(folder: Path, batch_size: int) -> Path:
    path = folder / f'batch_{batch_size}.py'
    path.write_text(CONFIG.format(repo=REPO.as_posix(), batch_size=batch_size))
    return path


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return str(probe.getsockname()[1])


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
    run_tool('test.py', config(tmp_path, 8), one / 'epoch_2.pth', '--work-dir', one, '--out', out[0])
    run_tool(
        'dist_test.sh',
        config(tmp_path, 4),
        one / 'epoch_2.pth',
        2,
        '--work-dir',
        two,
        '--out',
        out[1],
        PORT=free_port(),
    )
    results = [json.loads((folder / 'metrics.json').read_text()) for folder in (one, two)]
    assert results[0]['metrics'] == pytest.approx(results[1]['metrics'], abs=1e-3)
    rows = [[json.loads(line) for line in path.read_text().splitlines()] for path in out]
    assert len(rows[0]) == 15
    assert [row['qid'] for row in rows[0]] == [row['qid'] for row in rows[1]]
