"""What each feature store holds and lacks, in the checks of whole data sets."""

import sys

import numpy as np
import pytest
from planted_data import check, config, kinds, make_rows, save, vectors, write

from mmvmr.datasets import ArrayStore, SyntheticMoments
from mmvmr.preparation.checks import Issue, Skipped, Split, check_splits, open_splits
from mmvmr.preparation.feature_packing import PackSource, write_pack
from mmvmr.utils.io import write_jsonl


@pytest.fixture
def hdf5(tmp_path):
    h5py = pytest.importorskip('h5py')
    write(tmp_path)
    with h5py.File(tmp_path / 'a.h5', 'w') as file:
        for number in range(9):
            file[f'v{number}'] = vectors(10, 6, number)
    return {'stores.a': dict(_delete_=True, type='HDF5Store', file='a.h5')}


def test_hdf5(tmp_path, hdf5):
    import h5py

    assert check(tmp_path, **hdf5) == ([], [])
    with h5py.File(tmp_path / 'a.h5', 'a') as file:
        del file['v0']
        file['other'] = vectors(2, 6)
    findings, _ = check(tmp_path, **hdf5)
    assert [(f.check, f.examples) for f in findings] == [('missing', ('v0',)), ('extra', ('other',))]


def test_videos_in_subfolders(tmp_path):
    rows = write(tmp_path)
    for name in ('train', 'val'):
        write_jsonl(tmp_path / f'{name}.jsonl', [dict(row, vid=f'cam1/{row["vid"]}') for row in rows[name]])
    for stream in 'ab':
        files = list((tmp_path / stream).iterdir())
        for folder in ('cam1', 'cam2'):
            (tmp_path / stream / folder).mkdir()
            for file in files:
                (tmp_path / stream / folder / file.name).write_bytes(file.read_bytes())
        for file in files:
            file.unlink()
    assert check(tmp_path) == ([], [])
    for stream in 'ab':
        (tmp_path / stream / 'cam1' / 'v0.npz').rename(tmp_path / stream / 'cam1' / 'w0.npz')
    findings, _ = check(tmp_path)
    assert {(f.check, f.examples) for f in findings} == {('missing', ('cam1/v0.npz',)), ('extra', ('cam1/w0.npz',))}


@pytest.mark.parametrize('layout', ['ready', 'stored'])
def test_packed(tmp_path, layout):
    rows = write(tmp_path)
    every = [row for split in rows.values() for row in split]
    cfg = config(tmp_path, **{'feature_spec.streams.a.normalise': 'l2', 'feature_spec.streams.b.normalise': 'l2'})
    (split, _), _ = open_splits(cfg, ['train', 'val'])
    write_pack(tmp_path / 'packed', PackSource(split.stores, split.spec, layout), every)
    changes = {f'feature_spec.streams.{name}.normalise': 'l2' for name in 'ab'}
    for name in ('a', 'b', 'text'):
        changes[f'stores.{name}'] = dict(_delete_=True, type='PackedStore', folder='packed', stream=name)
    assert check(tmp_path, **changes) == ([], [])
    write_jsonl(tmp_path / 'val.jsonl', [*rows['val'][:2], dict(rows['val'][0], qid=90, vid='v90')])
    findings, _ = check(tmp_path, **changes)
    found = {(finding.check, finding.where, finding.examples) for finding in findings}
    assert ('missing', "val, stream 'a'", ('v90',)) in found
    assert ('missing', "val, stream 'text'", ('90',)) in found
    assert {names for kind, _, names in found if kind == 'extra'} == {('v7', 'v8'), ('14', '15', '16', '17')}


def test_sentences_of_the_same_number(tmp_path):
    rows = write(tmp_path)
    write_jsonl(tmp_path / 'val.jsonl', [dict(row, qid=row['qid'] - 12, query='else') for row in rows['val']])
    findings, _ = check(tmp_path)
    clash = [finding for finding in findings if finding.check == 'clashes']
    assert kinds(clash) == [('clashes', 'error', 'train and val')]
    assert clash[0].count == 6
    assert clash[0].examples[0] == "qid0.npz: 'somebody does thing 0' and 'else'"
    assert 'clashes' not in {finding.check for finding in check(tmp_path, **{'stores.text.template': 'x{vid}.npz'})[0]}


def test_words_of_a_table(tmp_path):
    write(tmp_path)
    (tmp_path / 'words.txt').write_text(''.join(f'{w} 1 2 3 4 5\n' for w in ('somebody', 'thing', '0', '1')))
    changes = {'stores.text': dict(_delete_=True, type='WordVectorStore', file='words.txt', dim=5)}
    changes['feature_spec.text.normalise'] = 'none'
    findings, skipped = check(tmp_path, **changes)
    assert kinds(findings) == [('unknown_words', 'warning', f"{split}, stream 'text'") for split in ('train', 'val')]
    assert findings[0].examples == ("'does' 12 times",)
    assert {(result.check, result.where) for result in skipped} >= {('norms', "train, stream 'text'")}


def test_joined_parts(tmp_path):
    """Parts may share a folder; their lengths are compared, and their vectors looked at as one."""
    write(tmp_path)
    for number in range(9):
        joined = vectors(10, 6, number)
        save(tmp_path, f'a/v{number}_rgb', joined[:, :4])
        save(tmp_path, f'a/v{number}_flow', joined[:, 4:])
        (tmp_path / 'a' / f'v{number}.npz').unlink()
    parts = {p: dict(type='FolderStore', folder='a', template=f'{{vid}}_{p}.npz') for p in ('rgb', 'flow')}
    changes = {'stores.a': dict(_delete_=True, type='JoinedStore', parts=parts)}
    assert check(tmp_path, **changes) == ([], [])
    save(tmp_path, 'a/v1_rgb', vectors(10, 6, 1)[:6, :4])
    (tmp_path / 'a' / 'v2_flow.npz').unlink()
    save(tmp_path, 'a/v33_flow', vectors(10, 2))
    findings, _ = check(tmp_path, **changes)
    assert {(finding.check, finding.examples) for finding in findings} == {
        ('stream_lengths', ("'v1': a 6, a 10, b 10 clips",)),
        ('missing', ('v2_flow.npz',)),
        ('extra', ('v33_flow.npz',)),
    }


def test_token_numbers_without_the_package(tmp_path, monkeypatch):
    write(tmp_path)
    monkeypatch.setitem(sys.modules, 'transformers', None)
    changes = {'stores.text': dict(_delete_=True, type='TokenIdStore', tokenizer='nowhere')}
    changes['feature_spec.text'] = dict(_delete_=True, dim=1, normalise='none')
    findings, skipped = check(tmp_path, **changes)
    assert [finding for finding in findings if finding.check != 'extra'] == []
    assert any('transformers' in result.reason for result in skipped)


def test_generated_data_are_clean(repo_dir):
    pipeline = dict(
        load=dict(type='LoadMomentFeatures'), tef=dict(type='AppendTEF'), pack=dict(type='PackMomentInputs')
    )
    built = {name: SyntheticMoments(name, pipeline, num_videos=8) for name in ('train', 'val')}
    results = check_splits([Split.of(name, dataset) for name, dataset in built.items()])
    assert [result for result in results if isinstance(result, Issue)] == []
    assert {(result.check, result.reason) for result in results} == {('extra', 'ArrayStore does not list what it has')}


def test_arrays_in_memory(make_dataset, make_rows):
    broken = {'a/v1': np.full((11, 5), np.inf, np.float32)}
    results = check_splits([Split.of('train', make_dataset(arrays=broken))])
    findings = [result for result in results if isinstance(result, Issue)]
    assert kinds(findings) == [('nan', 'error', "train, stream 'a'")]


def test_layers_of_clips_are_vectors(make_dataset):
    """Arrays [clips, layers, tokens, channels] are audited as the loader reads them."""
    spec = dict(streams=dict(a=dict(dim=12)))
    layers = {f'a/v{i}': vectors(10, 12, i).reshape(10, 2, 3, 2) for i in range(3)}
    results = check_splits([Split.of('train', make_dataset(spec=spec, arrays=layers))])
    assert kinds([result for result in results if isinstance(result, Issue)]) == []
    layers['a/v1'] = np.ones((10, 2, 3, 3), np.float32)
    results = check_splits([Split.of('train', make_dataset(spec=spec, arrays=layers))])
    assert kinds([r for r in results if isinstance(r, Issue)]) == [('shape', 'error', "train, stream 'a'")]


def test_arrays_that_nobody_lists():
    split = Split('train', make_rows('train'), stores={'a': ArrayStore({}, '{vid}')})
    assert all(isinstance(result, Skipped) for result in check_splits([split]) if result.check == 'extra')
