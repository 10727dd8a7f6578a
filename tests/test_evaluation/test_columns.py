"""Conversion of the values of a file at once: what is taken, and what is left to the check of single values."""

import math

import numpy as np
import pytest

from mmvmr.evaluation.functional import evaluate_predictions
from mmvmr.evaluation.functional.columns import converted, numbers_of, ratings_of, table_of, windows_of
from mmvmr.evaluation.functional.validation import check_annotations, check_predictions


def plain(ragged):
    return None if ragged is None else (ragged.entries.tolist(), ragged.lengths.tolist())


def test_tables():
    assert plain(table_of([[[1, 2.5], (3, 4)], [], ([5, 6],)], 2)) == ([[1, 2.5], [3, 4], [5, 6]], [2, 0, 1])
    empty = table_of([[], []], 3)
    assert empty.entries.shape == (0, 3) and empty.lengths.tolist() == [0, 0]
    assert table_of([[]], -1).entries.shape == (0, 1)


@pytest.mark.parametrize(
    'value', ['1', None, True, math.nan, math.inf, -math.inf, 1e300, -1e300, 10**400, [1]], ids=lambda v: str(v)[:5]
)
def test_what_is_no_finite_number(value):
    assert table_of([[[1, value]]], 2) is None
    assert numbers_of([[1, value]]) is None


def test_large_numbers_are_finite():
    assert plain(numbers_of([[-9e299, 9e299]])) == ([-9e299, 9e299], [2])


@pytest.mark.parametrize('tables', [[{}], [[[1, 2]], 'ab'], [['ab']], [[[1, 2], [1, 2, 3]]], [[[1, 2], 3]]])
def test_what_is_no_table(tables):
    assert table_of(tables, 2) is None


def test_numbers():
    assert plain(numbers_of([[1, 2.5], (3,)])) == ([1, 2.5, 3], [2, 1])
    assert numbers_of([[1], []]) is None and numbers_of([[1], {}]) is None and numbers_of(['1']) is None


def test_windows():
    assert plain(windows_of([[[1, 2, 0.5], [3, 3, 0.1]]], 3)) == ([[1, 2, 0.5], [3, 3, 0.1]], [2])
    assert windows_of([[[1, 2], [3, 2.5]]], 2) is None and windows_of([[[1, 2, 3]]], 2) is None


def rated(clips, ratings, duration=5.0):
    return {'relevant_clip_ids': clips, 'saliency_scores': ratings, 'duration': duration}


def test_ratings():
    """Clips of 2 s: two in 5 s, one in 3 s."""
    rows = [rated([0, 1], [[1, 2], [3, 4]]), rated([0], [[0, 4]], 3), rated([], [])]
    assert plain(ratings_of(rows, 2.0)) == ([[1, 2], [3, 4], [0, 4]], [2, 1, 0])
    assert plain(ratings_of([rated([], []), *rows], 2.0)) == ([[1, 2], [3, 4], [0, 4]], [0, 2, 1, 0])


@pytest.mark.parametrize(
    'row',
    [
        rated([2], [[1]]),  # after the end
        rated([-1], [[1]]),
        rated([0, 1], [[1]]),
        rated((0,), [[1]]),
        rated([0.0], [[1]]),
        rated([True], [[1]]),
        rated([0], ([1],)),
        rated([0, 1], [[1], [1, 2]]),
        rated([0], [1]),
        rated([0], [[1]], None),
        rated([0], [[1]], math.nan),
    ],
)
def test_ratings_that_are_not_as_they_should_be(row):
    assert ratings_of([rated([0], [[1]]), row], 2.0) is None


def test_rows_without_a_key_have_no_values():
    part = numbers_of([[1, 2], [3]])
    values = converted(a=(part, [True, False, True]), b=(None, [True]), c=(numbers_of([]), [False]))
    assert list(values) == ['a'] and plain(values['a']) == ([1, 2, 3], [2, 0, 1])


def test_checks_convert_what_they_have_seen():
    truth = [{'qid': 1, 'relevant_windows': [[0, 2]], **rated([0], [[3, 4]])}, {'qid': 2, 'relevant_windows': []}]
    predictions = [{'qid': q, 'pred_relevant_windows': [[0, 1, 0.5]], 'pred_saliency_scores': [q]} for q in (2, 1)]
    columns = check_annotations(truth) | check_predictions(predictions, truth)
    assert {key: plain(value) for key, value in columns.items()} == {
        'relevant_windows': ([[0, 2]], [1, 0]),
        'saliency_scores': ([[3, 4]], [1, 0]),
        'pred_relevant_windows': ([[0, 1, 0.5], [0, 1, 0.5]], [1, 1]),
        'pred_saliency_scores': ([2, 1], [1, 1]),
    }


@pytest.mark.parametrize('clips', [[0, 1], [np.int64(0), np.int64(1)]], ids=['converted', 'as they are'])
def test_values_that_are_not_converted_are_scored_as_well(clips):
    truth = [{'qid': 1, **rated(clips, [[4], [0]])}]
    assert ('saliency_scores' in check_annotations(truth)) == isinstance(clips[0], int)
    brief = evaluate_predictions([{'qid': 1, 'pred_saliency_scores': [0.1, 0.2]}], truth)['brief']
    assert (brief['HL-min-Fair-mAP'], brief['HL-min-Fair-Hit1']) == (50.0, 0.0)
