"""The index of similar videos as partner samplers read it."""

import numpy as np
import pytest

from mmvmr.datasets import SimilarVideos
from mmvmr.structures import FeatureSpec

SPEC = dict(streams=dict(a=dict(dim=5), b=dict(dim=3)), text=dict(dim=4), clip_len=2.0)


def small(**kwargs):
    tables = [[[2, 1], [2, 0], [0, -1]], [[0.9, 0.1], [0.3, 0.1], [0.9, 0.0]]]
    return SimilarVideos(['a', 'b', 'c'], *tables, feature_spec=FeatureSpec.from_dict(SPEC), **kwargs)


def test_partners_are_ids_best_first():
    assert [(vid, round(value, 6)) for vid, value in small().partners('a')] == [('c', 0.9), ('b', 0.1)]
    assert [vid for vid, _ in small().partners('c')] == ['a']  # -1 fills up
    assert 'a' in small()
    assert 'x' not in small()
    assert len(small()) == 3


def test_written_and_read(tmp_path):
    index = small(least_indices=[[1], [0], [1]], least_similarities=[[0.1], [0.1], [0.3]], options=dict(top=50))
    index.save(tmp_path / 'index.npz')
    again = SimilarVideos.load(tmp_path / 'index.npz')
    assert again.vids == index.vids
    assert again.options == {'top': 50}
    assert again.feature_spec == index.feature_spec
    assert again.partners('b') == index.partners('b')
    assert again.dissimilar('c') == index.dissimilar('c') == [('b', pytest.approx(0.3))]
    assert [path.name for path in tmp_path.iterdir()] == ['index.npz']
    np.load(tmp_path / 'index.npz', allow_pickle=False)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'index.npz'
    small().save(path)
    before = path.read_bytes()

    def fail(out, **arrays):
        out.write(b'half')
        raise OSError('disk full')

    monkeypatch.setattr(np, 'savez_compressed', fail)
    with pytest.raises(OSError, match='disk full'):
        small(options=dict(other=1)).save(path)
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ['index.npz']


def test_unknown_videos_and_other_features_are_refused(tmp_path):
    index = small()
    with pytest.raises(ValueError, match="no video 'x' among its 3 videos"):
        index.partners('x')
    with pytest.raises(ValueError, match="2 videos of the data set are not among its 3 videos: 'x', 'y'"):
        index.check(['a', 'x', 'y', 'x'])
    index.check(['a'], FeatureSpec.from_dict({**SPEC, 'text': dict(dim=9), 'tef': False}))  # sentences do not matter
    order = dict(streams=dict(b=dict(dim=3), a=dict(dim=5)))
    with pytest.raises(ValueError, match='built from other features: streams: a'):
        index.check(['a'], FeatureSpec.from_dict({**SPEC, **order}))
    index.save(tmp_path / 'index.npz')
    with pytest.raises(ValueError, match=r'index\.npz: built from other features: clip_len: 2\.0 \(index\), 1\.0'):
        SimilarVideos.load(tmp_path / 'index.npz').check(['a'], FeatureSpec.from_dict({**SPEC, 'clip_len': 1.0}))


def test_least_similar_videos_are_optional():
    with pytest.raises(ValueError, match='build it again with --least'):
        small().dissimilar('a')


@pytest.mark.parametrize(
    ('write', 'message'),
    [
        (lambda path: path.write_bytes(b'PK\x03\x04 half'), 'cannot be read as an index'),
        (lambda path: path.write_bytes(b''), 'cannot be read as an index'),
        (lambda path: np.savez(path, features=np.zeros(3)), 'not an index of similar videos'),
        (lambda path: np.savez(path, format=np.array([{}], dtype=object)), 'cannot be read as an index'),
    ],
)
def test_other_files_are_refused(tmp_path, write, message):
    write(tmp_path / 'index.npz')
    with pytest.raises(ValueError, match=message):
        SimilarVideos.load(tmp_path / 'index.npz')
    with pytest.raises(FileNotFoundError, match='no such index'):
        SimilarVideos.load(tmp_path / 'absent.npz')


def test_impossible_tables_are_refused():
    with pytest.raises(ValueError, match='not unique'):
        SimilarVideos(['a', 'a'], [[1], [0]], [[1.0], [1.0]])
    with pytest.raises(ValueError, match='do not fit 2 videos'):
        SimilarVideos(['a', 'b'], [[1]], [[1.0]])
    with pytest.raises(ValueError, match='points outside'):
        SimilarVideos(['a', 'b'], [[2], [0]], [[1.0], [1.0]])
