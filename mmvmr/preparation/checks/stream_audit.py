"""Statistics of the vectors of one stream, gathered array by array."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmvmr.preparation.checks.finding import ERROR, WARNING, Issue, found
from mmvmr.structures.feature_spec import StreamSpec
from mmvmr.utils.arrays import flat_rows

# Published vectors of length 1 are stored in float16, whose steps make the length of 2304 of them wrong by 0.001.
_UNIT = 0.01
_SEVERAL = 3  # arrays; fewer may happen to be of the same video or sentence
_ZERO = 1e-3  # shorter vectors stay short: they are divided by their length + 1e-5
_EXTRACT = 'Extract or convert these files again'


class StreamAudit:
    """Collects the issues of a stream.

    Args:
        where: Split and stream, for messages.
        stream: What the specification declares.
        ready: Whether the vectors are said to be normalised where they are stored.
        words: Whether they are words of a table or numbers of tokens, which have no length to speak of.
    """

    def __init__(self, where: str, stream: StreamSpec, ready: bool = False, words: bool = False) -> None:
        self.where = where
        self.stream = stream
        self.ready = ready
        self.words = words
        self.issues: dict[str, list[str]] = {name: [] for name in ('unreadable', 'shape', 'empty', 'nan', 'zero')}
        self.unit: list[str] = []
        self.other: list[str] = []
        self.first: np.ndarray | None = None
        self.alike, self.compared = True, 0
        self.constant: list[str] = []
        self.shortest, self.longest = np.inf, 0.0
        self.read = 0

    def fail(self, label: str, error: Exception) -> None:
        """Note that the array of a video or sentence could not be read, and why."""
        self.read += 1
        self.issues['unreadable'].append(
            f'{label}: {str(error).splitlines()[0] if str(error) else type(error).__name__}'
        )

    def add(self, label: str, array: Any) -> np.ndarray | None:
        """Look at the array (L, D) or (D,) of a video or sentence; returns (L, D) float32, None for another shape."""
        self.read += 1
        vectors = flat_rows(np.atleast_2d(np.asarray(array, dtype=np.float32)), self.stream.dim)
        if vectors.ndim != 2 or vectors.shape[1] != self.stream.dim:
            self.issues['shape'].append(f'{label}: {np.shape(array)}')
            return None
        if not len(vectors):
            self.issues['empty'].append(label)
            return vectors
        lengths = np.sqrt(np.einsum('ld,ld->l', vectors, vectors, dtype=np.float64))
        if not np.isfinite(lengths).all():  # squares of finite float32 are finite in float64
            self.issues['nan'].append(f'{label}: {int((~np.isfinite(lengths)).sum())} of {len(lengths)} vectors')
        elif not self.words:
            self._compare(label, vectors)
            self._lengths(label, lengths)
        return vectors

    def _compare(self, label: str, vectors: np.ndarray) -> None:
        constant = len(vectors) > 1 and bool((vectors == vectors[0]).all())
        self.compared += 1
        if constant and vectors[0].any():  # the check zero has zeros
            self.constant.append(f'{label}: {len(vectors)} vectors')
        if self.first is None:
            self.first = vectors
        self.alike &= np.array_equal(vectors, self.first) or (constant and np.array_equal(vectors[0], self.first[0]))

    def _constant(self) -> list[Issue]:
        """Arrays that say nothing: all the same, or of one vector."""
        if self.alike and self.compared >= _SEVERAL:
            text = 'arrays have the same vectors, all of them'
            advice = f'Nothing tells them apart, so nothing can be learned from them. {_EXTRACT}'
            return [Issue('constant', ERROR, self.where, text, advice, self.compared, self.compared)]
        severity = ERROR if len(self.constant) == self.compared >= _SEVERAL else WARNING
        advice = f'Nothing tells their parts apart. {_EXTRACT}'
        return found('constant', severity, self.where, self.constant, 'arrays repeat one vector', advice, self.read)

    def _lengths(self, label: str, lengths: np.ndarray) -> None:
        zero = lengths < _ZERO
        if zero.any():
            self.issues['zero'].append(f'{label}: {int(zero.sum())} of {len(lengths)} vectors')
        lengths = lengths[~zero]
        if len(lengths):
            self.shortest = min(self.shortest, float(lengths.min()))
            self.longest = max(self.longest, float(lengths.max()))
            unit = (np.abs(lengths - 1) < _UNIT).all()
            (self.unit if unit else self.other).append(f'{label}: {lengths.min():.3g} to {lengths.max():.3g}')

    def findings(self) -> list[Issue]:
        """Issues of the stream."""
        dim = self.stream.dim
        kinds = (
            ('unreadable', ERROR, 'cannot be read', _EXTRACT),
            ('shape', ERROR, f'do not have vectors of {dim} numbers', 'Correct dim in feature_spec, or the store'),
            ('empty', ERROR, 'have no vector at all', _EXTRACT),
            ('nan', ERROR, 'have numbers that are NaN or infinite', _EXTRACT),
            ('zero', WARNING, 'have vectors of zeros', f'Padding, or frames that were not decoded? {_EXTRACT}'),
        )
        lines = [
            finding
            for name, severity, text, advice in kinds
            for finding in found(name, severity, self.where, self.issues[name], f'arrays {text}', advice, self.read)
        ]
        return lines + self._constant() + self._norms()

    def _norms(self) -> list[Issue]:
        total = len(self.unit) + len(self.other)
        if self.ready:
            text = 'arrays are said to be normalised where they are stored, and are not'
            advice = 'Pack or extract them again: the model would see them as they are'
            return found('norms', ERROR, self.where, self.other, text, advice, total)
        if self.stream.normalise != 'none' or not self.other:
            return []
        if self.unit:
            text = "arrays are not normalised and the others are, with normalise='none'"
            advice = "Files of two kinds are mixed: make them the same, or set normalise='l2' for this stream"
            return found('norms', ERROR, self.where, self.other, text, advice, total)
        text = (
            f"arrays go into the model as stored (normalise='none'): lengths {self.shortest:.3g} to {self.longest:.3g}"
        )
        advice = "Set normalise='l2' unless the method wants vectors as stored (SnAG does)"
        return found('norms', WARNING, self.where, self.other, text, advice, total)
