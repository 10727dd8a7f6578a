"""Is a difference more than chance? Bootstrap intervals, a paired test, and slices of a data set.

Queries of one video resemble each other (they share features, and on TACoS there are a hundred of them), so both
resample units that the caller chooses, usually videos, and not single queries.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mmvmr.evaluation.functional.padding import Bools, Floats
from mmvmr.evaluation.functional.protocols import Protocol, get_protocol
from mmvmr.evaluation.functional.values import Row
from mmvmr.utils import check_choice

#: Random numbers are generated in portions of this size.
PORTION = 1 << 21
SLICES = ('length', 'position', 'moments')


def compare_figures(
    figures: Sequence[Mapping[str, Floats]],
    units: Sequence[Hashable],
    draws: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
    rows: Bools | None = None,
) -> list[dict[str, Any]]:
    """Means of one or two sets of predictions with their intervals, and a test of the difference.

    The intervals are percentiles of the bootstrap (Efron, 1979) over units. The test is the paired randomisation test
    (Fisher, 1935): if both sets were equally good, the two scores of a unit could change places; ``p`` is the share of
    random exchanges, the observed one included, that make a difference at least as large.

    Args:
        figures: For each set of predictions name to scores of the queries, of
            :func:`mmvmr.evaluation.functional.query_figures`. Of two sets the second is the base.
        units: What a query belongs to, e.g. its video; units are drawn with all their queries.
        draws: Number of bootstrap samples and of random exchanges.
        level: Coverage of the intervals.
        seed: Seed of the random draws.
        rows: Use only these queries (Q,).

    Returns:
        For each figure ``figure``, ``queries``, and for each set ``mean`` and ``interval``; of two sets also
        ``difference`` (first minus second), ``difference_interval`` and ``p``. Figures without a query are left out.
    """
    rows = np.ones(len(units), dtype=bool) if rows is None else rows
    shared = [name for name in figures[0] if all(name in other for other in figures)]
    names = [name for name in shared if not np.isnan(figures[0][name][rows]).all()]
    if not names:
        return []
    _, owner = np.unique([repr(unit) for unit, row in zip(units, rows) if row], return_inverse=True)
    values = np.stack([[part[name][rows] for name in names] for part in figures])  # (sets, figures, queries)
    sums = _by_unit(np.nan_to_num(values), owner)
    counts = _by_unit((~np.isnan(values[0])).astype(np.float64), owner)
    total = counts.sum(axis=-1)
    means = sums.sum(axis=-1) / total
    sampled = _bootstrap(sums, counts, draws, seed)  # (draws, sets, figures)
    result: list[dict[str, Any]] = []
    for f, name in enumerate(names):
        row: dict[str, Any] = {'figure': name, 'queries': int(total[f])}
        row['mean'] = means[:, f].tolist()
        row['interval'] = [_interval(sampled[:, s, f], level) for s in range(len(figures))]
        result.append(row)
    if len(figures) == 2:
        p = _randomisation(sums[0] - sums[1], draws, seed)
        for f, row in enumerate(result):
            row['difference'] = float(means[0, f] - means[1, f])
            row['difference_interval'] = _interval(sampled[:, 0, f] - sampled[:, 1, f], level)
            row['p'] = float(p[f])
    return result


def _by_unit(values: Floats, owner: Any) -> Floats:
    """Sums over the queries of a unit: (..., Q) to (..., U)."""
    flat = values.reshape(-1, values.shape[-1])
    sums = np.stack([np.bincount(owner, weights=row) for row in flat])
    return np.asarray(sums.reshape(*values.shape[:-1], -1), dtype=np.float64)


def _interval(values: Floats, level: float) -> list[float]:
    tail = 50 * (1 - level)
    return [float(bound) for bound in np.nanpercentile(values, [tail, 100 - tail])]


def _portions(draws: int, width: int) -> Iterator[int]:
    size = max(1, PORTION // width)
    for start in range(0, draws, size):
        yield min(size, draws - start)


def _bootstrap(sums: Floats, counts: Floats, draws: int, seed: int) -> Floats:
    """Means over resampled units: (sets, figures, U) and (figures, U) to (draws, sets, figures)."""
    rng, num_units = np.random.default_rng((seed, 0)), sums.shape[-1]
    parts = []
    for size in _portions(draws, num_units):
        drawn = rng.integers(num_units, size=(size, num_units))
        drawn += num_units * np.arange(size)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=size * num_units).reshape(size, num_units).astype(np.float64)
        with np.errstate(invalid='ignore'):  # a sample without any query of a rare range
            parts.append(np.einsum('du,sfu->dsf', weights, sums, optimize=True) / (weights @ counts.T)[:, None])
    return np.concatenate(parts)


def _randomisation(differences: Floats, draws: int, seed: int) -> Floats:
    """Two-sided p of the sums of paired differences: (figures, U) to (figures,)."""
    rng, num_units = np.random.default_rng((seed, 1)), differences.shape[-1]
    observed = np.abs(differences.sum(axis=-1))
    tolerance = 1e-9 * np.abs(differences).sum(axis=-1)  # sums in another order
    extreme = np.ones(len(differences))
    for size in _portions(draws, num_units):
        signs = 2.0 * rng.integers(2, size=(size, num_units)) - 1.0
        extreme += (np.abs(signs @ differences.T) >= observed - tolerance).sum(axis=0)
    return np.asarray(extreme / (draws + 1))


def slices(annotations: Sequence[Row], by: str, protocol: str | Protocol = 'qvhighlights') -> dict[str, Bools]:
    """Groups of queries.

    Args:
        annotations: Rows with ``relevant_windows`` and ``duration``.
        by: ``length``: mean length of the moments of a query, in the ranges of the protocol; ``position``: mean centre
            of its moments, in thirds of the video; ``moments``: their number.
        protocol: Protocol or its name.

    Returns:
        Name to the queries of the group (Q,). A query without moments is in none.

    Raises:
        ValueError: If ``by`` is something else.
    """
    check_choice('slices', 'by', by, SLICES)
    windows = [np.asarray(row.get('relevant_windows') or np.zeros((0, 2)), dtype=np.float64) for row in annotations]
    has = np.array([len(table) > 0 for table in windows])
    if by == 'moments':
        number = np.array([len(table) for table in windows])
        return {'1 moment': number == 1, '2 moments': number == 2, '3 or more': number > 2}
    if by == 'position':
        centre = [t.mean() / row['duration'] if len(t) else np.nan for t, row in zip(windows, annotations)]
        third = np.clip(np.floor(3 * np.nan_to_num(np.array(centre))), 0, 2)
        return {name: has & (third == i) for i, name in enumerate(('first third', 'second third', 'last third'))}
    length = np.array([(t[:, 1] - t[:, 0]).mean() if len(t) else np.nan for t in windows])
    ranges = {name: bounds for name, bounds in get_protocol(protocol).lengths.items() if bounds and name != 'full'}
    ranges = ranges or {'short': (0, 10), 'middle': (10, 30), 'long': (30, np.inf)}
    return {
        f'{name} ({low:g} to {high:g} s]': has & (length > low) & (length <= high)
        for name, (low, high) in ranges.items()
    }
