"""The runner of mmvmr: weights that fit, a short log, no files other than those of the run."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import master_only
from mmengine.hooks import EMAHook
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from mmengine.runner import CheckpointLoader, Runner
from mmengine.runner.base_loop import BaseLoop

from mmvmr.engine.hooks.dataset_check_hook import require_trainable
from mmvmr.engine.hooks.finite_guard_hook import FiniteGuardHook
from mmvmr.engine.hooks.fit_hook import FitHook
from mmvmr.engine.resume import continue_from
from mmvmr.engine.screen import shorten_screen
from mmvmr.registry import RUNNERS
from mmvmr.utils.io import atomic_write
from mmvmr.utils.weights import compare_weights, require_finite, require_fit, weights_of

#: What a damaged checkpoint raises where it is taken apart.
_DAMAGE = (AttributeError, IndexError, KeyError, RuntimeError, TypeError)


class _FormattedOnce(Config):
    """A config whose text is made once: formatting takes 0.2 s, and mmengine asks at every checkpoint."""

    @classmethod
    def of(cls, cfg: Config) -> _FormattedOnce:
        other = cls.__new__(cls)
        other.__dict__.update(copy.deepcopy(cfg.__dict__))
        return other

    @property
    def pretty_text(self) -> str:
        if '_formatted' not in self.__dict__:
            self.__dict__['_formatted'] = super().pretty_text
        return self.__dict__['_formatted']


@RUNNERS.register_module()
class MomentRunner(Runner):
    """mmengine's runner with added guarantees, which hold whatever hooks a config has.

    - Weights of a file fit the model exactly, or are refused. ``load_from_partial=True`` in the config lets a training
      start from those that fit.
    - Resuming follows :mod:`mmvmr.engine.resume`.
    - A training stops at the first NaN (:class:`~mmvmr.engine.hooks.FiniteGuardHook`).
    - Parts of the model that are fitted in closed form are fitted before the first step
      (:class:`~mmvmr.engine.hooks.FitHook`); left out, they would be zero all along.
    - A loop without a batch is an error before the first step.
    - The config is written into the work dir only when weights are loaded and the run starts.
    - The screen shows little, the log file everything.

    Args:
        **kwargs: As for ``mmengine.runner.Runner``.
    """

    def __init__(self, **kwargs: Any) -> None:
        self._started = False
        super().__init__(**kwargs)

    @classmethod
    def from_cfg(cls, cfg: Config | Mapping[str, Any]) -> MomentRunner:
        """Build a runner.

        Args:
            cfg: The config; a copy is used, and its text no longer changes.
        """
        return super().from_cfg(_FormattedOnce.of(cfg if isinstance(cfg, Config) else Config(dict(cfg))))

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Build the logger.

        Args:
            *args: As for ``mmengine.runner.Runner``.
            **kwargs: The same.

        Returns:
            The logger; its file has everything, the screen what a user needs.
        """
        logger = super().build_logger(*args, **kwargs)
        shorten_screen(logger)
        return logger

    def register_hooks(self, *args: Any, **kwargs: Any) -> None:
        """Register the hooks of the config, the guard against NaN, and what fits parts of the model in closed form.

        Args:
            *args: As for ``mmengine.runner.Runner``.
            **kwargs: The same.
        """
        super().register_hooks(*args, **kwargs)
        for kind in (FiniteGuardHook, FitHook):
            if not any(isinstance(hook, kind) for hook in self.hooks):
                self.register_hook(kind())

    def build_train_loop(self, loop: Any) -> BaseLoop:
        """Build the loop of training.

        Args:
            loop: Config or loop.

        Raises:
            ValueError: If an epoch has no batch, or a row cannot be trained on.
        """
        built = self._with_batches(super().build_train_loop(loop), 'train')
        require_trainable(built.dataloader.dataset)
        return built

    def build_val_loop(self, loop: Any) -> BaseLoop:
        """Build the loop of validation; as :meth:`build_train_loop`."""
        return self._with_batches(super().build_val_loop(loop), 'val')

    def build_test_loop(self, loop: Any) -> BaseLoop:
        """Build the loop of testing; as :meth:`build_train_loop`."""
        return self._with_batches(super().build_test_loop(loop), 'test')

    def _with_batches(self, loop: BaseLoop, split: str) -> BaseLoop:
        loader = loop.dataloader
        if len(loader) == 0:
            samples = len(loader.dataset)
            settings = f'{samples} samples, batch_size={loader.batch_size}, drop_last={loader.drop_last}'
            how = (
                f'lower {split}_dataloader.batch_size or set {split}_dataloader.drop_last=False'
                if samples
                else f'the annotations of {split}_dataloader.dataset are empty'
            )
            raise ValueError(
                f'{split}_dataloader: an epoch has no batch ({settings}, {self.world_size} processes): {how}'
            )
        return loop

    def load_or_resume(self) -> None:
        """Load the weights, then write down the config that goes with them."""
        super().load_or_resume()
        if not self._started:
            self._started = True
            self.dump_config()

    @master_only
    def dump_config(self) -> None:
        """Write the config into the work dir, once weights are loaded: a run that is refused leaves no trace there."""
        if self._started:
            name = Path(self.cfg.filename).name if self.cfg.filename else 'config.py'
            with atomic_write(Path(self.work_dir) / Path(name).with_suffix('.py')) as temporary:
                temporary.write_text(self.cfg.pretty_text, encoding='utf-8')

    def load_checkpoint(
        self, filename: str, map_location: str | Callable = 'cpu', strict: bool = True, revise_keys: Any = ()
    ) -> dict[str, Any]:
        """Load weights that fit exactly.

        Args:
            filename: A file, or an http(s) address.
            map_location: As in ``torch.load``.
            strict: Ignored: ``load_from_partial`` of the config decides.
            revise_keys: Ignored: names are those of the file.

        Returns:
            The checkpoint.

        Raises:
            WeightMismatchError: If the weights are not those of the model.
            ValueError: If the file is damaged.
        """
        checkpoint = CheckpointLoader.load_checkpoint(filename, map_location)
        with _readable(filename):
            return self._take_weights(dict(checkpoint), filename)

    def _take_weights(self, checkpoint: dict[str, Any], filename: str) -> dict[str, Any]:
        given = weights_of(checkpoint, filename)
        if not isinstance(checkpoint.get('meta'), dict):
            checkpoint['meta'] = {}
        model = self.model.module if is_model_wrapper(self.model) else self.model
        fit = compare_weights(model.state_dict(), given)
        partial = self._train_loop is not None and not self._resume and self.cfg.get('load_from_partial', False)
        if not partial or not fit.fitting:
            require_fit(fit, checkpoint, filename)
        checkpoint['state_dict'] = {name: given[name] for name in fit.fitting}
        require_finite(checkpoint['state_dict'], filename)
        if self._resume:
            self._check_average(checkpoint, filename)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        model.load_state_dict(checkpoint['state_dict'], strict=False)
        self._has_loaded = True
        self.logger.info(f'{"Partly loaded" if not fit.exact else "Loaded"} {filename}: {fit.counts()}')
        return checkpoint

    def _check_average(self, checkpoint: Mapping[str, Any], filename: str) -> None:
        """Averaged weights are resumed where both the run and the checkpoint have them, or where neither has."""
        averages = any(isinstance(hook, EMAHook) for hook in self.hooks)
        if averages and 'ema_state_dict' not in checkpoint:
            raise ValueError(
                f'cannot resume from {filename} with default_hooks.ema: it was trained without averaged weights. '
                'Remove the hook (default_hooks.ema=None), or start a new run: --cfg-options load_from=...'
            )
        if not averages and 'ema_state_dict' in checkpoint:
            raise ValueError(
                f'cannot resume from {filename} without EMA: its weights are averaged. Use the config of the training, '
                'e.g. --cfg-options default_hooks.ema.type=MomentEMAHook'
            )

    def resume(
        self,
        filename: str,
        resume_optimizer: bool = True,
        resume_param_scheduler: bool = True,
        map_location: str | Callable = 'default',
    ) -> None:
        """Continue a training, see :mod:`mmvmr.engine.resume`.

        Args:
            filename: The checkpoint.
            resume_optimizer: Must be true.
            resume_param_scheduler: Must be true.
            map_location: As in ``torch.load``; ``default`` is the device of the run.

        Raises:
            ValueError: If the checkpoint cannot be continued from.
        """
        checkpoint = self.load_checkpoint(filename, get_device() if map_location == 'default' else map_location)
        with _readable(filename):
            continue_from(self, checkpoint)


@contextmanager
def _readable(filename: str) -> Iterator[None]:
    """Say what a damaged checkpoint is; a value of another type than expected would be a traceback."""
    try:
        yield
    except _DAMAGE as error:
        text = ' '.join(str(error).split())
        raise ValueError(
            f'{filename}: the checkpoint is damaged, or was not saved by mmvmr ({type(error).__name__}: {text})'
        ) from error
    except ValueError as error:
        raise error if filename in str(error) else ValueError(f'{filename}: {error}') from error
