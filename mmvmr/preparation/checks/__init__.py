"""Checks of whole data sets: annotations, features, and the splits against each other.

:func:`check_splits` is everything that ``mmvmr check`` and the hook that looks at the data
when training starts need; :func:`open_splits` opens the data sets of a config even where they have issues.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mmvmr.preparation.checks.annotation_checks import augmentations, check_annotations, leakage, unusable_labels
from mmvmr.preparation.checks.feature_checks import Progress, check_features
from mmvmr.preparation.checks.finding import CHECKS, ERROR, NOTE, WARNING, Issue, Results, Skipped
from mmvmr.preparation.checks.inventory import clashes, extra, missing
from mmvmr.preparation.checks.label_checks import rated_clips
from mmvmr.preparation.checks.opening import open_splits, read_split
from mmvmr.preparation.checks.split import Split
from mmvmr.preparation.checks.window_checks import fractions

__all__ = [
    'CHECKS',
    'ERROR',
    'NOTE',
    'WARNING',
    'Issue',
    'Results',
    'Skipped',
    'Split',
    'augmentations',
    'check_annotations',
    'check_splits',
    'fractions',
    'leakage',
    'open_splits',
    'rated_clips',
    'read_split',
    'unusable_labels',
    'without',
]


def check_splits(
    splits: Sequence[Split],
    count: int | None = None,
    everything: bool = True,
    others: Sequence[Split] = (),
    progress: Progress | None = None,
) -> Results:
    """Check splits of a data set.

    Args:
        splits: The splits.
        count: Videos and sentences per split whose features are read; None for all.
        everything: Also look for features that are missing or superfluous, which lists whole folders.
        others: Further splits of the same data set: their features are not superfluous.
        progress: See :func:`check_features`.

    Returns:
        What was found and what could not be looked at.
    """
    results: Results = [*leakage(splits)]
    targets = next((split.targets for split in splits if split.kind == 'train'), None)
    for split in splits:
        results += [
            *check_annotations(split),
            *unusable_labels(split, split.targets if split.kind == 'train' else targets),
        ]
        if everything:
            results += missing(split)
        results += check_features(split, count, progress)
    return [*results, *clashes(splits), *extra([*splits, *others])] if everything else results


def without(results: Results, ignored: Collection[str]) -> Results:
    """Results of some checks left out.

    Returns:
        The others.

    Raises:
        ValueError: If there is no such check.
    """
    if unknown := sorted(set(ignored) - set(CHECKS)):
        raise ValueError(f'no such checks: {unknown}, expected some of {list(CHECKS)}')
    return [result for result in results if result.check not in ignored]
