import os
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.runner import CheckpointLoader

from mmvmr.utils.checkpoint import UnsafeCheckpointError, install_safe_loader, load_checkpoint_safe
from mmvmr.utils.plain import to_plain


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f'touch {self.path}',)


@pytest.mark.parametrize('zip_format', [True, False])
def test_code_in_a_checkpoint_is_refused_and_not_run(tmp_path, zip_format):
    path, trace = tmp_path / 'evil.pth', tmp_path / 'ran'
    torch.save({'state_dict': {}, 'meta': Malicious(trace)}, path, _use_new_zipfile_serialization=zip_format)
    install_safe_loader()
    for load in (load_checkpoint_safe, CheckpointLoader.load_checkpoint):
        with pytest.raises(UnsafeCheckpointError, match='refused') as info:
            load(str(path))
        text = str(info.value)
        assert str(path) in text and 'system' in text and 'mmvmr convert' in text
        assert '\n' not in text
    assert not trace.exists()


def test_pickled_options_are_refused_with_the_name_of_their_class(tmp_path):
    torch.save({'model': {}, 'opt': Path('x')}, tmp_path / 'a.ckpt')
    with pytest.raises(UnsafeCheckpointError, match='asks for `pathlib'):
        load_checkpoint_safe(tmp_path / 'a.ckpt')


def test_damaged_and_missing_files(tmp_path):
    path = tmp_path / 'a.pth'
    torch.save({'state_dict': {'w': torch.zeros(1000)}}, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match='not a complete checkpoint'):
        load_checkpoint_safe(path)
    for text in ('a dog\u2028runs\nthe door\x0bopens', 'qid,query\n'):
        path.write_text(text, encoding='utf-8')
        with pytest.raises(ValueError, match=r'a\.pth: not a complete checkpoint: it is a text file \(it begins with'):
            load_checkpoint_safe(path)
    path.write_bytes(b'a\x00\xff')
    with pytest.raises(ValueError, match=r'content is damaged or of another kind \(IndexError\)$'):
        load_checkpoint_safe(path)
    path.write_text('hello')
    with pytest.raises(ValueError, match=r'a\.pth: not a'):
        load_checkpoint_safe(path)
    with pytest.raises(FileNotFoundError, match='no such file'):
        load_checkpoint_safe(tmp_path / 'none.pth')
    with pytest.raises(FileNotFoundError, match='is a folder'):
        load_checkpoint_safe(tmp_path)
    torch.save([1], path)
    with pytest.raises(ValueError, match='found list'):
        load_checkpoint_safe(path)


def test_config_text_that_mmengine_would_execute_is_dropped(tmp_path):
    torch.save({'meta': {'config': 'import os', 'cfg': 'a = 1'}}, tmp_path / 'a.pth')
    assert load_checkpoint_safe(tmp_path / 'a.pth')['meta'] == {'cfg': 'a = 1'}


def test_other_schemes_are_refused():
    install_safe_loader()
    with pytest.raises(ValueError, match='download it'):
        CheckpointLoader.load_checkpoint('torchvision://resnet18')


def test_to_plain_gives_what_a_strict_load_accepts(tmp_path):
    value = {
        'a': np.float64(1.5),
        'b': [np.int64(2), (np.bool_(True), None)],
        np.int64(3): np.arange(3),
        'p': Path('x'),
        'names': np.array(['u', 'v']),
    }
    torch.save(to_plain(value), tmp_path / 'a.pth')
    loaded = torch.load(tmp_path / 'a.pth', weights_only=True)
    assert loaded['a'] == 1.5 and type(loaded['a']) is float
    assert loaded['b'] == [2, (True, None)]
    assert torch.equal(loaded[3], torch.arange(3))
    assert loaded['p'] == 'x' and loaded['names'] == ['u', 'v']


def test_to_plain_names_what_it_cannot_store():
    with pytest.raises(TypeError, match=r"checkpoint\['meta'\]\['x'\]\[1\] cannot be stored.*Malicious"):
        to_plain({'meta': {'x': [0, Malicious('')]}}, 'checkpoint')
