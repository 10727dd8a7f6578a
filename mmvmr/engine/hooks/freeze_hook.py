"""Parts of a model that join training later."""

from __future__ import annotations

from collections.abc import Mapping

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmvmr.registry import HOOKS


@HOOKS.register_module()
class FreezeHook(Hook):
    """Keeps parts of the model from training during the first epochs (MMN freezes BERT while the rest warms up).

    A frozen part gets no gradients, so that the optimizer never changes it. Distributed training then needs
    ``find_unused_parameters = True`` at the top level of the config.

    Args:
        epochs: Name of a submodule, e.g. ``projector.text_encoder``, to the number of epochs that it is frozen for;
            None removes an entry of a base config.
    """

    def __init__(self, epochs: Mapping[str, int | None]) -> None:
        self.epochs = {name: count for name, count in epochs.items() if count is not None}
        self._trained: dict[str, set[str]] = {}

    def before_train(self, runner: Runner) -> None:
        """Look for the submodules.

        Raises:
            ValueError: If the model has no submodule of a name.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        for name in self.epochs:
            try:
                part = model.get_submodule(name)
            except AttributeError:
                raise ValueError(
                    f'FreezeHook: the model has no part {name!r}; correct custom_hooks or default_hooks'
                ) from None
            # Permanently frozen parameters stay frozen.
            self._trained.setdefault(name, {key for key, p in part.named_parameters() if p.requires_grad})

    def before_train_epoch(self, runner: Runner) -> None:
        """Freeze or release."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        for name, count in self.epochs.items():
            parameters = dict(model.get_submodule(name).named_parameters())
            for key in self._trained[name]:
                parameters[key].requires_grad_(runner.epoch >= count)
                if runner.epoch < count:
                    parameters[key].grad = None
