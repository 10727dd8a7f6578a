"""Exponential moving average of the weights."""

from __future__ import annotations

from mmengine.hooks import EMAHook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmvmr.registry import HOOKS


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

        Args:
            runner: The runner. Its ``test`` calls this again after ``train``, where the parent would start a new
                average from the raw weights.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if getattr(self, 'src_model', None) is not model:
            super().before_run(runner)
