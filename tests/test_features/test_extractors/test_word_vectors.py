"""Word vectors as features of sentences."""

import numpy as np
import pytest

from mmvmr.features.extractors import WordVectorExtractor

TABLE = {'the': [1, 0], 'door': [0, 2], ',': [5, 5]}
ZERO, DOOR, MEAN = [0, 0], [0, 2], [0.5, 1]


@pytest.fixture(params=['txt', 'npz'])
def file(tmp_path, request):
    path = tmp_path / f'vectors.{request.param}'
    if request.param == 'txt':
        path.write_text(''.join(f'{word} {x} {y}\n' for word, (x, y) in TABLE.items()))
    else:
        np.savez(path, words=np.array(list(TABLE)), vectors=np.array(list(TABLE.values()), np.float16))
    return str(path)


@pytest.mark.parametrize(
    ('unknown', 'expected'),
    [('zero', [[1, 0], ZERO, DOOR]), ('skip', [[1, 0], DOOR]), ('mean', [[1, 0], MEAN, DOOR])],
)
def test_words(file, unknown, expected):
    extractor = WordVectorExtractor(file, dim=2, unknown=unknown)
    assert extractor.dim == 2
    (words, pooled), (nothing, none) = extractor(['The old door', 'xyz'])
    np.testing.assert_array_equal(words, expected)
    np.testing.assert_array_equal(pooled, MEAN)
    np.testing.assert_array_equal(nothing, [ZERO])
    np.testing.assert_array_equal(none, ZERO)
    assert words.dtype == np.float32


def test_punctuation(file):
    (words, _), (dropped, _) = WordVectorExtractor(file, dim=2, split='punctuation')(['door, the', ';'])
    np.testing.assert_array_equal(words, [DOOR, [5, 5], [1, 0]])
    np.testing.assert_array_equal(dropped, [ZERO])


def test_wrong_tables(file, tmp_path):
    with pytest.raises(ValueError, match=r'vectors\.(txt:1: 2 numbers, expected 3|npz: .*shape \(3, 2\))'):
        WordVectorExtractor(file, dim=3)(['the'])
    with pytest.raises(ValueError, match="unknown='drop'"):
        WordVectorExtractor(file, dim=2, unknown='drop')
    with pytest.raises(FileNotFoundError, match=r'absent\.txt: no such table of word vectors'):
        WordVectorExtractor(str(tmp_path / 'absent.txt'))
    (tmp_path / 'broken.npz').write_bytes(b'no archive')
    with pytest.raises(ValueError, match=r'broken\.npz: cannot be read as a table of words and vectors'):
        WordVectorExtractor(str(tmp_path / 'broken.npz'), dim=2)(['the'])
