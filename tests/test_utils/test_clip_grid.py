"""Values and ratings of clips as those of clips of another length."""

import numpy as np
import pytest

from mmvmr.utils.clip_grid import count_clips, means_over_clips, move_ratings


@pytest.mark.parametrize(
    ('values', 'clip_len', 'count', 'new_len', 'expected'),
    [
        ([1, 4], 3.0, 3, 2.0, [1, 2.5, 4]),  # the second is half of each
        ([1, 2, 3, 5], 1.0, 2, 2.0, [1.5, 4]),
        ([1, 2, 3, 5], 1.0, 3, 1.5, [4 / 3, 8 / 3, 5]),  # 1 and half of 2; half of 2 and 3; 5 is all that is left
        ([1, 2], 1.0, 4, 1.0, [1, 2, 2, 2]),  # none is left
        ([1, 2], 2.0, 5, 1.0, [1, 1, 2, 2, 2]),
        ([1, 2, 3], 1.0, 2, 1.0, [1, 2]),
    ],
)
def test_means(values, clip_len, count, new_len, expected):
    np.testing.assert_allclose(means_over_clips(values, clip_len, count, new_len), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ('clips', 'ratings', 'clip_len', 'new_len', 'expected'),
    [
        ([3], [[1, 2]], 2.0, 1.0, ([6, 7], [[1, 2], [1, 2]])),
        # Clip 3, from 6 to 8 s, has the middle of the new clip 2 (7.5 s); 4 has no middle, its own (9 s) is in 3.
        ([3, 4, 5], [[1, 0], [2, 1], [4, 2]], 2.0, 3.0, ([2, 3], [[1, 0], [3, 1.5]])),
        ([4], [[1]], 2.0, 20.0, ([0], [[1]])),  # no rated clip gets lost
        ([5, 1], [[1], [2]], 2.0, 2.1, ([1, 5], [[2], [1]])),
        ([], [], 2.0, 3.0, ([], [])),
        ([3], None, 2.0, 1.0, ([6, 7], None)),
    ],
)
def test_ratings(clips, ratings, clip_len, new_len, expected):
    assert move_ratings(clips, ratings, clip_len, new_len) == expected


def test_number_of_clips():
    assert [count_clips(seconds, 2.0) for seconds in (0.1, 2.0, 2.1, 150.0)] == [1, 1, 2, 75]
    assert count_clips(3 * 0.1, 0.1) == 3
