import os
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from mmvmr.features.networks import is_plain_pickle, load_weights, read_numpy_pickle, read_state_dict
from mmvmr.utils.checkpoint import UnsafeCheckpointError


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f'touch {self.path}',)


@pytest.mark.parametrize('protocol', [2, 4, 5])
def test_arrays_of_a_pickle_are_read_as_they_are(tmp_path, protocol):
    content = {
        'blobs': {'w': np.arange(6, dtype='f4').reshape(2, 3), 'f': np.asfortranarray(np.eye(3)[:2])},
        'n': 3,
        'text': 'x',
    }
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps(content, protocol=protocol))
    read = read_numpy_pickle(tmp_path / 'a.pkl')
    assert read['n'] == 3 and read['text'] == 'x'
    for name, array in content['blobs'].items():
        np.testing.assert_array_equal(read['blobs'][name], array)
        assert read['blobs'][name].dtype == array.dtype


def test_a_pickle_of_python_2_is_read(tmp_path):
    # Python 2 pickled the bytes of an array as a text string: opcode U, with a length of one byte.
    state = b'(I1\n(I2\nt' + b'cnumpy\ndtype\n(U\x02f4I0\nI1\ntR(I3\nU\x01<NNNI-1\nI-1\nI0\ntb' + b'I00\n'
    state += b'U\x08' + np.array([1.5, -2], '<f4').tobytes() + b't'
    array = b'cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntU\x01btR' + state + b'b'
    (tmp_path / 'a.pkl').write_bytes(b'\x80\x02}U\x01w' + array + b's.')
    np.testing.assert_array_equal(read_numpy_pickle(tmp_path / 'a.pkl')['w'], np.array([1.5, -2], 'f4'))


def test_code_in_a_pickle_is_refused_and_not_run(tmp_path):
    path, trace = tmp_path / 'evil.pkl', tmp_path / 'ran'
    path.write_bytes(pickle.dumps({'blobs': Malicious(trace)}))
    with pytest.raises(UnsafeCheckpointError, match=r'evil\.pkl: refused.*asks for `(posix|nt)\.system`') as info:
        read_numpy_pickle(path)
    assert '\n' not in str(info.value) and not trace.exists()


def test_damaged_missing_and_other_pickles(tmp_path):
    path = tmp_path / 'a.pkl'
    whole = pickle.dumps({'w': np.zeros(100)})
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r'a\.pkl: not a complete pickle'):
        read_numpy_pickle(path)
    path.write_text('hello')
    with pytest.raises(ValueError, match=r'a\.pkl: not a complete pickle'):
        read_numpy_pickle(path)
    path.write_bytes(pickle.dumps([1]))
    with pytest.raises(ValueError, match='found list'):
        read_numpy_pickle(path)
    with pytest.raises(FileNotFoundError, match='no such file'):
        read_numpy_pickle(tmp_path / 'none.pkl')


def _state(shape, dtype, data):
    """A pickle of one array with any state."""
    array = b'cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntU\x01btR'
    return b'\x80\x02}U\x01w' + array + b'(I1\n' + shape + dtype + b'I00\n' + data + b'tbs.'


_F4 = b"cnumpy\ndtype\n(S'f4'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"
_OBJECT = b"cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI63\ntb"


def test_the_pickles_below_differ_from_a_good_one_in_one_place(tmp_path):
    (tmp_path / 'a.pkl').write_bytes(_state(b'(I2\nt', _F4, b'U\x08\x00\x00\xc0?\x00\x00\x00\xc0'))
    np.testing.assert_array_equal(read_numpy_pickle(tmp_path / 'a.pkl')['w'], np.array([1.5, -2], 'f4'))


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (_state(b'(I1000000000000\nt', _F4, b'U\x0812345678'), 'shape .* with 8 bytes'),
        (_state(b'(I-2\nt', _F4, b'U\x0812345678'), 'shape .* with 8 bytes'),
        (_state(b'(I1\nt', _OBJECT, b'U\x0812345678'), "dtype 'O8', not of plain numbers"),
        (_state(b'(I1\nt', b"S'f4'\n", b'U\x041234'), 'not bytes, dtype and shape'),
        (_state(b'(I1\nt', _F4, b'(I1\nI2\nl'), 'not bytes, dtype and shape'),
        # numpy.ndarray called with a shape shows whatever memory is free
        (b'\x80\x02}U\x01wcnumpy\nndarray\n(I64\ntRs.', 'not callable'),
        (b'\x80\x02}U\x01wcnumpy\nndarray\n(I64\nt\x81s.', 'not a complete pickle'),
        # a state for a function
        (b'\x80\x02}U\x01wc_codecs\nencode\n}bs.', 'it changes a function'),
        # lengths and memo indices that the file does not have
        (b'\x80\x04\x8e' + (2**60).to_bytes(8, 'little') + b'x', 'not a complete pickle'),
        (b'\x80\x02}r\xff\xff\xff\xffU\x01wcnumpy\nnothing\ns.', 'asks for `numpy.nothing`'),
        (b'\x80\x02}U\x01w' + b']' * 30 + b'a' * 29 + b's.', 'nested more than 20 deep'),
    ],
)
def test_a_pickle_that_claims_what_it_has_not(tmp_path, content, message):
    (tmp_path / 'a.pkl').write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_numpy_pickle(tmp_path / 'a.pkl')


def test_a_pickle_that_refers_to_itself_often(tmp_path):
    """Two to the power of 15 lists, if each were read as often as it is referred to."""
    nested = [np.zeros(1)]
    for _ in range(15):
        nested = [nested, nested]
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps({'w': nested}))
    found = read_numpy_pickle(tmp_path / 'a.pkl')['w']
    assert found[0] is found[1]


@pytest.mark.parametrize('zip_format', [True, False])
def test_a_plain_pickle_is_told_from_files_of_torch(tmp_path, zip_format):
    torch.save({'w': torch.zeros(1)}, tmp_path / 'a.pth', _use_new_zipfile_serialization=zip_format)
    assert not is_plain_pickle(tmp_path / 'a.pth')
    (tmp_path / 'b.pkl').write_bytes(pickle.dumps({'w': np.zeros(1)}, protocol=2))
    assert is_plain_pickle(tmp_path / 'b.pkl')
    assert not is_plain_pickle(tmp_path / 'none.pkl')


@pytest.mark.parametrize('wrapper', ['model_state', 'model', 'state_dict', None])
def test_published_wrappers_are_opened(tmp_path, wrapper):
    state = {'module.weight': torch.ones(2, 2), 'module.bias': torch.zeros(2)}
    torch.save(state if wrapper is None else {'epoch': 3, wrapper: state, 'cfg': 'A: 1'}, tmp_path / 'a.pth')
    assert sorted(read_state_dict(tmp_path / 'a.pth')) == ['bias', 'weight']


def test_what_torch_would_have_to_run_is_refused_with_advice_for_weights(tmp_path):
    torch.save({'model': {'w': torch.ones(1)}, 'sampler': {'indexes': np.arange(3)}}, tmp_path / 'a.pth')
    with pytest.raises(UnsafeCheckpointError, match=r"a\.pth: refused.*_reconstruct.*`torch\.save\(\{'state_dict': "):
        read_state_dict(tmp_path / 'a.pth')


def test_a_file_without_tensors_is_told(tmp_path):
    torch.save({'epoch': 3, 'options': 'x'}, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'a\.pth: holds no tensors.*epoch, options'):
        read_state_dict(tmp_path / 'a.pth')


def test_weights_that_do_not_fit_are_told_in_one_message_and_nothing_is_loaded():
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = {name: value + 1 for name, value in before.items()}
    del state['0.bias'], state['1.running_mean']
    state['0.weight'] = torch.zeros(2, 2)
    state['head.weight'] = torch.zeros(1)
    with pytest.raises(ValueError) as info:
        load_weights(network, state, 'some.pth')
    text = str(info.value)
    assert text.startswith('some.pth: these are not weights of Sequential') and '\n' not in text
    assert '2 are missing in the file (0.bias, 1.running_mean)' in text
    assert '1 of the file are unexpected (head.weight)' in text
    assert '1 have another shape (0.weight (2, 2) instead of (3, 2))' in text
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_old_checkpoints_do_not_count_batches():
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    state = {k: v + 1 for k, v in network.state_dict().items() if not k.endswith('num_batches_tracked')}
    load_weights(network, state, 'old.pth')
    assert torch.equal(network[1].running_mean, torch.ones(3))
