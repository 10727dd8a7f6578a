"""Trainings and tests from start to end: what the commands call after reading their arguments."""

from __future__ import annotations

import argparse
import os
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process

from mmvmr.engine.hooks.result_hooks import name_split
from mmvmr.engine.run_folder import claim_evaluation, claim_training, cleared_before, latest_checkpoint
from mmvmr.engine.runner import MomentRunner
from mmvmr.utils.cli import (
    BUILD_ERRORS,
    RUN_ERRORS,
    UserError,
    describe,
    existing_checkpoint,
    one_line_errors,
    possible_folder,
    run_config,
    write_predictions_to,
)
from mmvmr.utils.config_check import named_arguments
from mmvmr.utils.precision import settle_precision
from mmvmr.utils.setup import check_data_roots, setup_env


def run_training(args: argparse.Namespace) -> MomentRunner:
    """Train as the command line says; a mistake of the user ends the process with one line.

    Args:
        args: The arguments of ``mmvmr train``.

    Returns:
        The runner after training.
    """
    with ExitStack() as stack:
        with one_line_errors(*BUILD_ERRORS):
            cfg = run_config(args)
            cfg.randomness = dict(cfg.get('randomness') or {})
            if args.seed is not None:
                cfg.randomness['seed'] = args.seed
            if args.deterministic:
                cfg.randomness['deterministic'] = True
            if args.load_from_partial:
                cfg.load_from_partial = True
            setup_env(cfg, args.launcher)
            _precision(cfg, args)
            runner = stack.enter_context(prepared_training(cfg, args.resume, args.overwrite))
        with one_line_errors(*RUN_ERRORS), first_step(runner):
            runner.train()
    return runner


@contextmanager
def first_step(runner: MomentRunner) -> Iterator[None]:
    """Tell in one line what a training raises before its first step is done: the likely cause is a value of the config.

    What it raises later is a bug, and keeps its traceback.

    Args:
        runner: The runner that trains in the body.

    Raises:
        UserError: In place of what the first step raises.
    """
    try:
        yield
    except (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError) as error:
        if runner.iter:
            raise
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if 'mmvmr' in Path(frame.filename).parts]
        place = f' in {Path(frames[-1].filename).name}, line {frames[-1].lineno} ({frames[-1].name})' if frames else ''
        raise UserError(
            f'the first step of training failed{place}: {describe(error)}. Is a value of the config wrong? '
            '(MMVMR_TRACEBACK=1 shows the traceback)'
        ) from error


@contextmanager
def prepared_training(
    cfg: Config,
    resume: str | None = None,
    overwrite: bool = False,
    runner_type: type[MomentRunner] = MomentRunner,
) -> Iterator[MomentRunner]:
    """Build everything a training needs, in a work dir that nobody else uses meanwhile.

    Args:
        cfg: The config after :func:`mmvmr.utils.setup.setup_env`.
        resume: A checkpoint, ``auto`` for the latest one in the work dir, or None for a new run. A process that
            torchrun restarts always goes on from the latest one.
        overwrite: Remove the checkpoints of an earlier run in the work dir.
        runner_type: Class of the runner.

    Yields:
        The runner; call its ``train``.

    Raises:
        UserError: If the work dir is in use or holds another run.
        ValueError: If config, data or checkpoint do not fit.
    """
    check_data_roots(cfg)
    if resume is None and cfg.get('resume'):
        resume, cfg.load_from = cfg.get('load_from') or 'auto', None
    if _is_restart() and not (overwrite and not cleared_before(cfg.work_dir)):
        overwrite = False
        resume = 'auto' if latest_checkpoint(Path(cfg.work_dir)) else resume
    checkpoint = find_resumed(resume, cfg.work_dir)
    cfg.resume = checkpoint is not None
    if checkpoint is not None:
        cfg.load_from = checkpoint
    with claim_training(cfg.work_dir, checkpoint, overwrite) as clear:
        with named_arguments(cfg):
            runner = runner_type.from_cfg(cfg)
            _ = runner.train_loop, runner.val_loop  # builds the data sets, where most mistakes show
        clear()
        if resume and checkpoint is None:
            runner.logger.info(f'--resume auto: no checkpoint in {cfg.work_dir} yet, a new run starts')
        loader = runner.train_dataloader
        runner.logger.info(
            f'{runner.max_epochs} epochs of {len(loader)} iterations, {len(loader.dataset)} training samples; '
            f'everything is logged in {runner.logger.log_file}'
        )
        yield runner


def find_resumed(value: str | None, work_dir: str) -> str | None:
    """Find the checkpoint that ``--resume`` means.

    Args:
        value: None (start afresh), ``auto`` (the latest checkpoint in the work dir) or a path.
        work_dir: Where checkpoints of this run are.

    Returns:
        The checkpoint, or None where there is nothing to resume: not asked for, or ``auto`` in a work dir in which
        nothing has been saved yet.

    Raises:
        UserError: If the path does not exist, or the work dir points to a checkpoint that is gone.
    """
    if value is None:
        return None
    if value == 'auto':
        latest = latest_checkpoint(Path(work_dir))
        return None if latest is None else str(latest)
    if not Path(value).is_file():
        raise UserError(f'--resume {value}: no such checkpoint (give a .pth file, or `auto` for the latest)')
    return value


def _is_restart() -> bool:
    return int(os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')) > 0


def run_test(args: argparse.Namespace) -> MomentRunner:
    """Test as the command line says; a mistake of the user ends the process with one line.

    Args:
        args: The arguments of ``mmvmr test``.

    Returns:
        The runner after the test; ``metrics.json`` is in its ``work_dir``.
    """
    with ExitStack() as stack:
        with one_line_errors(*BUILD_ERRORS):
            cfg = run_config(args)
            existing_checkpoint(args.checkpoint)
            if args.out:
                cfg.test_evaluator = write_predictions_to(cfg.test_evaluator, args.out)
            if args.show_dir:
                possible_folder(args.show_dir, '--show-dir')
                cfg.setdefault('default_hooks', {})
                cfg.default_hooks['draw_moments'] = dict(type='DrawMomentsHook', out_dir=args.show_dir)
            setup_env(cfg, args.launcher)
            _precision(cfg, args)
            runner = stack.enter_context(prepared_test(cfg, args.checkpoint))
        with one_line_errors(*RUN_ERRORS):
            runner.test()
    return runner


@contextmanager
def prepared_test(
    cfg: Config, checkpoint: str, runner_type: type[MomentRunner] = MomentRunner
) -> Iterator[MomentRunner]:
    """Build everything a test needs, in a new folder below the work dir.

    Args:
        cfg: The config after :func:`mmvmr.utils.setup.setup_env`; the parts for training are removed from it.
        checkpoint: File or address of the weights, which have to fit exactly.
        runner_type: Class of the runner.

    Yields:
        The runner; call its ``test``, which leaves ``metrics.json`` in its ``work_dir``. See
        :func:`mmvmr.engine.run_folder.reserve_evaluation_folder`.

    Raises:
        ValueError: If config or data do not fit.
    """
    cfg.load_from, cfg.resume = checkpoint, False
    # A test needs no training data; without this mmengine would want all of it to be there.
    for key in ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler'):
        cfg[key] = None
    for key in ('val_dataloader', 'val_cfg', 'val_evaluator'):
        cfg[key] = None
    if not cfg.get('test_dataloader'):
        raise UserError('the config has no test_dataloader')
    check_data_roots(cfg)
    with claim_evaluation(cfg.work_dir, checkpoint, name_split(cfg.test_dataloader.get('dataset', {}))) as folder:
        cfg.work_dir = str(folder)
        with named_arguments(cfg):
            runner = runner_type.from_cfg(cfg)
            _ = runner.test_loop  # builds the data set, where most mistakes show
        yield runner


def _precision(cfg: Config, args: argparse.Namespace) -> None:
    notice = settle_precision(cfg, args.amp, args.force_amp)
    if notice and is_main_process():
        print(notice, flush=True)
