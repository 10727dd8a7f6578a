"""Specifications, the folder of features, and the names of videos."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmvmr.datasets import FolderStore
from mmvmr.features.folder import FeatureFolder
from mmvmr.features.spec import ExtractionSpec
from mmvmr.features.videos import find_videos
from mmvmr.registry import EXTRACTORS
from mmvmr.structures import FeatureSpec
from mmvmr.utils.cli import load_config

from . import toys  # noqa: F401

SHIPPED = sorted((Path(__file__).resolve().parents[2] / 'configs' / 'features').glob('*.py'))
CFG = dict(
    feature_spec=dict(streams=dict(a=dict(dim=1), b=dict(dim=4)), text=dict(dim=2), clip_len=0.5),
    extractors=dict(
        a=dict(type='NumberExtractor'),
        b=dict(type='NumberExtractor', frames_per_clip=4, folder='b/four'),
        text=dict(type='LetterExtractor'),
    ),
)


def changed(**extractors):
    return {**CFG, 'extractors': {**CFG['extractors'], **extractors}}


def test_spec_builds_extractors():
    spec = ExtractionSpec.from_config(CFG)
    assert spec.folders == {'a': 'a_features', 'b': 'b/four', 'text': 'text_features'}
    assert spec.streams == ['a', 'b']
    extractor = spec.build('b')
    assert (extractor.dim, extractor.clip_len, extractor.training) == (4, 0.5, False)
    assert spec.build('text').dim == 2
    json.dumps(spec.to_dict())


@pytest.mark.parametrize(
    ('cfg', 'message'),
    [
        ({}, r"the keys \['feature_spec', 'extractors'\] are missing"),
        (changed(b=None), r"declares \['b'\], but extractors has only \['a', 'text'\]"),
        (changed(c=dict(type='X')), r"extractors has \['c'\], but feature_spec declares only"),
        (changed(a=dict(folder='x')), 'extractors.a has no type'),
        (changed(a=dict(type='NumberExtractor', clip_len=1.0)), r'extractors.a.clip_len: all streams have that'),
        (changed(a=dict(type='NumberExtractor', folder='b/four')), 'two of the folders are the same'),
    ],
)
def test_wrong_configs(cfg, message):
    with pytest.raises(ValueError, match=message):
        ExtractionSpec.from_config(cfg)


@pytest.mark.parametrize(
    ('extractor', 'message'),
    [
        (dict(type='NumberExtractor', frames_per_clip=3), 'makes vectors of 3 numbers, but feature_spec.streams.a.dim'),
        (dict(type='NumberExtractor', colour=3), 'extractors.a: .*colour'),
        (dict(type='NoExtractor'), 'extractors.a: .*NoExtractor'),
        (dict(type='LetterExtractor'), 'extractors.a: '),
    ],
)
def test_extractors_that_do_not_fit(extractor, message):
    with pytest.raises(ValueError, match=message):
        ExtractionSpec.from_config(changed(a=extractor)).build('a')


@pytest.mark.parametrize('path', SHIPPED, ids=lambda path: path.stem)
def test_shipped_specs(path):
    spec = ExtractionSpec.from_config(Config.fromfile(path))
    EXTRACTORS.import_from_location()
    for cfg in spec.extractors.values():
        assert EXTRACTORS.get(cfg['type']) is not None
    assert str(spec.features.clip_len).removesuffix('.0') + 's' in path.stem or 'fps' in path.stem


def test_shipped_layouts_are_those_of_the_data_set_configs():
    configs = SHIPPED[0].parents[1]
    pairs = {
        'clip_b32_2s': 'qvhl_clip',
        'slowfast_clip_2s': 'qvhl',
        'clip_b32_minilm_1fps': 'charades_clip',
        'clip_b32_layers_2s': 'qvhl_clip_layers',
        'clip_b32_layers_1fps': 'charades_clip_layers',
    }
    for name, data in pairs.items():
        spec = ExtractionSpec.from_config(Config.fromfile(configs / 'features' / f'{name}.py'))
        dataset = load_config(str(configs / '_base_' / 'datasets' / f'{data}.py')).train_dataloader.dataset
        declared = FeatureSpec.from_dict({**dataset.feature_spec, 'max_clips': None})
        assert spec.features.differences(declared) == []
        folders = {n: s.folder for n, s in dataset.stores.items() if s is not None}
        assert spec.folders == folders


@pytest.fixture
def folder(tmp_path):
    found = FeatureFolder(tmp_path / 'out', ExtractionSpec.from_config(CFG))
    found.check()
    return found


def test_files_are_what_the_stores_read(folder):
    vectors = np.random.default_rng(0).random((5, 4)).astype(np.float32)
    folder.write('b', 'v1', vectors)
    folder.write('text', 'q1', vectors[:, :2], vectors[0])
    row = {'vid': 'v1', 'qid': 'q1'}
    stored = FolderStore('b/four', data_root=folder.root).read(row)
    assert stored.dtype == np.float16
    np.testing.assert_array_equal(stored, vectors.astype(np.float16))
    words = FolderStore('text_features', template='qid{qid}.npz', data_root=folder.root).read(row)
    np.testing.assert_array_equal(words, vectors[:, :2].astype(np.float16))
    assert folder.issue('b', 'v1') is None
    assert folder.issue('text', 'q1') is None
    assert folder.issue('a', 'v1') == 'absent'
    marker = json.loads((folder.root / 'feature_spec.json').read_text())
    assert FeatureSpec.from_dict(marker) == folder.spec.features


def test_files_stay_in_the_folder(folder, tmp_path):
    vectors = np.ones((5, 4), np.float32)
    for name, item in (
        ('b', '../../../v1'),
        ('b', '/v1'),
        ('b', 'a\\v1'),
        ('text', '/../../../../q1'),
        ('text', 'q\0'),
    ):
        with pytest.raises(ValueError, match='cannot be a file in this folder'):
            folder.write(name, item, vectors, vectors[0])
    folder.write('b', 'cam1/v1', vectors)
    assert [path.name for path in tmp_path.rglob('*.npz')] == ['v1.npz']
    assert FolderStore('b/four', data_root=folder.root).missing([{'vid': 'cam1/v1'}]) == []


@pytest.mark.parametrize(
    ('arrays', 'message'),
    [
        (dict(features=np.ones((5, 3), np.float16)), r'its shape is \(5, 3\), expected \(length, 4\)'),
        (dict(features=np.ones((0, 4), np.float16)), r'its shape is \(0, 4\)'),
        (dict(features=np.ones((5, 4), np.float32)), 'it is float32, expected float16'),
        (dict(features=np.full((5, 4), np.nan, np.float16)), 'NaN'),
        (dict(other=np.ones((5, 4), np.float16)), "no array 'features'"),
    ],
)
def test_files_that_are_not_done(folder, arrays, message):
    path = folder.path('b', 'v1')
    path.parent.mkdir(parents=True)
    np.savez(path, **arrays)
    assert re.search(message, folder.issue('b', 'v1'))


def test_damaged_file_is_not_done(folder):
    folder.write('b', 'v1', np.ones((5, 4), np.float32))
    path = folder.path('b', 'v1')
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    assert 'cannot be read' in folder.issue('b', 'v1')
    path.write_bytes(data[:100])
    assert 'cannot be read' in folder.issue('b', 'v1')


def test_too_large_for_float16(folder):
    with pytest.raises(ValueError, match='b of v1: values too large for float16; use --dtype float32'):
        folder.write('b', 'v1', np.full((5, 4), 1e5, np.float32))
    assert folder.issue('b', 'v1') == 'absent'


def test_folder_of_other_features_is_refused(folder, tmp_path):
    folder.check()  # the same again
    other = ExtractionSpec.from_config(changed(a=dict(type='NumberExtractor', position=0.5)))
    FeatureFolder(folder.root, other).check()  # nothing there yet
    assert not folder.root.exists()
    folder.write('a', 'v1', np.ones((5, 1), np.float32))
    with pytest.raises(ValueError, match=r'extractors.a.position is None there, 0.5 asked for. Use another --out'):
        FeatureFolder(folder.root, other).check()
    with pytest.raises(ValueError, match="dtype is 'float16' there, 'float32' asked for"):
        FeatureFolder(folder.root, folder.spec, 'float32').check()
    (folder.root / 'extraction.json').unlink()
    with pytest.raises(ValueError, match=r'there is no extraction\.json that says how they were made'):
        folder.check()
    folder.path('a', 'v1').unlink()
    (folder.root / 'feature_spec.json').write_text(json.dumps({**folder.spec.features.to_dict(), 'clip_len': 2.0}))
    with pytest.raises(ValueError, match=r'clip_len: 0\.5 \(asked for\), 2\.0 \(there\)'):
        folder.check()


def test_find_videos(tmp_path):
    for name in ('a/x.mp4', 'a/b/y.MKV', 'a/notes.md', 'z.webm'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / 'list.txt').write_text('z.webm\n\na/x.mp4\n')
    assert list(find_videos([str(tmp_path)])) == ['x', 'y', 'z']
    assert find_videos([str(tmp_path / 'list.txt')]) == {'x': tmp_path / 'a/x.mp4', 'z': tmp_path / 'z.webm'}
    assert list(find_videos([str(tmp_path / '**' / '*.mp4'), str(tmp_path / 'z.webm')])) == ['x', 'z']
    assert list(find_videos([str(tmp_path / 'a'), str(tmp_path / 'a' / 'x.mp4')])) == ['x', 'y']
    (tmp_path / 'x.avi').touch()
    with pytest.raises(ValueError, match=r"two videos are called 'x': .*x\.(avi|mp4)"):
        find_videos([str(tmp_path)])
    with pytest.raises(FileNotFoundError, match='no such folder, list or video'):
        find_videos([str(tmp_path / 'absent')])
    (tmp_path / 'none').mkdir()
    with pytest.raises(FileNotFoundError, match='no video below this folder'):
        find_videos([str(tmp_path / 'none')])
    (tmp_path / 'list.txt').write_text('\n')
    with pytest.raises(FileNotFoundError, match='the list is empty'):
        find_videos([str(tmp_path / 'list.txt')])
