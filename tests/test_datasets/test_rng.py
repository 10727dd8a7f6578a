import numpy as np
import pytest
from testing import ReplayRng

from mmvmr.datasets import SeededRng


def _everything(rng):
    values = list(range(9))
    rng.shuffle(values)
    return [rng.sample('abcdef', 3), values, rng.uniform(2, 3), rng.uniform(size=3).tolist(), rng.integers(0, 99)]


def test_equal_keys_equal_draws():
    assert _everything(SeededRng(1, 2, 3)) == _everything(SeededRng(1, 2, 3))
    for other in ((0, 2, 3), (1, 3, 3), (1, 2, 4), (2, 1, 3)):
        assert _everything(SeededRng(*other)) != _everything(SeededRng(1, 2, 3))


def test_draws_are_what_they_say():
    rng = SeededRng(0, 0, 0)
    sample = rng.sample([3, 5, 7], 3)
    assert sorted(sample) == [3, 5, 7]
    assert type(sample[0]) is int
    assert 2 <= rng.uniform(2, 3) < 3
    assert {rng.integers(0, 3) for _ in range(50)} == {0, 1, 2}
    counts = np.bincount([SeededRng(0, 0, i).sample(range(4), 1)[0] for i in range(400)])
    assert counts.min() > 60  # neighbouring indices are independent
    with pytest.raises(ValueError):
        rng.sample([1], 2)


def test_one_element_is_drawn_as_several_are():
    """The short way leaves the generator where the long one does, so that no training changes."""
    for seed in range(300):
        short, long = SeededRng(seed, 0, 0), SeededRng(seed, 0, 0).generator
        for size in (1, 2, 75, 3000):
            assert short.sample(range(size), 1) == long.choice(size, size=1, replace=False).tolist()
        assert short.uniform() == long.uniform()


def test_replay_checks_the_questions():
    recorded = [
        dict(fn='sample', pop=[1, 2, 3], k=1, result=[2]),
        dict(fn='shuffle', pop=[1, 2], result=[2, 1]),
        dict(fn='uniform', result=0.25),
        dict(fn='integers', result=4),
    ]
    rng = ReplayRng(recorded)
    values = [1, 2]
    assert rng.sample((1, 2, 3), 1) == [2]
    rng.shuffle(values)
    assert (values, rng.uniform(), rng.integers(0, 9), rng.finished) == ([2, 1], 0.25, 4, True)
    with pytest.raises(AssertionError, match='used up'):
        rng.integers(0, 9)
    with pytest.raises(AssertionError, match='raw random generator'):
        _ = rng.generator
    with pytest.raises(AssertionError, match=r'population \[1, 2\], recorded'):
        ReplayRng(recorded).sample([1, 2], 1)
    with pytest.raises(AssertionError, match='k 2, recorded 1'):
        ReplayRng(recorded).sample([1, 2, 3], 2)
    with pytest.raises(AssertionError, match='recorded is sample'):
        ReplayRng(recorded).uniform()
