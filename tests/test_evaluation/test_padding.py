"""Rows of different lengths as one array."""

import numpy as np
import pytest

from mmvmr.evaluation.functional.padding import Ragged, as_lists, pad_rows

ROWS = [[1.0, 2.0], [], [3.0], [4.0, 5.0, 6.0]]


def test_rows_are_taken_in_any_order():
    ragged = Ragged.from_rows(ROWS)
    assert [row.tolist() for row in np.split(ragged.entries, [2, 2, 3])] == ROWS
    for order in ([3, 0], [1], [2, 1, 2], []):
        assert as_lists(ragged.take(order)) == [ROWS[i] for i in order]
        assert len(ragged.take(order)) == len(order)
    pairs = Ragged.from_rows([[[1, 2], [3, 4]], [[5, 6]]], width=2)
    assert {pairs.entries.dtype, Ragged.from_rows([[1, 2]]).entries.dtype} == {np.dtype(np.float64)}
    assert as_lists(pairs.take([1, 0])) == [[[5, 6]], [[1, 2], [3, 4]]]


@pytest.mark.parametrize('rows', [ROWS, [[], []], []])
def test_padding(rows):
    for given in (rows, Ragged.from_rows(rows)):
        padded, mask = pad_rows(given)
        assert padded.shape == mask.shape == (len(rows), max(map(len, rows), default=0) or 1)
        assert [row[keep].tolist() for row, keep in zip(padded, mask)] == rows
        assert padded.dtype == np.float64 and (padded[~mask] == 0).all()


def test_padding_of_vectors():
    padded, mask = pad_rows([[[1, 2]], [[3, 4], [5, 6]], []], width=2)
    assert padded.tolist() == [[[1, 2], [0, 0]], [[3, 4], [5, 6]], [[0, 0], [0, 0]]]
    assert mask.tolist() == [[True, False], [True, True], [False, False]]
    assert pad_rows([[], []], width=3)[0].shape == (2, 1, 3)
    with pytest.raises(ValueError, match=r'^rows of \[1, 3\] numbers, expected 2$'):
        pad_rows([[[1, 2], [3]], [[4, 5, 6]]], width=2)
