"""The random number generator that transforms receive; none of them uses a global one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class SeededRng:
    """Random number generator that depends only on (seed, epoch, index).

    The order of the samples, the number of workers and an interruption of training therefore change nothing.

    Args:
        seed: Seed of the run.
        epoch: Epoch, counted from 0.
        index: Index of the sample in its data set.
    """

    def __init__(self, seed: int, epoch: int, index: int) -> None:
        self.generator = np.random.default_rng([seed, epoch, index])

    def sample(self, population: Sequence[Any], k: int) -> list[Any]:
        """Draw ``k`` different elements, in random order; ValueError where there are fewer."""
        if k == 1 and len(population):  # the same result as below in a fifth of the time
            return [population[int(self.generator.integers(len(population)))]]
        return [population[i] for i in self.generator.choice(len(population), size=k, replace=False).tolist()]

    def choice(self, population: Sequence[Any]) -> Any:
        """Draw one of at least one element."""
        return population[self.integers(0, len(population))]

    def shuffle(self, values: list[Any]) -> None:
        """Put a list into random order, in place."""
        order = self.generator.permutation(len(values)).tolist()
        values[:] = [values[i] for i in order]

    def uniform(self, low: float = 0.0, high: float = 1.0, size: Any = None) -> Any:
        """Uniform numbers in [low, high): an array of the shape ``size``, or one float for None."""
        return self.generator.uniform(low, high, size)

    def integers(self, low: int, high: int) -> int:
        """A uniform integer in [low, high)."""
        return int(self.generator.integers(low, high))
