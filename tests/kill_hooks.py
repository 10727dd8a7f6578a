"""A hook that kills its own process at a chosen moment, imported by configs of the tests."""

import os
import signal

from mmengine.hooks import Hook

from mmvmr.registry import HOOKS
from mmvmr.utils import io


@HOOKS.register_module()
class KillHook(Hook):
    """SIGKILL at ``moment``, in iteration or epoch ``at``."""

    priority = 'NORMAL'

    def __init__(self, moment, at):
        self.moment = moment
        self.at = at
        self.replaced = 0
        if moment == 'before_replace':  # a checkpoint is complete in its temporary file, its name not yet given
            self._replace = os.replace
            io.os.replace = self._counted_replace

    def _kill(self, moment, at):
        if moment == self.moment and at == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def _counted_replace(self, source, target):
        self.replaced += 1
        self._kill('before_replace', self.replaced)
        self._replace(source, target)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self._kill('after_train_iter', runner.iter)

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self._kill('after_val_iter', runner.epoch)

    def after_val_epoch(self, runner, metrics=None):
        self._kill('after_val_epoch', runner.epoch)
