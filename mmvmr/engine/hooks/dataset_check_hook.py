"""A look at the data before the first step."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Any

from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop

from mmvmr.datasets import BaseMomentDataset
from mmvmr.engine.hooks.resume_hook import nested_datasets
from mmvmr.preparation.checks import (
    CHECKS,
    ERROR,
    NOTE,
    WARNING,
    Issue,
    Split,
    augmentations,
    check_splits,
    fractions,
    rated_clips,
    unusable_labels,
    without,
)
from mmvmr.registry import HOOKS
from mmvmr.utils import check_choice

_LEVELS = {ERROR: logging.ERROR, WARNING: logging.WARNING, NOTE: logging.INFO}


@HOOKS.register_module()
class DatasetCheckHook(Hook):
    """The fast form of ``mmvmr check`` when training starts.

    It looks at all annotations of the training and validation data and at the features of a few videos and sentences
    of each; that every feature file exists is checked already when a data set is built. Issues go into the log.
    ``default_hooks.dataset_check=None`` switches it off.

    Args:
        count: Videos and sentences per split whose features are read.
        errors: What an error (videos of validation in training, NaN, another dimension) does: ``warn``, or ``stop``.
        ignore: Names of checks that say nothing; see :data:`mmvmr.preparation.checks.CHECKS`.

    Raises:
        ValueError: If an option is unknown.
    """

    priority = 'NORMAL'

    def __init__(self, count: int = 8, errors: str = 'warn', ignore: Sequence[str] = ()) -> None:
        self.errors = check_choice(self, 'errors', errors, ('warn', 'stop'))
        if unknown := sorted(set(ignore) - set(CHECKS)):
            raise ValueError(f'DatasetCheckHook: ignore={unknown}: expected some of {list(CHECKS)}')
        if count < 1:
            raise ValueError(f'DatasetCheckHook: count={count}, expected a positive number')
        self.count = count
        self.ignore: Collection[str] = frozenset(ignore)

    def before_train(self, runner: Runner) -> None:
        """Check.

        Raises:
            ValueError: On every process, with ``errors='stop'``, if there is an error.
        """
        if self.errors == 'stop':  # one process must not stop while others wait for it
            self._report(runner, self._findings(runner))
        else:
            self._warn(runner)

    @master_only
    def _warn(self, runner: Runner) -> None:
        self._report(runner, self._findings(runner))

    def _findings(self, runner: Runner) -> list[Issue]:
        splits: list[Split] = []
        for name, loop in (('train', runner.train_loop), ('val', runner.val_loop)):
            if isinstance(loop, BaseLoop):
                splits += _splits(name, loop.dataloader.dataset)
        results = check_splits(splits, self.count, everything=False)
        return [result for result in without(results, self.ignore) if isinstance(result, Issue)]

    def _report(self, runner: Runner, findings: Sequence[Issue]) -> None:
        for finding in findings:
            runner.logger.log(_LEVELS[finding.severity], f'data: {finding}')
        if any(finding.severity != NOTE for finding in findings):
            runner.logger.info('mmvmr check looks at all features')
        errors = [finding for finding in findings if finding.severity == ERROR]
        if errors and self.errors == 'stop':
            more = f' (and {len(errors) - 1} more errors, see the log)' if len(errors) > 1 else ''
            raise ValueError(f'data: {errors[0]}{more}')


def _splits(name: str, dataset: Any) -> list[Split]:
    """The data sets of a loader; wrappers may hold one twice."""
    splits: dict[tuple[Any, ...], Split] = {}
    for part in nested_datasets(dataset):
        if isinstance(part, BaseMomentDataset) and len(part):
            key = (len(part), part.rows[0]['qid'], part.rows[-1]['qid'])
            label = name if key in splits or not splits else f'{name} {len(splits) + 1}'
            # The annotations were read before: windows outside of the video were refused then, or are to be clipped.
            splits.setdefault(key, Split.of(label, part, outside='clip'))
    return list(splits.values())


def require_trainable(dataset: Any) -> None:
    """Refuse a training set that does not match its config.

    Args:
        dataset: The training set, possibly a wrapper around several.

    Raises:
        ValueError: If labels of a row cannot be right (the message names file, line, qid and remedy), or an
            augmentation acts on none of many samples, so that the run would equal one without it.
    """
    splits = _splits('train', dataset)
    idle: list[Issue] = []
    for split in splits:
        findings = [*unusable_labels(split, split.targets), *rated_clips(split), *fractions(split)]
        if errors := [finding for finding in findings if finding.severity == ERROR]:
            raise ValueError(str(errors[0]))
        idle += [finding for finding in augmentations(split) if finding.severity == ERROR]
    for finding in idle:
        if sum(finding.text == other.text for other in idle) == len(splits):
            raise ValueError(str(finding))
