"""Continuation of a training: what comes from the checkpoint and what from the config.

Weights, optimizer state, counters, scores and random seeds come from the checkpoint; data, losses, the number of epochs
and the optimisation settings come from the config. Where learning rate, weight decay or schedule of the config differ
from those of the checkpoint, the config is followed: training continues with the learning rate of this iteration,
as if the new schedule had run from the start. Where nothing differs the state of the schedule is restored
and the run is bit-identical to an uninterrupted one.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.optim import OptimWrapper
from mmengine.optim.scheduler.param_scheduler import ReduceOnPlateauParamScheduler
from mmengine.runner import Runner
from torch.optim import Optimizer

from mmvmr.utils.plain import to_plain

#: Attributes of a schedule that change while it runs, or follow from those of the optimizer.
_RUNNING = {'last_step', '_global_step', '_last_value', 'base_values', 'verbose'}
#: Attributes of parameter groups that the training changes, or that say how an update is computed: those stay as the
#: checkpoint has them, since its state is where they need it.
_INTERNAL = {'params', 'fused', 'foreach'}
#: State of torch's optimizers that has the shape of its parameter.
_MOMENTS = {'exp_avg', 'exp_avg_sq', 'max_exp_avg_sq', 'momentum_buffer', 'square_avg'}


def optimisation_of(runner: Runner) -> dict[str, Any]:
    """Names of the classes of ``optimizer`` and ``schedules`` of a runner, for the ``meta`` of a checkpoint."""
    return {
        'optimizer': type(runner.optim_wrapper.optimizer).__name__,
        'schedules': [type(scheduler).__name__ for scheduler in _schedulers(runner)],
    }


def continue_from(runner: Runner, checkpoint: Mapping[str, Any]) -> None:
    """Restore everything but the weights.

    Args:
        runner: Optimizer and schedules are built from the config and have not run.
        checkpoint: As loaded, after the hooks.

    Raises:
        ValueError: If the optimizer of the config is another one.
    """
    meta = checkpoint['meta']
    # Before the message hub is replaced by that of the checkpoint.
    epochs_before = checkpoint['message_hub']['runtime_info'].get('max_epochs')
    runner.train_loop._epoch, runner.train_loop._iter = int(meta['epoch']), int(meta['iter'])
    runner.message_hub.load_state_dict(checkpoint['message_hub'])
    changes = _restore_optimisation(runner, checkpoint)
    if epochs_before is not None and epochs_before != runner.max_epochs:
        changes.insert(0, f'train_cfg.max_epochs {epochs_before} -> {runner.max_epochs}')
    place = f'epoch {runner.epoch}, iteration {runner.iter}'
    runner.logger.info(
        f'Resumed at {place}. From the checkpoint: weights, optimizer state, counters, best score. From the config: '
        f'data, losses, max_epochs {runner.max_epochs}, learning rate and schedule '
        f'({"unchanged" if not changes else "changed: " + "; ".join(changes)})'
    )
    if runner.epoch >= runner.max_epochs:
        runner.logger.info(f'All {runner.max_epochs} epochs are done already; raise train_cfg.max_epochs to train on')


def _restore_optimisation(runner: Runner, checkpoint: Mapping[str, Any]) -> list[str]:
    """Load the optimizer, then restore or fast-forward the schedules; returns what the config changes."""
    wrapper = runner.optim_wrapper
    if not isinstance(wrapper, OptimWrapper):
        raise ValueError(f'a training with several optimizers ({type(wrapper).__name__}) cannot be resumed')
    configured = [{k: v for k, v in group.items() if k not in _INTERNAL} for group in wrapper.param_groups]
    _check_optimizer(configured, checkpoint, runner)
    try:
        wrapper.load_state_dict(checkpoint['optimizer'])
    except (KeyError, ValueError) as error:
        raise ValueError(f'the optimizer of the config does not fit the checkpoint: {error}') from None
    check_moments(wrapper.optimizer)
    stored = [{k: v for k, v in group.items() if k not in _INTERNAL} for group in wrapper.param_groups]
    changes = _changed_settings(configured, stored) + _changed_schedules(runner, checkpoint)
    schedulers = _schedulers(runner)
    if not changes:
        for scheduler, state in zip(schedulers, checkpoint.get('param_schedulers', ())):
            scheduler.load_state_dict(state)
        return []
    for group, values in zip(wrapper.param_groups, configured):
        group.update(values)
    _fast_forward(runner, schedulers)
    return changes


def check_moments(optimizer: Optimizer) -> None:
    """Check what an optimizer was given: torch finds out in the first step, or goes on with NaN.

    Args:
        optimizer: With its state loaded.

    Raises:
        ValueError: If a moment of a parameter has another shape than it, or is not finite.
    """
    for parameter, state in optimizer.state.items():
        for name in _MOMENTS & state.keys():
            value = state[name]
            if value is None:
                continue
            if value.shape != parameter.shape:
                problem = f'shape {tuple(value.shape)}, its parameter {tuple(parameter.shape)}'
            elif not value.isfinite().all():
                problem = 'values that are NaN or infinite'
            else:
                continue
            raise ValueError(
                f'the optimizer state of the checkpoint is damaged: {name} has {problem}. Resume from an earlier '
                'checkpoint, or start a new run from its weights: --cfg-options load_from=...'
            )


def _schedulers(runner: Runner) -> list[Any]:
    schedulers = runner.param_schedulers
    return list(schedulers) if isinstance(schedulers, (list, tuple)) else []


def _check_optimizer(configured: Sequence[Mapping[str, Any]], checkpoint: Mapping[str, Any], runner: Runner) -> None:
    now = type(runner.optim_wrapper.optimizer).__name__
    then = checkpoint['meta'].get('optimisation', {}).get('optimizer')
    stored = checkpoint['optimizer']['param_groups']
    alien = sorted(set(configured[0]) - set(stored[0]) - {'initial_lr'}) if stored else []
    if (then is not None and then != now) or (then is None and alien):
        was = then or f'one without {", ".join(alien)}'
        raise ValueError(
            f'cannot resume with optim_wrapper.optimizer.type={now}: the checkpoint holds the state of {was}. Use the '
            'optimizer of the training, or start a new run from its weights: --cfg-options load_from=...'
        )


def _changed_settings(configured: Sequence[Mapping[str, Any]], stored: Sequence[Mapping[str, Any]]) -> list[str]:
    """Settings of parameter groups that differ; values that a schedule changes count by their initial value."""
    changes: dict[str, None] = {}
    for ours, theirs in zip(configured, stored):
        for key in ours.keys() & theirs.keys():
            scheduled = f'initial_{key}' in ours and f'initial_{key}' in theirs
            if not scheduled and to_plain(ours[key]) != to_plain(theirs[key]):
                name = key.removeprefix('initial_')
                changes[f'{name} {theirs[key]} -> {ours[key]}'] = None
    return sorted(changes)


def _changed_schedules(runner: Runner, checkpoint: Mapping[str, Any]) -> list[str]:
    states = checkpoint.get('param_schedulers') or []
    ours = [_static(scheduler.state_dict()) for scheduler in _schedulers(runner)]
    theirs = [_static(state) for state in states]
    kinds = checkpoint['meta'].get('optimisation', {}).get('schedules')
    if len(ours) != len(theirs):
        return [f'param_scheduler has {len(ours)} entries, had {len(theirs)}']
    if kinds is not None and kinds != optimisation_of(runner)['schedules']:
        return [f'param_scheduler {", ".join(kinds)} -> {", ".join(optimisation_of(runner)["schedules"])}']
    changes = []
    for index, (now, then) in enumerate(zip(ours, theirs)):
        for key in sorted(now.keys() | then.keys()):
            if now.get(key) != then.get(key):
                changes.append(f'param_scheduler[{index}].{key} {then.get(key)} -> {now.get(key)}')
    return changes


def _static(state: Mapping[str, Any]) -> dict[str, Any]:
    return {key: to_plain(value) for key, value in state.items() if key not in _RUNNING and not callable(value)}


def _fast_forward(runner: Runner, schedulers: Sequence[Any]) -> None:
    """Take the steps that the schedules of the config would have taken until here."""
    if any(isinstance(scheduler, ReduceOnPlateauParamScheduler) for scheduler in schedulers):
        raise ValueError(
            'cannot resume with a changed ReduceOnPlateau schedule: it follows the validation metrics of all epochs so '
            'far. Keep param_scheduler and optimizer as they were, or start a new run from the weights: '
            '--cfg-options load_from=...'
        )
    per_epoch = len(runner.train_dataloader)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # that the optimizer has not stepped yet
        for iteration in range(1, runner.iter + 1):  # in the order of training: schedules may build on each other
            end_of_epoch = iteration % per_epoch == 0
            for scheduler in schedulers:
                if not scheduler.by_epoch or end_of_epoch:
                    scheduler.step()
