"""Exponential moving average of the weights."""

from __future__ import annotations

import copy

from mmengine.hooks import EMAHook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmvmr.registry import HOOKS
from mmvmr.utils.weights import compare_weights, require_finite, require_fit, weights_of


@HOOKS.register_module()
class MomentEMAHook(EMAHook):
    """mmengine's EMA hook that keeps its average when one process first trains and then tests.

    Validation, test and saved checkpoints use the averaged weights; ``ema_state_dict`` of a checkpoint holds the
    others for resuming.

    Args:
        **kwargs: As for ``mmengine.hooks.EMAHook``, e.g. ``momentum=0.001``.
    """

    def before_run(self, runner: Runner) -> None:
        """Make the averaged copy, once per model.

        The runner's ``test`` calls this again after ``train``, where the parent would start a new average from the raw
        weights.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if getattr(self, 'src_model', None) is not model:
            super().before_run(runner)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Start the average from the loaded weights, or go on with it when resuming, in place.

        The runner has checked that the weights fit, and that what is resumed has averaged ones.

        Raises:
            WeightMismatchError: If the stored average is not one of this model.
        """
        if runner._resume:
            stored = weights_of({'state_dict': checkpoint['ema_state_dict']}, 'ema_state_dict')
            fit = compare_weights(self.ema_model.state_dict(), stored)
            require_fit(fit, checkpoint, 'ema_state_dict of the checkpoint')
            require_finite(stored, 'ema_state_dict of the checkpoint')
            self._swap_ema_state_dict(checkpoint)
            self.ema_model.load_state_dict(checkpoint['ema_state_dict'])
        else:
            self.ema_model.module.load_state_dict(copy.deepcopy(checkpoint['state_dict']), strict=False)
