"""Loops that resume exactly and evaluate under autocast."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.device import get_device
from mmengine.runner import EpochBasedTrainLoop, TestLoop, ValLoop

from mmvmr.engine.optim import autocast_dtype
from mmvmr.registry import LOOPS


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """Training by epochs that continues where a checkpoint was saved, in the middle of an epoch too.

    :class:`~mmvmr.engine.hooks.ExactResumeHook` sets the attributes after loading.

    Attributes:
        iters_done: Iterations of the current epoch that need not be run.
        pending_validation: The checkpoint was saved before the validation of its epoch, which is made up for.

    Args:
        *args: As for ``mmengine.runner.EpochBasedTrainLoop``.
        **kwargs: The same.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self._max_epochs < 1 or self.val_interval < 1:
            settings = f'max_epochs is {self._max_epochs}, val_interval {self.val_interval}'
            raise ValueError(f'train_cfg: {settings}, expected positive numbers of epochs')
        if self.val_begin > self._max_epochs and self.runner._val_loop is not None:
            raise ValueError(
                f'train_cfg: val_begin is {self.val_begin} and max_epochs {self._max_epochs}: there would be no '
                'validation and no best checkpoint; lower val_begin, or set val_dataloader, val_evaluator and val_cfg '
                'to None'
            )
        self.iters_done = 0
        self.pending_validation = False

    def run(self) -> torch.nn.Module:
        """Train."""
        self.runner.call_hook('before_train')
        if self.pending_validation:
            self.pending_validation = False
            self._validate_if_due()
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._validate_if_due()
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Train one epoch, or what is left of it after resuming.

        Batches that were trained on before are drawn and dropped: what a sampler yields and what a data set draws
        depends on (seed, epoch, index) only, so the rest of the epoch is the same as without the interruption.
        """
        skipped, self.iters_done = self.iters_done, 0
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        for idx, data_batch in enumerate(self.dataloader):
            self.iters_done = idx
            if idx >= skipped:
                self.run_iter(idx, data_batch)
        self.iters_done = 0
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def _validate_if_due(self) -> None:
        self._decide_current_val_interval()
        due = self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs
        if self.runner.val_loop is not None and self._epoch >= self.val_begin and due:
            self.runner.val_loop.run()


class _Autocast:
    """Runs every iteration of an evaluation loop under autocast.

    Args:
        *args: As for the loop.
        dtype: ``bfloat16``.
        **kwargs: As for the loop.
    """

    def __init__(self, *args: Any, dtype: str = 'bfloat16', **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._dtype = autocast_dtype(dtype)

    def run_iter(self, idx: int, data_batch: Any) -> None:
        """Evaluate one batch.

        Args:
            idx: Index of the batch.
            data_batch: From the data loader.
        """
        with torch.autocast(torch.device(get_device()).type, self._dtype):
            super().run_iter(idx, data_batch)  # type: ignore[misc]


@LOOPS.register_module()
class AutocastValLoop(_Autocast, ValLoop):
    """Validation under autocast; mmengine's ``fp16=True`` means float16 on a GPU."""


@LOOPS.register_module()
class AutocastTestLoop(_Autocast, TestLoop):
    """Test under autocast."""
