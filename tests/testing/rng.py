"""A generator that replays the random draws that another implementation recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class ReplayRng:
    """Returns recorded random draws, and requires the calls to be the recorded ones.

    Args:
        recorded: One dict per call, in order: ``fn`` (``sample``, ``choice``, ``shuffle``, ``uniform`` or
            ``integers``), ``pop`` and ``k`` where the call had them, and ``result``.

    Raises:
        AssertionError: On a call that was not recorded, or with another population.
    """

    def __init__(self, recorded: Sequence[dict[str, Any]]) -> None:
        self.recorded = list(recorded)
        self.position = 0

    @property
    def finished(self) -> bool:
        """Whether every recorded call was made."""
        return self.position == len(self.recorded)

    @property
    def generator(self) -> np.random.Generator:
        """A raw generator cannot be replayed.

        Raises:
            AssertionError: Always.
        """
        raise AssertionError('a raw random generator was asked for while recorded draws are replayed')

    def _next(self, fn: str) -> dict[str, Any]:
        assert not self.finished, f'{fn}() was called, but all {len(self.recorded)} recorded draws are used up'
        call = self.recorded[self.position]
        assert call['fn'] == fn, f'draw {self.position}: {fn}() was called, recorded is {call["fn"]}()'
        self.position += 1
        return call

    def sample(self, population: Sequence[Any], k: int) -> list[Any]:
        """The recorded elements; population and ``k`` must be the recorded ones."""
        call = self._next('sample')
        assert list(population) == call['pop'], f'population {list(population)}, recorded {call["pop"]}'
        assert k == call['k'], f'k {k}, recorded {call["k"]}'
        return list(call['result'])

    def choice(self, population: Sequence[Any]) -> Any:
        """The recorded element; the population must be the recorded one."""
        call = self._next('choice')
        assert list(population) == call['pop'], f'population {list(population)}, recorded {call["pop"]}'
        return call['result']

    def shuffle(self, values: list[Any]) -> None:
        """Put the list into the recorded order, in place."""
        call = self._next('shuffle')
        assert list(values) == call.get('pop', list(values)), f'shuffled {values}, recorded {call["pop"]}'
        values[:] = call['result']

    def uniform(self, low: float = 0.0, high: float = 1.0, size: Any = None) -> Any:
        """The recorded numbers."""
        result = self._next('uniform')['result']
        return result if size is None else np.asarray(result).reshape(size)

    def integers(self, low: int, high: int) -> int:
        """The recorded integer."""
        return int(self._next('integers')['result'])
