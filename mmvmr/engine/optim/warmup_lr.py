"""Warm-up from a learning rate of exactly zero."""

from __future__ import annotations

from typing import Any

from mmengine.optim.scheduler.lr_scheduler import LRSchedulerMixin
from mmengine.optim.scheduler.param_scheduler import INF, _ParamScheduler

from mmvmr.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class ZeroWarmupLR(LRSchedulerMixin, _ParamScheduler):
    """The rate rises linearly from 0 at the first step to its full value at the last one of the warm-up (SnAG).

    mmengine's ``LinearLR`` multiplies the rate before, and cannot leave 0. Schedulers that act before ``end`` would be
    overwritten; they begin there.

    Args:
        optimizer: Optimizer or its wrapper.
        begin: First step of the warm-up.
        end: One past its last step.
        last_step: Last step done.
        by_epoch: Count epochs instead of iterations.
        verbose: Print every change.
    """

    def __init__(
        self,
        optimizer: Any,
        begin: int = 0,
        end: int = 1,
        last_step: int = -1,
        by_epoch: bool = False,
        verbose: bool = False,
    ) -> None:
        super().__init__(optimizer, begin, end, last_step, by_epoch, verbose)

    @classmethod
    def build_iter_from_epoch(
        cls, *args: Any, begin: int = 0, end: int = INF, by_epoch: bool = True, epoch_length: int = 1, **kwargs: Any
    ) -> ZeroWarmupLR:
        """Count iterations instead of epochs; mmengine calls this for ``convert_to_iter_based=True``.

        Args:
            *args: As for the class.
            begin: First epoch of the warm-up.
            end: One past its last epoch.
            by_epoch: Must be true.
            epoch_length: Iterations per epoch.
            **kwargs: As for the class.

        Returns:
            The scheduler.
        """
        assert by_epoch, 'only a scheduler by epochs can be converted'
        steps = {'begin': int(begin * epoch_length), 'end': int(end * epoch_length)}
        return cls(*args, **steps, by_epoch=False, **kwargs)

    def _get_value(self) -> list[float]:
        share = min(self.last_step / max(self.end - self.begin - 1, 1), 1.0)
        return [base * share for base in self.base_values]
