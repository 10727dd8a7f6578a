"""Packing that is interrupted, repeated, replaced or refused."""

import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from run_helpers import assert_same

from mmvmr.datasets import ArrayStore
from mmvmr.datasets.stores.packed_store import INDEX_FILE, Pack
from mmvmr.preparation.feature_packing import PackSource, check_unique_sentences
from mmvmr.preparation.feature_packing import write_pack as write
from mmvmr.structures import FeatureSpec

from .pack_data import open_data, plain, write_data, write_pack

FILES = {INDEX_FILE, 'video.npy', 'text.npy'}


@pytest.fixture(scope='module')
def dataset(tmp_path_factory):
    return open_data(write_data(tmp_path_factory.mktemp('data')))


@pytest.fixture(scope='module')
def whole(dataset, tmp_path_factory):
    """What an undisturbed packing writes."""
    folder = tmp_path_factory.mktemp('whole')
    write_pack(dataset, folder)
    return contents(folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _killed(dataset, folder, **kwargs):
    """In the child: die after five of eight rows."""

    def rows():
        yield from dataset.rows[:5]
        os.kill(os.getpid(), signal.SIGKILL)

    write_pack(dataset, folder, rows=rows(), **kwargs)


def kill(*args, **kwargs):
    process = multiprocessing.get_context('fork').Process(target=_killed, args=args, kwargs=kwargs)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


def test_a_killed_packing_is_no_pack(dataset, whole, tmp_path):
    kill(dataset, tmp_path)
    assert set(contents(tmp_path)) == {'video.npy.part', 'text.npy.part'}
    with pytest.raises(FileNotFoundError, match='packing was interrupted, run pack_features'):
        Pack(tmp_path)
    write_pack(dataset, tmp_path)
    assert contents(tmp_path) == whole


def test_a_pack_stays_until_the_new_one_is_whole(dataset, whole, tmp_path):
    write_pack(dataset, tmp_path)
    with pytest.raises(ValueError, match=r'index.json: packed features are here already; use --overwrite'):
        write_pack(dataset, tmp_path)
    assert contents(tmp_path) == whole
    reader = open_data(dataset.data_root, str(tmp_path))
    expected = plain(reader[0])
    kill(dataset, tmp_path, dtype='float16', overwrite=True)
    assert {name: data for name, data in contents(tmp_path).items() if name in FILES} == whole
    write_pack(dataset, tmp_path, dtype='float16', overwrite=True)
    assert set(contents(tmp_path)) == FILES
    assert Pack(tmp_path).blocks['video'].array.dtype == np.float16
    assert_same(plain(reader[0]), expected)  # what is mapped stays readable
    write_pack(dataset, tmp_path, 'stored', overwrite=True)
    assert set(contents(tmp_path)) == {INDEX_FILE, 'a.npy', 'b.npy', 'text.npy'}
    write_pack(dataset, tmp_path, overwrite=True)
    assert contents(tmp_path) == whole


def test_a_pack_of_an_older_format_can_be_replaced(dataset, whole, tmp_path):
    (tmp_path / INDEX_FILE).write_text('{"format": 1, "blocks": {"video": {"file": "../video.bin"}}}')
    (tmp_path.parent / 'video.bin').write_bytes(b'of somebody else')
    write_pack(dataset, tmp_path, overwrite=True)
    assert contents(tmp_path) == whole and (tmp_path.parent / 'video.bin').is_file()


def test_two_writers(dataset, whole, tmp_path):
    source = PackSource(dataset.stores, dataset.feature_spec)

    def rows():
        for overwrite in (False, True):
            with pytest.raises(ValueError, match='another process is packing into this folder'):
                write(tmp_path, source, dataset.rows, overwrite)
        yield from dataset.rows

    write(tmp_path, source, rows())
    assert contents(tmp_path) == whole


def _source(dtype='float16', **arrays):
    spec = FeatureSpec.from_dict(dict(streams=dict(a=dict(dim=2)), text=dict(dim=1, normalise='none'), clip_len=1.0))
    data = dict(v=np.ones((3, 2), np.float32), w=np.ones((3, 1), np.float32), **arrays)
    stores = dict(a=ArrayStore(data, '{vid}'), text=ArrayStore(data, '{qid}'))
    return PackSource(stores, spec, 'stored', dtype)


ROW = dict(vid='v', qid='w', duration=3.0)


@pytest.mark.parametrize('value', [70000.5, 2049.0])
def test_numbers_that_half_precision_has_not(value):
    row = dict(ROW, qid='x')
    array = np.array([[1.0], [value]], np.float32)
    with pytest.raises(
        ValueError, match="block 'text', vid 'v', qid 'x': values that float16 cannot hold; use --dtype"
    ):
        _source(x=array).vectors('text', row)
    assert np.array_equal(_source('float32', x=array).vectors('text', row)[0], array)


@pytest.mark.parametrize(
    'array, message',
    [
        (np.full((3, 1), np.nan), 'NaN or infinite values in 3 of 3 vectors'),
        (np.ones((3, 2)), r'shape \(3, 2\), expected \(length, 1\)'),
        (np.ones((0, 1)), 'zero tokens'),
    ],
)
def test_bad_features_are_not_packed(tmp_path, array, message):
    with pytest.raises(ValueError, match=message):
        write(tmp_path, _source(x=array), [ROW, dict(ROW, qid='x')])
    assert contents(tmp_path) == {}


def test_missing_features_are_not_packed(tmp_path):
    with pytest.raises(FileNotFoundError, match='no features'):
        write(tmp_path, _source(), [ROW, dict(ROW, qid='x')])
    assert contents(tmp_path) == {}


def test_wrong_options():
    with pytest.raises(ValueError, match="PackSource: dtype='float64' is unknown, expected 'float32' or 'float16'"):
        _source('float64')


def test_sentences_of_one_name():
    rows = [dict(qid=1, query='a dog'), dict(qid=2, query='a cat'), dict(qid=1, query='a dog')]
    check_unique_sentences(rows)
    with pytest.raises(ValueError, match="qid 1 stands for 'a dog' in one split and for 'a cat' in another"):
        check_unique_sentences([*rows, dict(qid='1', query='a cat')])
