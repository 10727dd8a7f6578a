"""Exported models answer as those of torch do, and what cannot be exported is refused in one line."""

import sys

import numpy as np
import pytest
import torch

from mmvmr.apis import MomentFinder
from mmvmr.apis.benchmark import config_finder, random_tokens, random_video
from mmvmr.cli.main import main
from mmvmr.utils.config import read_config
from mmvmr.utils.inference_meta import inference_dataset, inference_meta


@pytest.fixture
def checkpoint(tmp_path):
    """A function that writes the untrained model of a config as a checkpoint."""

    def write(name):
        torch.manual_seed(0)
        cfg = read_config(name)
        entry = inference_meta(cfg.model.to_dict(), inference_dataset(cfg).to_dict(), name=name)
        state = config_finder(name, device='cpu').model.state_dict()
        torch.save({'state_dict': state, 'meta': {'inference': entry}}, tmp_path / f'{name}.pth')
        return tmp_path / f'{name}.pth'

    return write


@pytest.mark.slow
def test_windows_are_those_of_torch(checkpoint, tmp_path, capsys):
    path = checkpoint('qd_detr_clip_charades')
    assert main(['export', str(path), str(tmp_path / 'qd.onnx')]) == 0
    assert 'outputs on random inputs differ by at most' in capsys.readouterr().out
    finders = [MomentFinder(file, device='cpu', window=20.0) for file in (path, tmp_path / 'qd.onnx')]
    # Two sentences of different lengths, a video in windows and one that is shorter than a window.
    for seconds in (31.0, 7.0):
        answers = []
        for finder in finders:
            tokens = [x[:n] for x, n in zip(random_tokens(finder, 2), (12, 5))]
            answers.append(finder.answer(random_video(finder, seconds), ['x', 'y'], tokens))
        for a, b in zip(*answers):
            np.testing.assert_allclose([m.score for m in a.moments], [m.score for m in b.moments], atol=2e-4)
            ends = [[(m.start, m.end) for m in answer.moments] for answer in (a, b)]
            np.testing.assert_allclose(*ends, atol=0.02)  # seconds
            np.testing.assert_allclose(a.raw_saliency, b.raw_saliency, atol=1e-3)
    (tmp_path / 'damaged.onnx').write_bytes(b'nothing')
    with pytest.raises(ValueError, match=r'damaged\.onnx: onnxruntime cannot open it'):
        MomentFinder(tmp_path / 'damaged.onnx')


def test_what_is_not_exported(checkpoint, tmp_path, capsys, monkeypatch):
    path = checkpoint('mmn_clip_charades')

    def refused(target, *options):
        with pytest.raises(SystemExit) as ended:
            main(['export', str(path), str(tmp_path / target), *options])
        assert ended.value.code == 2
        return capsys.readouterr().err

    assert 'expected a name that ends in .onnx' in refused('mmn.pt')
    assert 'there is no folder' in refused('absent/mmn.onnx')
    assert 'the config of --compare, which was not given' in refused('mmn.onnx', '--cfg-options', 'data_root=x')
    compared = ['--compare', 'mmn_clip_charades', '--cfg-options']
    assert 'there is no such folder' in refused('mmn.onnx', *compared, 'data_root=absent')
    assert 'did you mean' in refused('mmn.onnx', *compared, 'test_dataloader.batch_sizes=1')
    for package in ('onnxruntime', 'onnxscript'):
        monkeypatch.setitem(sys.modules, package, None)
        assert 'pip install onnxruntime onnxscript' in refused('mmn.onnx')
        monkeypatch.setitem(sys.modules, package, sys)
    assert 'only models of one pass per sentence are exported' in refused('mmn.onnx')
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    (tmp_path / 'qd.onnx').write_bytes(b'')
    with pytest.raises(ImportError, match=r'qd\.onnx needs onnxruntime: pip install onnxruntime'):
        MomentFinder(tmp_path / 'qd.onnx')
    with pytest.raises(FileNotFoundError, match=r'absent\.onnx: no such file'):
        MomentFinder(tmp_path / 'absent.onnx')
