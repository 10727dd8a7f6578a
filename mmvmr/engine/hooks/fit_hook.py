"""Parts of a model that are fitted in closed form before the first step."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmvmr.datasets import BaseMomentDataset, ConcatDataset
from mmvmr.engine.hooks.resume_hook import nested_datasets
from mmvmr.registry import HOOKS


@HOOKS.register_module()
class FitHook(Hook):
    """Calls ``fit(dataset)`` of every part of the model that has it and is not ``fitted`` yet.

    What is fitted are buffers, so checkpoints hold it and a resumed run fits nothing. Every process fits the same.
    """

    priority = 'HIGH'

    def before_train(self, runner: Runner) -> None:
        """Fit.

        Raises:
            ValueError: If there is something to fit and the training data are no :class:`BaseMomentDataset`.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        parts = {name: part for name, part in model.named_modules() if hasattr(part, 'fitted') and not part.fitted}
        if not parts:
            return
        datasets = nested_datasets(runner.train_dataloader.dataset)
        kinds = (BaseMomentDataset, ConcatDataset)
        dataset = next((candidate for candidate in datasets if isinstance(candidate, kinds)), None)
        if dataset is None:
            raise ValueError(
                f'FitHook: {", ".join(parts)} are fitted to annotated moments, and the training data have none'
            )
        for name, part in parts.items():
            if part.fitted:  # by the part that holds it
                continue
            part.fit(dataset)
            runner.logger.info(f'FitHook: {name} fitted on {len(dataset)} samples')
