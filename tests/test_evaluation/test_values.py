"""Checks of single values, at the ends of what is allowed."""

import math

import numpy as np
import pytest

from mmvmr.evaluation.functional.validation import has_labels, has_ratings
from mmvmr.evaluation.functional.values import InputError, check_number, shape_is, shown_value


def test_long_values_are_cut_to_80_characters():
    assert shown_value('x' * 78) == f"'{'x' * 78}'"
    assert shown_value('x' * 79) == f"'{'x' * 76}..."
    assert len(shown_value('x' * 79)) == 80


@pytest.mark.parametrize('value', [0, -1.5, 9e299, np.float64(2), np.int64(3)])
def test_numbers(value):
    check_number(value, 'row', 'it')
    assert shape_is([[value, 1]], 2)


@pytest.mark.parametrize(
    ('value', 'expected'),
    [
        *((value, 'a number') for value in (True, '1', None, [1])),
        *((value, 'a finite number') for value in (math.nan, math.inf, 1e300, -1e300, 10**400)),
    ],
)
def test_what_is_no_number(value, expected):
    with pytest.raises(InputError, match=r'^row: it is .*, expected ') as error:
        check_number(value, 'row', 'it')
    assert str(error.value) == f'row: it is {shown_value(value)}, expected {expected}'
    assert not shape_is([[value, 1]], 2)


@pytest.mark.parametrize('values', [[1, 2], [[1, 2, 3]], [[1, 2], [3]], [[[1, 2]]]])
def test_what_is_no_table(values):
    assert not shape_is(values, 2)


def test_rows_with_ratings_have_both_keys():
    clips, scores = {'relevant_clip_ids': [1]}, {'saliency_scores': [[2]]}
    assert has_ratings({**clips, **scores}) and not has_ratings(clips) and not has_ratings(scores)
    assert has_labels({'label': [[1]]}) and not has_labels({})
