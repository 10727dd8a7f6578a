"""Official checkpoints are converted, and their pickles never run."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from parity.recording import load_arrays

from mmvmr.conversion import METHODS
from mmvmr.conversion.checkpoints import read_official
from mmvmr.registry import MODELS
from mmvmr.utils.checkpoint import load_checkpoint_safe

TOOL = Path('tools/model_converters/official_checkpoint.py')


class _Payload:
    """Pickles to a call that leaves a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture
def recorded(shared_dir):
    folder = shared_dir / 'parity' / 'qd_detr'
    return load_arrays(folder / 'state_dict.npz'), json.loads((folder / 'config.json').read_text())['args']


def _run(repo_dir, *args):
    env = {**os.environ, 'PYTHONPATH': str(repo_dir)}
    command = [sys.executable, str(repo_dir / TOOL), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False)


def test_pickled_options_are_read(tmp_path, recorded):
    state, args = recorded
    torch.save({'model': state, 'opt': argparse.Namespace(**args), 'epoch': 3}, tmp_path / 'model.ckpt')
    found, options = read_official(tmp_path / 'model.ckpt')
    assert options == args
    assert all(torch.equal(found[key], state[key]) for key in state)


def test_code_in_a_checkpoint_never_runs(tmp_path):
    trace = tmp_path / 'ran'
    torch.save({'model': {'weight': torch.zeros(2)}, 'opt': _Payload(trace)}, tmp_path / 'model.ckpt')
    with pytest.raises(ValueError, match=r'refused, because loading .* run code.*asks for `(posix|nt)\.mkdir`'):
        read_official(tmp_path / 'model.ckpt')
    assert not trace.exists()


class _Options:
    """A class of the official code, unknown here."""


def test_unknown_option_classes_are_inert(tmp_path):
    options = _Options()
    options.hidden_dim, options.device = 32, torch.device('cpu')
    torch.save({'model': {'weight': torch.zeros(2)}, 'opt': options}, tmp_path / 'model.ckpt')
    assert read_official(tmp_path / 'model.ckpt')[1] == {'hidden_dim': 32}


@pytest.mark.slow
def test_converted_checkpoint_fits_and_loads_strictly(tmp_path, repo_dir, recorded):
    state, args = recorded
    torch.save({'model': {f'module.{k}': v for k, v in state.items()}}, tmp_path / 'model.ckpt')
    (tmp_path / 'opt.json').write_text(json.dumps(args))
    target = tmp_path / 'out' / 'converted.pth'
    done = _run(repo_dir, 'qd_detr', tmp_path / 'model.ckpt', target, '--opt', tmp_path / 'opt.json')
    assert done.returncode == 0, done.stderr
    converted = load_checkpoint_safe(target)['state_dict']
    model = MODELS.build(METHODS['qd_detr'].model_config(args))
    model.load_state_dict(converted)
    assert torch.equal(model.encoder.encoder.token.feat, state['global_rep_token'])


@pytest.mark.slow
@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            lambda state, args: state.pop('class_embed.weight'),
            'missing in the file (moment_head.logits.linear.weight)',
        ),
        (lambda state, args: state.update(surprise=torch.zeros(1)), "no rule for the official parameter 'surprise'"),
        (lambda state, args: args.update(hidden_dim=64), 'do not fit the model'),
        (lambda state, args: args.update(span_loss_type='ce'), "span_loss_type='ce' is not implemented"),
        (lambda state, args: args.pop('nheads'), "lack 'nheads'"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(tmp_path, repo_dir, recorded, change, message):
    state, args = recorded
    change(state, args)
    torch.save({'model': state, 'opt': args}, tmp_path / 'model.ckpt')
    done = _run(repo_dir, 'qd_detr', tmp_path / 'model.ckpt', tmp_path / 'out.pth')
    assert done.returncode == 2
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
    assert not (tmp_path / 'out.pth').exists()


@pytest.mark.slow
def test_truncated_checkpoint(tmp_path, repo_dir, recorded):
    torch.save({'model': recorded[0], 'opt': recorded[1]}, tmp_path / 'model.ckpt')
    data = (tmp_path / 'model.ckpt').read_bytes()
    (tmp_path / 'model.ckpt').write_bytes(data[: len(data) // 2])
    done = _run(repo_dir, 'qd_detr', tmp_path / 'model.ckpt', tmp_path / 'out.pth')
    assert done.returncode == 2
    assert 'not a complete checkpoint' in done.stderr
