"""Weights remember which features they were trained on."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop

from mmvmr.engine.hooks.resume_hook import nested_datasets
from mmvmr.registry import HOOKS
from mmvmr.structures.feature_spec import FeatureSpec
from mmvmr.utils import check_choice


@HOOKS.register_module()
class FeatureSpecHook(Hook):
    """Stores the feature specification of the training data in checkpoints and compares it at load.

    Args:
        mismatch: ``error``, or ``warn`` for fine-tuning on other features on purpose.
    """

    priority = 'NORMAL'

    def __init__(self, mismatch: str = 'error') -> None:
        self.mismatch = check_choice(self, 'mismatch', mismatch, ('error', 'warn'))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Store the specification."""
        spec = _spec_of(runner._train_loop)
        if spec is not None:
            checkpoint['meta']['feature_spec'] = spec.to_dict()

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare with the data sets of this run; ValueError if they differ and ``mismatch`` is ``error``."""
        stored = checkpoint.get('meta', {}).get('feature_spec')
        if stored is None:
            return
        trained_on = FeatureSpec.from_dict(stored)
        for loop in (runner._train_loop, runner._val_loop, runner._test_loop):
            spec = _spec_of(loop)
            differences = trained_on.differences(spec, 'checkpoint', 'config') if spec is not None else []
            if not differences:
                continue
            text = (
                f'the checkpoint was trained on other features than the config declares: {"; ".join(differences)}. Use '
                'the features it was trained on, or set default_hooks.feature_spec.mismatch=warn to go on all the same'
            )
            if self.mismatch == 'error':
                raise ValueError(text)
            runner.logger.warning(text)


def _spec_of(loop: Any) -> FeatureSpec | None:
    """Specification of the data of a loop that has been built (a dict is a loop that will not run)."""
    if not isinstance(loop, BaseLoop):
        return None
    specs = (getattr(dataset, 'feature_spec', None) for dataset in nested_datasets(loop.dataloader.dataset))
    return next((spec for spec in specs if spec is not None), None)
