"""A training log that fits on a line."""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from typing import Any

from mmengine.runner import LogProcessor, Runner

from mmvmr.registry import LOG_PROCESSORS


@LOG_PROCESSORS.register_module()
class ProgressLogProcessor(LogProcessor):
    """Prints progress, time left, learning rate and a few values; every named loss still goes to the scalars.

    ``Epoch 3/40 [20/25]   12%  eta 0:01:12  lr 1.0e-04  loss 12.31  grad_norm 4.20  0.110 s/it``

    The time left counts validation and saving too, because it is what the clock on the wall says divided by the
    iterations done.

    Args:
        shown: Names of the values to print besides the learning rate.
        **kwargs: As for ``mmengine.runner.LogProcessor``.
    """

    def __init__(self, shown: Sequence[str] = ('loss', 'grad_norm'), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shown = tuple(shown)
        self._start: tuple[float, int] | None = None

    def get_log_after_iter(self, runner: Runner, batch_idx: int, mode: str) -> tuple[dict, str]:
        """Format what is logged after an iteration.

        Args:
            runner: The runner.
            batch_idx: Index of the batch.
            mode: ``train``, ``val`` or ``test``.

        Returns:
            The scalars for the visualization backends, and the line.
        """
        tag, line = super().get_log_after_iter(runner, batch_idx, mode)
        if mode == 'train' and self.by_epoch:
            line = self._train_line(runner, batch_idx, tag)
        return tag, line

    def _train_line(self, runner: Runner, batch_idx: int, tag: dict) -> str:
        done, total = runner.iter + 1, max(runner.max_iters, 1)
        length = self._get_dataloader_size(runner, 'train')
        parts = [
            f'Epoch {runner.epoch + 1}/{runner.max_epochs} [{batch_idx + 1:>{len(str(length))}}/{length}]',
            f'{100 * done / total:3.0f}%',
            f'eta {self._time_left(runner, done, total)}',
        ]
        values = {self._remove_prefix(key, 'train/'): value for key, value in tag.items()}
        if 'lr' in values:
            parts.append(f'lr {values["lr"]:.1e}')
        parts += [f'{name} {values[name]:.4g}' for name in self.shown if name in values]
        if 'time' in values:
            parts.append(f'{values["time"]:.3f} s/it')
        return '  '.join(parts)

    def _time_left(self, runner: Runner, done: int, total: int) -> str:
        now = time.monotonic()
        if self._start is None:
            self._start = (now, done)
        started, before = self._start
        if done > before:
            seconds = (now - started) / (done - before) * (total - done)
        else:  # first line: what the iteration timer has measured so far
            seconds = runner.message_hub.runtime_info.get('eta', 0)
        return str(datetime.timedelta(seconds=round(seconds)))
