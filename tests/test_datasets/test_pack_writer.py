"""Packing that is interrupted, repeated, replaced or refused."""

import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from run_helpers import assert_same

from mmvmr.datasets import ArrayStore
from mmvmr.datasets.stores.pack_writer import JOURNAL_FILE, PackSource, PackWriter, check_names
from mmvmr.datasets.stores.packed_store import INDEX_FILE, Pack
from mmvmr.structures import FeatureSpec

from .pack_data import open_data, plain, write_data, write_pack


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


def _killed(dataset, folder, count):
    """In the child: die in the middle of an entry."""
    with PackWriter(folder, PackSource(dataset.stores, dataset.feature_spec)) as writer:
        for row in dataset.rows[:count]:
            writer.add(row)
        write = writer._write_line
        writer._write_line = lambda value: write(value) if value[0] == 'video' else os.kill(os.getpid(), signal.SIGKILL)
        writer.add(dataset.rows[count])


@pytest.fixture(scope='module')
def interrupted(dataset, tmp_path_factory):
    """A packing that was killed after five of eight rows."""
    folder = tmp_path_factory.mktemp('killed') / 'pack'
    process = multiprocessing.get_context('fork').Process(target=_killed, args=(dataset, folder, 4))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert set(contents(folder)) == {JOURNAL_FILE, 'video.bin', 'text.bin'}
    return folder


def resume(dataset, folder, **kwargs):
    """Pack the rest; how many entries were there."""
    with PackWriter(folder, PackSource(dataset.stores, dataset.feature_spec), **kwargs) as writer:
        resumed = writer.resumed
        for row in dataset.rows:
            writer.add(row)
        writer.finish()
    return resumed


def test_a_killed_packing_is_no_pack_and_goes_on(dataset, interrupted, whole, tmp_path):
    folder = shutil.copytree(interrupted, tmp_path / 'pack')
    with pytest.raises(FileNotFoundError, match='packing was interrupted, run pack_features'):
        Pack(folder)
    # Three videos and four sentences have a line; of the fifth sentence only the vectors had been written.
    assert (folder / 'text.bin').stat().st_size == (3 + 4 + 5 + 6 + 6) * 4 * 4
    assert resume(dataset, folder) == 3 + 4
    assert contents(folder) == whole


@pytest.mark.parametrize(
    'file, kept, resumed',
    [
        (JOURNAL_FILE, 0, 0),
        (JOURNAL_FILE, 200, 0),
        (JOURNAL_FILE, -1, 6),
        (JOURNAL_FILE, -40, 5),
        ('video.bin', 200, 0),  # the first video has 280 bytes
        ('video.bin', -1, 6),
        ('text.bin', 1, 1),
        ('text.bin', 200, 5),
        ('text.bin', -1, 7),
    ],
)
def test_whatever_was_written_last(dataset, interrupted, whole, tmp_path, file, kept, resumed):
    folder = shutil.copytree(interrupted, tmp_path / 'pack')
    os.truncate(folder / file, kept if kept >= 0 else (folder / file).stat().st_size + kept)
    header_gone = file == JOURNAL_FILE and kept >= 0
    assert resume(dataset, folder) == resumed
    found = contents(folder)
    if header_gone:  # nothing tells whose the old files are: they stay, and others are written
        found = {
            name.replace('.1.bin', '.bin'): data
            for name, data in found.items()
            if name not in ('video.bin', 'text.bin')
        }
        found[INDEX_FILE] = found[INDEX_FILE].replace(b'.1.bin', b'.bin')
    assert found == whole


def test_changed_bytes_are_packed_again(dataset, interrupted, whole, tmp_path):
    folder = shutil.copytree(interrupted, tmp_path / 'pack')
    data = bytearray((folder / 'text.bin').read_bytes())
    data[50] ^= 1  # in the second sentence
    (folder / 'text.bin').write_bytes(data)
    assert resume(dataset, folder) == 2
    assert contents(folder) == whole


def test_other_features_do_not_go_on(dataset, interrupted, tmp_path):
    folder = shutil.copytree(interrupted, tmp_path / 'pack')
    before = contents(folder)
    message = 'an interrupted packing with other options or of other features is here; use --overwrite'
    for source, described in (
        (PackSource(dataset.stores, dataset.feature_spec, 'stored'), None),
        (PackSource(dataset.stores, dataset.feature_spec, dtype='float16'), None),
        (PackSource(dataset.stores, dataset.feature_spec), 'elsewhere'),
    ):
        with pytest.raises(ValueError, match=message):
            PackWriter(folder, source, described)
    assert contents(folder) == before
    write_pack(dataset, folder, 'stored', overwrite=True)
    assert set(contents(folder)) == {INDEX_FILE, 'a.bin', 'b.bin', 'text.bin'}


def test_two_writers(dataset, whole, tmp_path):
    source = PackSource(dataset.stores, dataset.feature_spec)
    with PackWriter(tmp_path, source) as writer:
        for overwrite in (False, True):
            with pytest.raises(ValueError, match='another process is packing into this folder'):
                PackWriter(tmp_path, source, overwrite=overwrite)
        for row in dataset.rows:
            writer.add(row)
        writer.finish()
    assert contents(tmp_path) == whole


def test_a_pack_stays_until_the_new_one_is_whole(dataset, whole, tmp_path):
    write_pack(dataset, tmp_path)
    with pytest.raises(ValueError, match=r'index.json: packed features are here already; use --overwrite'):
        write_pack(dataset, tmp_path)
    assert contents(tmp_path) == whole
    reader = open_data(dataset.data_root, str(tmp_path))
    expected = plain(reader[0])
    source = PackSource(dataset.stores, dataset.feature_spec, dtype='float16')
    with PackWriter(tmp_path, source, overwrite=True) as writer:
        writer.add(dataset.rows[0])
    assert list(Pack(tmp_path).damaged()) == []
    assert_same(plain(open_data(dataset.data_root, str(tmp_path))[0]), expected)
    with PackWriter(tmp_path, source) as writer:  # begun with overwrite: goes on without it
        assert writer.resumed == 2
        for row in dataset.rows:
            writer.add(row)
        writer.finish()
    assert set(contents(tmp_path)) == {INDEX_FILE, 'video.1.bin', 'text.1.bin'}
    assert Pack(tmp_path).blocks['video'].dtype == np.float16
    write_pack(dataset, tmp_path, overwrite=True)
    assert contents(tmp_path) == whole


def test_a_replaced_pack_is_not_mixed_with_the_new_one(dataset, tmp_path):
    write_pack(dataset, tmp_path)
    reader = open_data(dataset.data_root, str(tmp_path))
    assert reader[0]['inputs']['video'].shape == (7, 10)
    shutil.copyfile(tmp_path / 'video.bin', tmp_path / 'copy')
    os.replace(tmp_path / 'copy', tmp_path / 'video.bin')
    with pytest.raises(ValueError, match=r'video.bin: the file was replaced or removed while it is in use'):
        reader[0]
    (tmp_path / 'video.bin').unlink()
    with pytest.raises(ValueError, match=r'video.bin: the file was replaced or removed while it is in use'):
        reader[0]


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
        _source(x=array).arrays('text', row)
    assert np.array_equal(_source('float32', x=array).arrays('text', row)[0], array)


@pytest.mark.parametrize(
    'array, message',
    [
        (np.full((3, 1), np.nan), 'NaN or infinite values in 3 of 3 vectors'),
        (np.ones((3, 2)), r'shape \(3, 2\), expected \(length, 1\)'),
        (np.ones((0, 1)), 'zero tokens'),
    ],
)
def test_bad_features_are_not_packed(tmp_path, array, message):
    with PackWriter(tmp_path, _source(x=array)) as writer, pytest.raises(ValueError, match=message):
        writer.add(dict(ROW, qid='x'))


def test_missing_features_can_be_added_later(tmp_path):
    with PackWriter(tmp_path, _source()) as writer, pytest.raises(FileNotFoundError, match='no features'):
        writer.add(dict(ROW, qid='x'))
    with PackWriter(tmp_path, _source(x=np.ones((2, 1)))) as writer:
        assert writer.resumed == 1
        writer.add(dict(ROW, qid='x'))
        assert list(writer.finish().blocks['text'].entries) == ['x']


def test_wrong_options():
    with pytest.raises(ValueError, match="PackSource: dtype='float64' is unknown, expected 'float32' or 'float16'"):
        _source('float64')


def test_sentences_of_one_name():
    rows = [dict(qid=1, query='a dog'), dict(qid=2, query='a cat'), dict(qid=1, query='a dog')]
    check_names(rows)
    with pytest.raises(ValueError, match="qid 1 stands for 'a dog' in one split and for 'a cat' in another"):
        check_names([*rows, dict(qid='1', query='a cat')])
