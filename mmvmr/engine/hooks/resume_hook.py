"""Resuming that is bit-identical to not having been interrupted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import Runner
from torch.utils.data import DataLoader, Dataset

from mmvmr.datasets import BaseMomentDataset
from mmvmr.engine.loops import ResumableTrainLoop
from mmvmr.registry import HOOKS


def seed_iteration(seed: int, iteration: int, rank: int) -> None:
    """Seed Python, numpy and torch (all devices) for a training iteration, counted from 0 over all epochs.

    The rank is part of it, so that processes draw different dropout masks.
    """
    state = np.random.SeedSequence([seed, iteration, rank]).generate_state(2, np.uint64)
    torch.manual_seed(int(state[0]))
    np.random.seed(int(state[1]) % 2**32)
    random.seed(int(state[1]))


def nested_datasets(dataset: Dataset) -> Iterator[Any]:
    """A data set and everything it wraps as ``dataset`` or ``datasets``, outermost first."""
    yield dataset
    inner = [dataset.dataset] if hasattr(dataset, 'dataset') else list(getattr(dataset, 'datasets', []))
    for child in inner:
        if isinstance(child, Dataset) or hasattr(child, '__getitem__'):
            yield from nested_datasets(child)


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """Makes what an iteration draws a function of (seed, iteration, rank), and the data of (seed, epoch, index).

    Random state is not part of a checkpoint, and reseeding by epoch is not enough (what is drawn in an iteration then
    depends on where the process started), so every iteration is seeded. Data sets derive their draws from
    ``set_epoch``, samplers from mmengine's ``DistSamplerSeedHook``.
    """

    #: Before any hook or model that draws.
    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Check that what was asked for can be resumed exactly.

        Raises:
            ValueError: If checkpoints are saved by iteration under a loop that cannot resume inside an epoch.
        """
        by_iteration = any(isinstance(hook, CheckpointHook) and not hook.by_epoch for hook in runner.hooks)
        if by_iteration and not isinstance(runner.train_loop, ResumableTrainLoop):
            raise ValueError(
                'default_hooks.checkpoint.by_epoch=False needs a training loop that can resume inside an epoch: set '
                f"train_cfg.type='ResumableTrainLoop' (found {type(runner.train_loop).__name__}), or by_epoch=True"
            )
        steps = getattr(runner.optim_wrapper, '_accumulative_counts', 1)
        per_epoch = len(runner.train_dataloader)
        if steps > 1 and per_epoch % steps:
            runner.logger.warning(
                f'accumulative_counts={steps} does not divide the {per_epoch} iterations of an epoch: gradients that '
                'wait at the end of an epoch are not part of a checkpoint, so a resumed run differs slightly'
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Tell the data sets which epoch it is."""
        loader = runner.train_dataloader
        deaf = False
        for dataset in nested_datasets(loader.dataset):
            if isinstance(dataset, BaseMomentDataset):
                dataset.set_epoch(runner.epoch, seed=runner.seed)
            elif hasattr(dataset, 'set_epoch'):
                dataset.set_epoch(runner.epoch)
                deaf = True
        if deaf and isinstance(loader, DataLoader) and loader.persistent_workers:
            loader._iterator = None  # running workers hold copies with the old epoch: start new ones

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Seed the iteration."""
        seed_iteration(runner.seed, runner.iter, runner.rank)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """When resuming, check that the run can be continued and tell the loop where.

        Raises:
            ValueError: If the checkpoint has no optimizer state, or was made with another seed or, in the middle of an
                epoch, with another number of iterations per epoch.
        """
        if not runner._resume:
            return
        meta = checkpoint.get('meta', {})
        if 'optimizer' not in checkpoint or 'iter' not in meta:
            raise ValueError(
                'cannot resume from this checkpoint: it has no optimizer state (best_*.pth and converted checkpoints '
                'have none). Resume from epoch_*.pth, or start a new run from its weights: --cfg-options load_from=...'
            )
        if meta.get('seed') is not None and meta['seed'] != runner.seed:
            raise ValueError(
                f'cannot resume with seed {runner.seed}: the checkpoint was made with seed {meta["seed"]}, and '
                f'data order and dropout depend on it. Use --seed {meta["seed"]}'
            )
        self._place(runner, meta)

    def _place(self, runner: Runner, meta: dict) -> None:
        now, then = len(runner.train_dataloader), meta.get('iters_per_epoch')
        done = meta.get('iters_done', 0)
        if then is not None and then != now:
            text = (
                f'the checkpoint was made with {then} iterations per epoch, now there are {now} (batch size, number '
                'of processes or data changed)'
            )
            if done:
                raise ValueError(f'cannot resume in the middle of an epoch: {text}')
            runner.logger.warning(f'{text}: the resumed run is not what an uninterrupted one would have been')
        if isinstance(runner.train_loop, ResumableTrainLoop):
            runner.train_loop.iters_done = done
            runner.train_loop.pending_validation = not done and not meta.get('validated', True)
        elif done:
            raise ValueError("resuming in the middle of an epoch needs train_cfg.type='ResumableTrainLoop'")
