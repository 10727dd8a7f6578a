import pickle

import numpy as np
import pytest
import torch

from mmvmr.datasets import ArrayStore, FolderStore, HDF5Store, WordVectorStore
from mmvmr.datasets.stores.feature_stores import check_complete

ROW = dict(vid='v1', qid=7, query='The dog runs')
X = np.arange(12, dtype=np.float16).reshape(4, 3)


def test_npz_takes_the_published_keys(tmp_path):
    np.savez(tmp_path / 'v1.npz', features=X)
    np.savez(tmp_path / 'qid7.npz', last_hidden_state=X, pooler_output=X[0])
    video, text = FolderStore('', data_root=tmp_path), FolderStore('', 'qid{qid}.npz', data_root=tmp_path)
    np.testing.assert_array_equal(video.read(ROW), X)
    np.testing.assert_array_equal(text.read(ROW), X)
    pooled = FolderStore('', 'qid{qid}.npz', key='pooler_output', data_root=tmp_path)
    np.testing.assert_array_equal(pooled.read(ROW), X[0])


def test_npy_and_pt(tmp_path):
    np.save(tmp_path / 'v1.npy', X)
    np.testing.assert_array_equal(FolderStore('', '{vid}.npy', data_root=tmp_path).read(ROW), X)
    for value in (torch.from_numpy(X), {'features': torch.from_numpy(X)}, torch.from_numpy(X).bfloat16()):
        torch.save(value, tmp_path / 'v1.pt')
        np.testing.assert_array_equal(FolderStore('', '{vid}.pt', data_root=tmp_path).read(ROW), X)


class _Evil:
    def __reduce__(self):
        return print, ('code was executed',)


@pytest.mark.parametrize('suffix', ['npy', 'npz', 'pt'])
def test_files_that_would_run_code_are_refused(tmp_path, suffix, capsys):
    path = tmp_path / f'v1.{suffix}'
    if suffix == 'npz':
        np.savez(path, features=np.array([_Evil()], dtype=object))
    else:
        path.write_bytes(pickle.dumps(_Evil(), protocol=2))
    capsys.readouterr()
    with pytest.raises(ValueError, match='cannot be read'):
        FolderStore('', '{vid}.' + suffix, data_root=tmp_path).read(ROW)
    assert 'executed' not in capsys.readouterr().out


@pytest.mark.parametrize('suffix', ['npy', 'npz', 'pt'])
@pytest.mark.parametrize('keep', [0.0, 0.5, 0.9])
def test_truncated_files(tmp_path, suffix, keep):
    path = tmp_path / f'v1.{suffix}'
    x = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    if suffix == 'pt':
        torch.save(torch.from_numpy(x), path)
    else:
        (np.savez if suffix == 'npz' else np.save)(path, x)
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data))])
    with pytest.raises(ValueError, match=rf"v1.{suffix}: the features of vid 'v1', qid 7 cannot be read: .*truncated"):
        FolderStore('', '{vid}.' + suffix, data_root=tmp_path).read(ROW)


def test_wrong_key_lists_what_is_there(tmp_path):
    np.savez(tmp_path / 'v1.npz', feat=X, other=X)
    with pytest.raises(ValueError, match=r"holds the arrays \['feat', 'other'\], expected features or last_hidden"):
        FolderStore('', data_root=tmp_path).read(ROW)


def test_missing_file_at_read(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"v1\.npz: no features for vid 'v1', qid 7"):
        FolderStore('', data_root=tmp_path).read(ROW)


def test_unknown_suffix():
    with pytest.raises(ValueError, match=r"suffix='\.mat' is unknown, expected '\.npy'"):
        FolderStore('', '{vid}.mat')


@pytest.mark.parametrize('template', ['{vid}.npz', 'a/{vid}.npz'])
def test_missing_features_are_counted_per_stream(tmp_path, template):
    (tmp_path / 'clip' / 'a').mkdir(parents=True)
    np.savez(tmp_path / 'clip' / template.format(vid='v0'), features=X)
    rows = [dict(vid=f'v{i // 2}', qid=i, query='a') for i in range(10)]
    stores = dict(
        clip=FolderStore('clip', template, data_root=tmp_path), text=FolderStore('no', 'qid{qid}.npz', None, tmp_path)
    )
    with pytest.raises(FileNotFoundError) as error:
        check_complete(stores, rows)
    lines = str(error.value).splitlines()
    shown = ', '.join(template.format(vid=f'v{i}') for i in (1, 2, 3))
    assert lines[1] == f"  stream 'clip': 4 missing in {tmp_path / 'clip'}: {shown}, ..."
    assert lines[2] == f"  stream 'text': 10 missing in {tmp_path / 'no'}: qid0.npz, qid1.npz, qid2.npz, ..."
    check_complete(dict(clip=stores['clip']), rows[:2])


def test_hdf5(tmp_path):
    h5py = pytest.importorskip('h5py')
    with h5py.File(tmp_path / 'f.h5', 'w') as file:
        file['v1'] = X
        file['v2/c3d'] = X
    store = HDF5Store('f.h5', data_root=tmp_path)
    np.testing.assert_array_equal(store.read(ROW), X)
    copy = pickle.loads(pickle.dumps(store))  # as a worker process gets it
    np.testing.assert_array_equal(copy.read(ROW), X)
    np.testing.assert_array_equal(HDF5Store('f.h5', key='c3d', data_root=tmp_path).read({**ROW, 'vid': 'v2'}), X)
    assert store.missing([ROW, {**ROW, 'vid': 'v9'}]) == ['v9']
    with pytest.raises(FileNotFoundError, match="no entry 'v9'"):
        store.read({**ROW, 'vid': 'v9'})
    (tmp_path / 'bad.h5').write_bytes((tmp_path / 'f.h5').read_bytes()[:50])
    with pytest.raises(ValueError, match='cannot be read as HDF5'):
        HDF5Store('bad.h5', data_root=tmp_path).read(ROW)
    with pytest.raises(FileNotFoundError, match='no such file'):
        HDF5Store('none.h5', data_root=tmp_path).read(ROW)
    assert HDF5Store('none.h5', data_root=tmp_path).missing([ROW]) == ['v1']


def test_word_vectors(tmp_path):
    (tmp_path / 'glove.txt').write_text('the 1 0\ndog 0 2\ncat 3 3\n')
    store = WordVectorStore('glove.txt', dim=2, data_root=tmp_path)
    np.testing.assert_array_equal(store.read(ROW), [[1, 0], [0, 2], [0, 0]])
    assert store.missing([ROW]) == []
    assert WordVectorStore('no.txt', data_root=tmp_path).missing([ROW]) == ['no.txt']
    with pytest.raises(ValueError, match=r'glove\.txt:1: 2 numbers, expected 300'):
        WordVectorStore('glove.txt', data_root=tmp_path).read(ROW)


def test_array_store():
    store = ArrayStore({'v1': X})
    assert store.read(ROW) is X
    assert store.missing([ROW, dict(vid='v2')]) == ['v2']
    with pytest.raises(FileNotFoundError, match="memory: no features 'v2'"):
        store.read({**ROW, 'vid': 'v2'})
