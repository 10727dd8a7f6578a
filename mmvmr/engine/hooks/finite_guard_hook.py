"""A stop at the first NaN or infinity."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmvmr.engine.run_folder import latest_checkpoint
from mmvmr.registry import HOOKS
from mmvmr.utils.cli import UserError
from mmvmr.utils.weights import not_finite

#: Loss scales below this one mean that every step is skipped.
_SMALLEST_SCALE = 2.0**-24


class TrainingDivergedError(ValueError):
    """Losses, gradients or weights are NaN or infinite."""


@HOOKS.register_module()
class FiniteGuardHook(Hook):
    """Stops a training, of whatever detector, at the first loss or gradient that is NaN or infinite.

    One value per iteration is transferred from the device: the norm of all gradients where the optimizer wrapper clips
    by it, else the same norm is computed for all of them at once. Under a loss scaler, which skips such steps by
    itself, only the losses and the collapse of the scale count. Every runner of mmvmr has this hook.
    """

    #: Before anything takes over weights or writes a checkpoint.
    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._norm: torch.Tensor | None = None
        self._handle: Any = None
        self._measures = True

    def before_train(self, runner: Runner) -> None:
        """Watch the gradients of every optimizer step."""
        optimizer = getattr(runner.optim_wrapper, 'optimizer', None)  # several optimizers: the losses are watched
        if self._handle is None and optimizer is not None:
            self._handle = optimizer.register_step_pre_hook(self._measure)
        self._measures = getattr(runner.optim_wrapper, 'grad_name', None) != 'grad_norm'

    def _measure(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        if self._measures:
            self._norm = gradient_norm(p for group in optimizer.param_groups for p in group['params'])

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Mapping[str, Any] | None = None
    ) -> None:
        """Check losses and gradients; TrainingDivergedError if one of them is NaN or infinite."""
        losses = outputs or {}
        watched = [torch.as_tensor(losses['loss'])] if 'loss' in losses else []
        if self._norm is not None:
            watched.append(self._norm)
        # One transfer; float64, because a finite sum must not become infinite here.
        values = torch.stack([value.detach().double().reshape(()) for value in watched]).tolist() if watched else []
        scaler = getattr(runner.optim_wrapper, 'loss_scaler', None)
        if not self._measures and scaler is None:
            values.append(_latest(runner, 'train/grad_norm'))
        if not all(math.isfinite(value) for value in values):
            raise stopped(runner, _describe(losses))
        if scaler is not None and scaler.get_scale() < _SMALLEST_SCALE:
            raise stopped(runner, 'the gradients are NaN or infinite whatever the loss scale')
        self._norm = None

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Iterable[Any] | None = None
    ) -> None:
        """Check predictions, so that weights which give NaN never become the best ones.

        Raises:
            TrainingDivergedError: If a prediction is NaN (infinite scores may mean padding).
        """
        tensors = list(predictions(outputs or ()))
        if tensors and torch.cat([value.detach().float().flatten() for _, value in tensors]).isnan().any():
            name = next(name for name, value in tensors if value.isnan().any())
            raise stopped(runner, f'predictions of the validation are NaN ({name})')


def predictions(samples: Iterable[Any]) -> Iterator[tuple[str, torch.Tensor]]:
    """Names and tensors of predictions: ``pred_instances``, and saliency and existence where the model has them."""
    for index, sample in enumerate(samples):
        for key, value in sample.all_items():
            if not key.startswith('pred_'):
                continue
            if isinstance(value, float):
                value = torch.tensor(value)
            fields = [(f'{key}.{k}', v) for k, v in value.items()] if hasattr(value, 'items') else []
            parts = [(key, value), *fields]
            yield from ((f'{name} of sample {index}', v) for name, v in parts if isinstance(v, torch.Tensor))


def gradient_norm(parameters: Iterable[torch.nn.Parameter]) -> torch.Tensor | None:
    """Norm of all gradients, a scalar left on the device; None where there is no gradient."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return None
    total = getattr(torch.nn.utils, 'get_total_norm', None)  # torch 2.6
    return total(gradients) if total else torch.stack([gradient.norm() for gradient in gradients]).norm()


def require_finite_weights(runner: Runner) -> None:
    """Refuse to save weights with NaN or infinity, by a TrainingDivergedError; every process has the same weights."""
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    if bad := not_finite(model.state_dict()):
        raise stopped(runner, f'{len(bad)} weights are NaN or infinite ({bad[0]})')


def stopped(runner: Runner, what: str) -> TrainingDivergedError:
    """The error that ends a training: what is not finite, and the last checkpoint that was saved before."""
    try:
        last = latest_checkpoint(Path(runner.work_dir))
    except UserError:
        last = None
    last_good = f'The last good checkpoint is {last}' if last else 'No checkpoint was saved before'
    return TrainingDivergedError(
        f'training stopped in epoch {runner.epoch + 1}, iteration {runner.iter + 1}: {what}. {last_good}. Lower '
        'optim_wrapper.optimizer.lr, set optim_wrapper.clip_grad, or look for bad features with '
        'mmvmr check'
    )


def _describe(losses: Mapping[str, Any]) -> str:
    values = {name: torch.as_tensor(value).detach().item() for name, value in losses.items()}
    bad = [f'{name} is {value}' for name, value in values.items() if not math.isfinite(value)]
    named = [text for text in bad if not text.startswith('loss is ')] or bad
    return ', '.join(named[:3]) if named else 'the losses are finite, but the gradients are NaN or infinite'


def _latest(runner: Runner, name: str) -> float:
    scalars = runner.message_hub.log_scalars
    return float(scalars[name].current()) if name in scalars else 0.0
