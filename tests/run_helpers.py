"""Tiny real runs of the tools, shared by the tests of engine and tools."""

from __future__ import annotations

import json
import multiprocessing
import os
import runpy
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
import torch

REPO = Path(__file__).resolve().parent.parent
TINY = """
_base_ = ['{repo}/configs/sa_detr/sa_detr_synthetic.py']
model = dict(
    shared=dict(embed_dims=32, num_heads=4, ffn_dims=64),
    query_initializer=dict(direct=dict(num_queries=5), noise=dict(num_groups=2)),
)
train_dataloader = dict(batch_size=8, dataset=dict(num_videos=12))
val_dataloader = dict(batch_size=8, dataset=dict(num_videos=6))
test_dataloader = dict(batch_size=8, dataset=dict(num_videos=6))
train_cfg = dict(max_epochs=3, val_interval=1)
param_scheduler = dict(begin=1, end=3)
default_hooks = dict(
    logger=dict(interval=1),
    ema=dict(type='MomentEMAHook', momentum=0.1),
)
log_processor = dict(window_size=1)
"""


def tiny_config(folder: Path, extra: str = '', name: str = 'tiny') -> Path:
    """Write a config of a small SA-DETR on a handful of synthetic videos; dropout, noise and EMA are on."""
    path = folder / f'{name}.py'
    path.write_text(TINY.format(repo=REPO.as_posix()) + extra)
    return path


def in_two_processes(worker: Any, folder: Path) -> list[Any]:
    """Run ``worker(rank, folder)`` in two processes; each leaves its results in ``<rank>.pt``."""
    started = [forkserver().Process(target=worker, args=(rank, str(folder)), daemon=True) for rank in range(2)]
    for process in started:
        process.start()
    for process in started:
        process.join(timeout=240)
        if process.is_alive():
            process.kill()
            pytest.fail('the processes wait for each other: they do not take the same reductions')
    assert [process.exitcode for process in started] == [0, 0]
    return [torch.load(folder / f'{rank}.pt', weights_only=True) for rank in range(2)]


#: Vocabulary of :func:`write_tokenizer`.
WORDS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'person', 'opens', 'the', 'door', 'up']


def write_tokenizer(folder: Path) -> str:
    """Leave a tokenizer of a few words in a folder, as ``save_pretrained`` of transformers does."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token='[UNK]'))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single='[CLS] $A [SEP]', special_tokens=[('[CLS]', 2), ('[SEP]', 3)]
    )
    transformers.PreTrainedTokenizerFast(tokenizer_object=words).save_pretrained(folder)
    return str(folder)


def _child(tool: str, args: list[str], output: str, env: dict[str, str]) -> None:
    """In the child: become ``python tools/<tool> args``."""
    handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.environ.update(env)
    torch.set_num_threads(1)
    if tool.endswith('.sh'):
        os.environ.update(PYTHON=sys.executable)
        os.execvp('bash', ['bash', str(REPO / 'tools' / tool), *args])
    sys.argv = [tool, *args]
    runpy.run_path(str(REPO / 'tools' / tool), run_name='__main__')


def forkserver() -> Any:
    """Context whose processes are forked from a server that has imported torch and mmvmr already.

    A fresh interpreter spends more time on that than on a tiny training.
    """
    os.environ.update(OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='')  # before the server starts
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(
        ['torch._dynamo', 'mmengine.runner', 'mmvmr.engine', 'mmvmr.models', 'mmvmr.visualization', 'run_helpers']
    )
    return context


def start_tool(tool: str, *args: Any, output: Path, **env: str) -> Any:
    """Start ``tools/<tool>`` in a process of its own."""
    process = forkserver().Process(target=_child, args=(tool, [*map(str, args)], str(output), env))
    process.start()
    return process


def run_tool(tool: str, *args: Any, check: int | None = 0, **env: str) -> str:
    """Run ``tools/<tool>``; ``check`` is the expected exit code (-9: killed).

    Returns:
        What it printed, stderr included.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, 'output.txt')
        process = start_tool(tool, *args, output=output, **env)
        process.join(timeout=300)
        text = output.read_text() if output.exists() else ''
    assert check is None or process.exitcode == check, f'exit code {process.exitcode}\n{text}'
    return text


def start_and_kill(config: Path, work_dir: Path, seconds: float, *args: Any) -> None:
    """Start ``tools/train.py``, wait for the next checkpoint and ``seconds`` more, then SIGKILL it."""
    before = _modified(work_dir / 'last_checkpoint')
    process = start_tool('train.py', config, '--work-dir', work_dir, *args, output=work_dir.parent / 'killed.txt')
    while process.is_alive() and _modified(work_dir / 'last_checkpoint') == before:
        time.sleep(0.005)
    time.sleep(seconds)
    process.kill()
    process.join()


def _modified(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0


def load(path: Path) -> dict:
    return torch.load(path, weights_only=True)


def validation_history(work_dir: Path) -> dict[int, dict[str, float]]:
    """Validation metrics by epoch; a repeated epoch must have repeated itself exactly."""
    history: dict[int, dict[str, float]] = {}
    for path in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            if 'loss' in row or 'MR-full-mAP' not in row:
                continue
            values = {k: v for k, v in row.items() if k not in ('time', 'data_time')}
            assert str(history.get(row['step'], values)) == str(values)
            history[row['step']] = values
    return history


def assert_same(a: Any, b: Any, where: str = '') -> None:
    """Bit-identical tensors in equal structures."""
    assert type(a) is type(b), where
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    elif isinstance(a, dict):
        assert set(a) == set(b), where  # the fields of a data element are a set, which has no order
        for key in a:
            assert_same(a[key], b[key], f'{where}.{key}')
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b)):
            assert_same(x, y, f'{where}[{i}]')
    else:
        assert a == b, where


def assert_same_training(reference: Path, other: Path, checkpoint: str) -> None:
    """Equal weights, averaged weights, optimizer, schedule, best score, losses and validation metrics."""
    a, b = load(reference / checkpoint), load(other / checkpoint)
    for key in ('state_dict', 'ema_state_dict', 'optimizer', 'param_schedulers'):
        assert_same(a[key], b[key], key)
    hub_a, hub_b = a['message_hub'], b['message_hub']
    assert_same(hub_a['log_scalars']['train/loss'], hub_b['log_scalars']['train/loss'], 'loss')
    assert hub_a['runtime_info'].get('best_score') == hub_b['runtime_info'].get('best_score')
    history = validation_history(reference)
    assert history
    assert str(history) == str(validation_history(other))
    best_a, best_b = (sorted(p.name for p in d.glob('best_*.pth')) for d in (reference, other))
    assert best_a == best_b and len(best_a) == 1
    assert_same(load(reference / best_a[0])['state_dict'], load(other / best_b[0])['state_dict'], 'best')
