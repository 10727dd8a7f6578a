"""Files that are not what they should be: named for what they are, and never read at the sizes that they claim."""

import io
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch

from mmvmr.datasets import FolderStore, HDF5Store
from mmvmr.utils.arrays import NpzArrays, read_npy, read_npz
from mmvmr.utils.checkpoint import load_checkpoint_safe
from mmvmr.utils.cli import UserError, load_config
from mmvmr.utils.content import check_claimed_size, parse_yaml, reason
from mmvmr.utils.io import read_json, read_jsonl, read_text

ROW = {'vid': 'v', 'qid': 1}
FOREIGN = [
    (b'\n<!DOCTYPE html><html><body>404</body></html>', r"a web page \(it begins with '<!DOCTYPE html"),
    (b'<?xml version="1.0"?><Error/>', 'a web page'),
    (b'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n', 'a pointer of Git LFS.*git lfs pull'),
    ('caf\u00e9, 1.0, 2.0\n'.encode(), r"a text file \(it begins with 'caf"),
    (b'', 'the file is empty'),
]


def _npy_header(shape, dtype='<f4'):
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {'descr': dtype, 'fortran_order': False, 'shape': shape})
    return out.getvalue()


def _bomb(path, size):
    """An archive whose only array has ``size`` zeros."""
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive, archive.open('features.npy', 'w') as out:
        out.write(_npy_header((size,), '|u1'))
        for _ in range(size // 2**20):
            out.write(bytes(2**20))


@pytest.mark.parametrize('suffix', ['npz', 'npy', 'pt'])
@pytest.mark.parametrize(('content', 'named'), FOREIGN)
def test_what_a_feature_file_is_instead(tmp_path, suffix, content, named):
    (tmp_path / f'v.{suffix}').write_bytes(content)
    with pytest.raises(ValueError, match=named) as info:
        FolderStore(str(tmp_path), f'{{vid}}.{suffix}').read(ROW)
    assert 'allow_pickle' not in str(info.value) and 'unsafely' not in str(info.value)
    assert str(info.value).count(str(tmp_path)) == 1


@pytest.mark.parametrize(('content', 'named'), FOREIGN)
def test_what_a_checkpoint_and_an_hdf5_file_are_instead(tmp_path, content, named):
    path = tmp_path / 'a.pth'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=named) as info:
        load_checkpoint_safe(path)
    assert 'run code' not in str(info.value) and 'weights_only' not in str(info.value)
    pytest.importorskip('h5py')
    with pytest.raises(ValueError, match=named):
        HDF5Store('a.pth', data_root=str(tmp_path)).read(ROW)


def test_formats_under_the_suffix_of_another(tmp_path):
    np.save(tmp_path / 'a.npy', np.zeros(3))
    np.savez(tmp_path / 'b.npz', features=np.zeros(3))
    (tmp_path / 'a.npy').rename(tmp_path / 'a.npz')
    (tmp_path / 'b.npz').rename(tmp_path / 'b.npy')
    with pytest.raises(ValueError, match=r'a\.npz: not an npz file: it is a single npy array; give it the suffix'):
        read_npz(tmp_path / 'a.npz')
    with pytest.raises(ValueError, match=r'b\.npy: not an npy file: it is an npz archive; give it the suffix \.npz'):
        read_npy(tmp_path / 'b.npy')


def test_arrays_are_read_as_numpy_wrote_them(tmp_path):
    arrays = {
        'a': np.arange(6.0).reshape(2, 3),
        'b': np.float16(2),
        'c': np.asfortranarray(np.eye(3)),
        'd': np.array('x'),
    }
    np.savez_compressed(tmp_path / 'a.npz', **arrays)
    found = read_npz(tmp_path / 'a.npz')
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == np.asarray(array).dtype
        np.testing.assert_array_equal(found[name], array)
    np.save(tmp_path / 'c.npy', arrays['c'])
    np.testing.assert_array_equal(read_npy(tmp_path / 'c.npy', mmap=True), np.eye(3))


def test_python_objects_are_refused_without_advice(tmp_path):
    np.savez(tmp_path / 'a.npz', features=np.array([{}], dtype=object))
    np.save(tmp_path / 'a.npy', np.array([{}], dtype=object))
    for read in (lambda: read_npz(tmp_path / 'a.npz'), lambda: read_npy(tmp_path / 'a.npy')):
        with pytest.raises(ValueError, match='it holds Python objects, expected numbers') as info:
            read()
        assert 'pickle' not in str(info.value)


@pytest.mark.parametrize('shape', [(10**12,), (2**40, 2**40), (3,), (-4,)])
def test_a_header_that_claims_other_sizes_than_the_file_has(tmp_path, shape):
    (tmp_path / 'a.npy').write_bytes(_npy_header(shape) + bytes(16))
    with zipfile.ZipFile(tmp_path / 'a.npz', 'w') as archive:
        archive.writestr('features.npy', _npy_header(shape) + bytes(16))
    with pytest.raises(ValueError, match=r'a\.npy: .*its header claims'):
        read_npy(tmp_path / 'a.npy')
    with pytest.raises(ValueError, match=r"a\.npz: array 'features' cannot be read: its header claims"):
        read_npz(tmp_path / 'a.npz')


def test_an_archive_that_unpacks_to_hundreds_of_megabytes(tmp_path):
    _bomb(tmp_path / 'a.npz', 2**27)
    assert (tmp_path / 'a.npz').stat().st_size < 2**18
    with pytest.raises(ValueError, match=r"array 'features' cannot be read: it claims 128 MiB in memory"):
        NpzArrays(tmp_path / 'a.npz')['features']


def test_a_compressed_checkpoint_that_unpacks_to_hundreds_of_megabytes(tmp_path):
    torch.save({'state_dict': {'w': torch.zeros(2**25)}}, tmp_path / 'whole.pth')
    with zipfile.ZipFile(tmp_path / 'whole.pth') as whole, zipfile.ZipFile(tmp_path / 'a.pth', 'w') as small:
        for info in whole.infolist():
            small.writestr(info.filename, whole.read(info), zipfile.ZIP_DEFLATED)
    (tmp_path / 'whole.pth').unlink()
    with pytest.raises(ValueError, match=r'a\.pth: not a complete checkpoint: it claims 128 MiB'):
        load_checkpoint_safe(tmp_path / 'a.pth')


def test_hdf5_that_claims_gigabytes_or_refers_elsewhere(tmp_path):
    h5py = pytest.importorskip('h5py')
    (tmp_path / 'secret').write_bytes(bytes(range(64)))
    with h5py.File(tmp_path / 'other.h5', 'w') as file:
        file['v'] = np.zeros((2, 2))
    with h5py.File(tmp_path / 'a.h5', 'w') as file:
        file.create_dataset('bomb', shape=(2**20, 2**20), chunks=(64, 64), dtype='f4', compression='gzip')
        file.create_dataset('raw', shape=(64,), dtype='u1', external=[(str(tmp_path / 'secret'), 0, 64)])
        file['link'] = h5py.ExternalLink(str(tmp_path / 'other.h5'), 'v')
        file['names'] = ['a', 'b']
        file['group/c3d'] = np.zeros((2, 2))
        file['zeros'] = np.zeros((2, 3))

    def read(name):
        return HDF5Store('a.h5', template=name, data_root=str(tmp_path)).read(ROW)

    assert read('zeros').shape == (2, 3)
    for name, message in (
        ('bomb', r'it claims 4,194,304 MiB in memory'),
        ('raw', 'refers to another file'),
        ('link', 'refers to another file'),
        ('names', 'expected numbers'),
        ('group', r"a group that holds \['c3d'\]"),
    ):
        with pytest.raises(ValueError, match=rf"a\.h5: entry '{name}' cannot be read: .*{message}"):
            read(name)


def test_sizes_that_features_can_have():
    check_claimed_size(2**26, 1, 'x')
    check_claimed_size(2**30, 2**30 // 200 + 1, 'x')
    with pytest.raises(ValueError, match='x claims 1,024 MiB in memory, but has 1 bytes'):
        check_claimed_size(2**30, 1, 'x')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{"a":\n' + '[' * 1000 + ']' * 1000 + '}', r'a\.json:2: .*nested more than 100 deep'),
        ('{"a":\n' + '{"b":' * 100_000, r'a\.json:2: .*nested more than 100 deep'),
        ('{"a": 1,\n"b": ' + '7' * 5000 + '}', r'a\.json:2: .*a number of 5000 digits, expected at most 300'),
    ],
)
def test_json_that_nothing_can_handle(tmp_path, text, message):
    (tmp_path / 'a.json').write_text(text)
    with pytest.raises(ValueError, match=message):
        read_json(tmp_path / 'a.json')
    (tmp_path / 'a.jsonl').write_text('{"a": 1}\n' + text.replace('\n', ''))
    with pytest.raises(ValueError, match=message.replace('json:2', 'jsonl:2')):
        read_jsonl(tmp_path / 'a.jsonl')


def test_brackets_and_digits_in_text_are_text(tmp_path):
    value = {'query': '[{' * 500 + '\\"' + '7' * 5000, 'rows': [[[1]]] * 300, 'half': 0.1 + 0.2}
    (tmp_path / 'a.json').write_text(json.dumps(value))
    assert read_json(tmp_path / 'a.json') == value


def test_text_that_is_not_utf8(tmp_path):
    (tmp_path / 'a.txt').write_bytes('one\ncaf\u00e9'.encode('cp1252'))
    with pytest.raises(ValueError, match=r'a\.txt:2: not UTF-8'):
        read_text(tmp_path / 'a.txt')


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='the system has no named pipes')
@pytest.mark.parametrize(
    'read', [read_json, read_jsonl, read_text, read_npy, read_npz, load_checkpoint_safe, load_config]
)
def test_a_named_pipe_does_not_block(tmp_path, read):
    os.mkfifo(tmp_path / 'pipe.py')
    with pytest.raises((FileNotFoundError, UserError), match='is a pipe or a device, expected a regular file'):
        read(str(tmp_path / 'pipe.py'))


def test_a_yaml_config_runs_nothing(tmp_path, repo_dir):
    (tmp_path / 'base.yml').write_text(f'a: !!python/object/apply:os.mkdir [{tmp_path}/ran]\n')
    (tmp_path / 'config.yml').write_text('_base_: base.yml\nb: 1\n')
    (tmp_path / 'plain.yaml').write_text('model: {type: MomentDetector}\nresume: false\n')
    for name in ('base.yml', 'config.yml'):
        with pytest.raises(UserError, match='could not determine a constructor for the tag'):
            load_config(str(tmp_path / name))
    assert not (tmp_path / 'ran').exists()
    assert load_config(str(tmp_path / 'plain.yaml')).model.type == 'MomentDetector'
    # The very first thing that a process does, too.
    code = f'from mmvmr.utils.cli import load_config\nload_config({str(tmp_path / "config.yml")!r})'
    env = {**os.environ, 'PYTHONPATH': str(repo_dir)}
    assert subprocess.run([sys.executable, '-c', code], env=env, capture_output=True, check=False).returncode == 1
    assert not (tmp_path / 'ran').exists()


def test_advice_of_other_libraries_is_left_out():
    for text in (
        'Object arrays cannot be loaded when allow_pickle=False',
        'Weights only load failed. Re-running `torch.load` with `weights_only` set to `False` will likely succeed',
        'Please pass the argument `trust_remote_code=True` to allow custom code to be run.',
    ):
        assert reason(ValueError(text)) == 'its content is damaged or of another kind (ValueError)'
    assert reason(ValueError('bad header\nat byte 3')) == 'bad header'


def test_aliases_of_yaml_do_not_multiply(tmp_path):
    levels = ['a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]']
    levels += [f'a{i}: &a{i} [{", ".join([f"*a{i - 1}"] * 10)}]' for i in range(1, 9)]
    (tmp_path / 'bomb.yml').write_text('\n'.join(levels))
    (tmp_path / 'loop.yml').write_text('a: &a [*a]\n')
    (tmp_path / 'deep.yml').write_text('[' * 5000)
    for name, message in (('bomb', 'repeat its values'), ('loop', 'repeat its values'), ('deep', 'not valid YAML')):
        with pytest.raises(UserError, match=message):
            load_config(str(tmp_path / f'{name}.yml'))
    (tmp_path / 'few.yml').write_text('model: &m {type: MomentDetector}\ntest_cfg: *m\n')
    detector = {'type': 'MomentDetector'}
    assert parse_yaml((tmp_path / 'few.yml').read_text()) == {'model': detector, 'test_cfg': detector}
