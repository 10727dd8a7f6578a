import pickle

import numpy as np
import pytest
import torch

from mmvmr.datasets import ArrayStore, FolderStore, HDF5Store, JoinedStore, WordVectorStore
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


@pytest.mark.parametrize(
    ('template', 'message'),
    [
        ('{video_uid}.npz', r"no key 'video_uid', only \['vid', 'qid', 'query'\]"),
        ('{}.npz', r'\{\} names no key'),
        ('{0}.npz', r'\{0\} names no key'),
        ('{vid.real}.npz', r'\{vid\.real\} names no key'),
        ('{vid[0]}.npz', 'names no key'),
        ('{vid.npz', r"template '\{vid\.npz': "),
        ('{vid:05d}.npz', "vid 'v1', qid 7: Unknown format code 'd'"),
    ],
)
def test_template_without_sense(tmp_path, template, message):
    with pytest.raises(ValueError, match=message):
        check_complete({'clip': FolderStore('', template, data_root=tmp_path)}, [ROW])


def test_template_names_its_stream(tmp_path):
    with pytest.raises(ValueError, match=r"^dataset\.stores\.clip: template '\{uid\}\.npz'"):
        check_complete({'clip': FolderStore('', '{uid}.npz', data_root=tmp_path)}, [ROW])


@pytest.mark.parametrize('vid', ['../v1', '/v1', 'C:v1', 'a\\v1', 'v1\0', 'a/../../v1'])
def test_no_store_leaves_its_folder(tmp_path, vid):
    np.savez(tmp_path / 'v1.npz', features=X)
    (tmp_path / 'clip').mkdir()
    for store in (FolderStore('clip', data_root=tmp_path), HDF5Store('f.h5', data_root=tmp_path), ArrayStore({})):
        with pytest.raises(ValueError, match=r'vid .*cannot be the name of its features'):
            store.read({**ROW, 'vid': vid})
        with pytest.raises(ValueError, match=r'vid .*cannot be the name of its features'):
            store.missing([ROW, {**ROW, 'vid': vid}])


def test_videos_in_subfolders(tmp_path):
    (tmp_path / 'cam1').mkdir()
    np.savez(tmp_path / 'cam1' / 'v1.npz', features=X)
    store = FolderStore('', data_root=tmp_path)
    rows = [{**ROW, 'vid': vid} for vid in ('cam1/v1', 'cam1/v2', 'cam2/v1', 'v1')]
    np.testing.assert_array_equal(store.read(rows[0]), X)
    assert store.missing(rows) == ['cam1/v2.npz', 'cam2/v1.npz', 'v1.npz']


def test_dead_links_and_folders_are_missing(tmp_path):
    np.savez(tmp_path / 'v0.npz', features=X)
    (tmp_path / 'v1.npz').symlink_to(tmp_path / 'gone.npz')
    (tmp_path / 'v2.npz').symlink_to(tmp_path / 'v0.npz')
    (tmp_path / 'v3.npz').mkdir()
    store = FolderStore('', data_root=tmp_path)
    assert store.missing([{**ROW, 'vid': f'v{i}'} for i in range(4)]) == ['v1.npz', 'v3.npz']
    with pytest.raises(FileNotFoundError, match='it is a link to a file that is absent'):
        store.read(ROW)


def test_content_of_the_other_numpy_format(tmp_path):
    with open(tmp_path / 'v1.npz', 'wb') as file:
        np.save(file, X)
    with open(tmp_path / 'v1.npy', 'wb') as file:
        np.savez(file, features=X)
    for suffix in ('npz', 'npy'):
        np.testing.assert_array_equal(FolderStore('', '{vid}.' + suffix, data_root=tmp_path).read(ROW), X)


def test_home_folder_and_blanks_in_data_root(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path / 'my data').mkdir()
    np.savez(tmp_path / 'my data' / 'v1.npz', features=X)
    np.testing.assert_array_equal(FolderStore('', data_root='~/my data').read(ROW), X)


def test_hdf5_with_a_group_per_video(tmp_path):
    h5py = pytest.importorskip('h5py')
    with h5py.File(tmp_path / 'f.h5', 'w') as file:
        file['v1/c3d_features'] = X
        file['v2/c3d_features'] = X
        file['v3'] = X
    rows = [ROW, {**ROW, 'vid': 'v2'}]
    store = HDF5Store('f.h5', key='c3d_features', data_root=tmp_path)
    assert store.missing(rows) == []
    np.testing.assert_array_equal(store.read(ROW), X)
    found = r"entry 'v1' is a group with \['c3d_features'\]"
    with pytest.raises(ValueError, match=rf"stores\.c3d: .*f\.h5: {found}; set key='c3d_features'"):
        check_complete({'c3d': HDF5Store('f.h5', data_root=tmp_path)}, rows)
    with pytest.raises(ValueError, match=rf"{found}, not 'c3d'; set key='c3d_features'"):
        HDF5Store('f.h5', key='c3d', data_root=tmp_path).missing(rows)
    with pytest.raises(ValueError, match="entry 'v3' is an array itself; remove key='c3d_features'"):
        store.missing([{**ROW, 'vid': 'v3'}])
    assert store.missing([{**ROW, 'vid': 'v4'}]) == ['v4/c3d_features']


def test_word_vectors_with_blanks_in_tokens(tmp_path):
    """Lines as in glove.840B.300d.txt, whose tokens may be several words, and the first line of word2vec."""
    lines = ['5 2', '. . . 9 9', 'dog 0 2', 'dog name@domain.com 8 8', '. 3 4', 'at name@domain.com 7 7', 'at 5 6']
    (tmp_path / 'glove.txt').write_text('\n'.join(lines))
    store = WordVectorStore('glove.txt', dim=2, split='punctuation', data_root=tmp_path)
    expected = [[5, 6], [0, 2], [3, 4], [0, 0]]
    np.testing.assert_array_equal(store.read({**ROW, 'query': 'at dog. 5'}), expected)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'dog 1 2 3\n', r'glove\.txt:1: 3 numbers, expected 2'),
        (b'cat 1 2\ndog 1\n', r'glove\.txt:2: 1 numbers, expected 2'),
        (b'dog 1 x\n', r"glove\.txt:1: could not convert string to float: 'x', expected 2 numbers"),
        (b'caf\xe9 1 2\ndog 1 2\n', 'its characters are not UTF-8'),
    ],
)
def test_damaged_word_vectors(tmp_path, content, message):
    (tmp_path / 'glove.txt').write_bytes(content)
    with pytest.raises(ValueError, match=message):
        WordVectorStore('glove.txt', dim=2, data_root=tmp_path).read({**ROW, 'query': 'dog'})


def test_array_store():
    store = ArrayStore({'v1': X})
    assert store.read(ROW) is X
    assert store.missing([ROW, dict(vid='v2')]) == ['v2']
    with pytest.raises(FileNotFoundError, match="memory: no features 'v2'"):
        store.read({**ROW, 'vid': 'v2'})


def test_parts_of_a_joined_stream_have_one_length(tmp_path):
    parts = {name: dict(type='FolderStore', folder='', template=f'{{vid}}_{name}.npy') for name in ('rgb', 'flow')}
    store = JoinedStore(parts, data_root=str(tmp_path))
    for rgb, flow, length in ((10, 10, 10), (10, 12, 10), (9, 8, 8)):
        np.save(tmp_path / 'v1_rgb.npy', np.zeros((rgb, 3)))
        np.save(tmp_path / 'v1_flow.npy', np.ones((flow, 2)))
        assert store.read(ROW).shape == (length, 5)
    np.save(tmp_path / 'v1_flow.npy', np.ones((12, 2)))
    with pytest.raises(ValueError, match=r"'v1': .* number of vectors \('rgb' has 9, 'flow' has 12\)"):
        store.read(ROW)


def test_a_damaged_listing_of_hdf5_is_named(tmp_path):
    h5py = pytest.importorskip('h5py')
    with h5py.File(tmp_path / 'a.h5', 'w') as file:
        for number in range(40):
            file[f'v{number}'] = X
    content = (tmp_path / 'a.h5').read_bytes()
    place = content.index(b'SNOD')
    (tmp_path / 'a.h5').write_bytes(content[:place] + b'XXXX' + content[place + 4 :])
    store = HDF5Store('a.h5', data_root=str(tmp_path))
    for use in (store.entries, lambda: store.missing([ROW]), lambda: store.read(ROW)):
        with pytest.raises(ValueError, match=r'a\.h5'):
            use()


@pytest.mark.parametrize('kind', ['complex64', 'str', 'bool', 'S3', [('x', 'f4'), ('y', 'f4')]])
def test_arrays_of_something_else_than_numbers(tmp_path, kind):
    array = np.zeros((4, 3), kind)
    np.savez(tmp_path / 'v1.npz', features=array)
    np.save(tmp_path / 'v1.npy', array)
    for template in ('{vid}.npz', '{vid}.npy'):
        with pytest.raises(ValueError, match=r"vid 'v1', qid 7 cannot be read: it holds .*, expected real numbers"):
            FolderStore('', template, data_root=str(tmp_path)).read(ROW)
