"""Checkpoints that are complete, hold no code, and can always be resumed from."""

from __future__ import annotations

import os.path as osp
from collections import deque
from typing import Any

import torch
from mmengine.dist import is_main_process
from mmengine.fileio import get_file_backend
from mmengine.hooks import CheckpointHook
from mmengine.logging import HistoryBuffer
from mmengine.runner import Runner, ValLoop

from mmvmr.datasets import BaseMomentDataset
from mmvmr.engine.hooks.finite_guard_hook import require_finite_weights
from mmvmr.engine.hooks.resume_hook import nested_datasets
from mmvmr.engine.resume import optimisation_of
from mmvmr.evaluation.metrics.query_metric import QueryMetric
from mmvmr.registry import HOOKS
from mmvmr.utils.choices import closest
from mmvmr.utils.io import atomic_write
from mmvmr.utils.plain import to_plain

#: What ``save_best='auto'`` chooses by, in this order: moments of all lengths, then highlights.
_PREFERRED = ('MR-full-mAP', 'MR-full-mIoU', 'HL-min-VeryGood-mAP')


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """mmengine's checkpoint hook with added guarantees.

    - Every file, the ``last_checkpoint`` pointer included, is written completely or not at all.
    - An older checkpoint is removed only when the pointer names the newer one, so a kill at any moment leaves one
      that can be resumed from; the same holds for the best checkpoint.
    - Only files of the run's own folder are removed, and no checkpoint with NaN is written.
    - It consists of tensors and plain Python: it loads with ``torch.load(weights_only=True)``.
    - ``meta`` says what exact resuming needs: iterations done in the unfinished epoch, and whether the validation of
      the finished epoch is part of what was saved.

    Args:
        **kwargs: As for ``mmengine.hooks.CheckpointHook``. ``save_best`` names a metric of the validation split, or is
            ``auto``; the test split is never looked at.
    """

    #: After every hook that adds something to the checkpoint (EMA, feature spec).
    priority = 'LOWEST'

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault('backend_args', dict(backend='atomic'))
        super().__init__(**kwargs)
        self._validated = False

    def before_train(self, runner: Runner) -> None:
        """Find the folder, and what a resumed run has saved in it before.

        Names of files come from the folder and from settings, never from a checkpoint: what a checkpoint says about
        other files counts only as far as files of that kind are in the folder of this run.
        """
        self._require_metrics(runner)
        if self.out_dir is None:
            self.out_dir = runner.work_dir
        elif self.out_dir != runner.work_dir:
            self.out_dir = osp.join(self.out_dir, osp.basename(runner.work_dir.rstrip(osp.sep)))
        self.file_backend = get_file_backend(self.out_dir, backend_args=self.backend_args)
        info = runner.message_hub.runtime_info
        for key in self._indicators():
            suffix = '' if len(self._indicators()) == 1 else f'_{key}'
            self._set_best_path(key, self._own_best(runner, key, suffix))
        saved_ids = info.get('keep_ckpt_ids')
        steps = [step for step in saved_ids if type(step) is int and step > 0] if isinstance(saved_ids, list) else []
        self.keep_ckpt_ids: deque[int] = deque(steps, max(self.max_keep_ckpts, 1))
        if self.max_keep_ckpts > 0 and is_main_process():
            for step in steps[: -self.max_keep_ckpts]:
                self._remove_step(step)
        if self.max_keep_ckpts > 0 and saved_ids is not None:
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))

    def _require_metrics(self, runner: Runner) -> None:
        """Refuse, before the first step, a ``save_best`` that no metric gives; foreign metrics are not asked."""
        loop = runner.val_loop
        metrics = loop.evaluator.metrics if isinstance(loop, ValLoop) else []
        if not metrics or not all(isinstance(metric, QueryMetric) for metric in metrics):
            return
        parts = [part for part in nested_datasets(loop.dataloader.dataset) if isinstance(part, BaseMomentDataset)]
        rows = [row for part in parts for row in part.rows]
        names = [name for metric in metrics for name in metric.figure_names(rows)]
        for key in self.save_best or []:
            if names and key not in ('auto', *names):
                similar = closest(key, names, "'")
                raise ValueError(
                    f'default_hooks.checkpoint.save_best: the validation gives no metric {key!r}{similar}; name one of '
                    f'{sorted(names)}, or set save_best=None'
                )

    def _own_best(self, runner: Runner, key: str, suffix: str) -> str | None:
        """The best checkpoint of the resumed run, if it is in the folder; else its score does not count either."""
        info = runner.message_hub.runtime_info
        stored = info.get(f'best_ckpt{suffix}')
        if stored is None:
            return None
        name = osp.basename(str(stored))
        if name.startswith('best_') and name.endswith('.pth') and osp.isfile(osp.join(self.out_dir, name)):
            path = osp.join(self.out_dir, name)
            runner.message_hub.update_info(f'best_ckpt{suffix}', path)
            return path
        runner.logger.info(f'The best checkpoint of the resumed run is not in {self.out_dir}: a new one is chosen here')
        info.pop(f'best_ckpt{suffix}')
        info.pop(f'best_score{suffix}', None)
        return None

    def _indicators(self) -> list[str]:
        return list(self.key_indicators) if self.save_best else []

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Turn everything in it into plain Python and tensors."""
        hub = checkpoint.pop('message_hub', None)
        checkpoint['meta'].update(iters_per_epoch=len(runner.train_dataloader), optimisation=optimisation_of(runner))
        for key in list(checkpoint):
            checkpoint[key] = to_plain(checkpoint[key], f'checkpoint[{key!r}]')
        if hub is not None:
            checkpoint['message_hub'] = _plain_hub(hub, runner)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Give the message hub the types it works with."""
        hub = checkpoint.get('message_hub')
        if isinstance(hub, dict):
            hub['log_scalars'] = {
                name: HistoryBuffer(value['log'].cpu().numpy(), value['count'].cpu().numpy())
                for name, value in hub['log_scalars'].items()
            }

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        """Save the best checkpoint; ValueError if ``save_best`` names a metric that the evaluator does not compute."""
        missing = [key for key in self.save_best or [] if key != 'auto' and key not in metrics]
        if missing and metrics:
            raise ValueError(
                f'default_hooks.checkpoint.save_best: the validation gives no metric {missing}, only '
                f'{sorted(metrics)}; name one of these or set save_best=None'
            )
        if metrics and self.save_best:
            require_finite_weights(runner)
            if self.key_indicators == ['auto']:
                self._choose_indicator(runner, metrics)
        self._validated = True
        super().after_val_epoch(runner, metrics)
        self._validated = False

    def _choose_indicator(self, runner: Runner, metrics: dict) -> None:
        """Take the metric that ``save_best='auto'`` means: the first of those that papers select by, else the first."""
        chosen = next((key for key in _PREFERRED if key in metrics), next(iter(metrics)))
        self._init_rule(self.rules, [chosen])
        runner.logger.info(f"save_best='auto': the best checkpoint is the one with the best {chosen}")

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        """As the parent, but remove the previous best only when the new one is safe."""
        before = self._best_paths()
        for key in before:
            self._set_best_path(key, None)  # the parent removes what it finds here, before saving
        super()._save_best_checkpoint(runner, metrics)
        for key, old in before.items():
            new = self._best_paths()[key]
            if new is None:
                self._set_best_path(key, old)
            elif old and old != new and is_main_process():
                self._remove(old)

    def _best_paths(self) -> dict[str, str | None]:
        if not self.save_best:
            return {}
        if len(self.key_indicators) == 1:
            return {self.key_indicators[0]: self.best_ckpt_path}
        return dict(self.best_ckpt_path_dict)

    def _set_best_path(self, key: str, path: str | None) -> None:
        if len(self.key_indicators) == 1:
            self.best_ckpt_path = path
        else:
            self.best_ckpt_path_dict[key] = path

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        """Save, then move the pointer, then remove what is outdated."""
        require_finite_weights(runner)
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        outdated = self._remember(step, runner)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        done = getattr(runner.train_loop, 'iters_done', 0)
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=dict(meta, validated=self._validated, iters_done=0 if self.by_epoch or self._validated else done + 1),
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if is_main_process():
            with atomic_write(osp.join(runner.work_dir, 'last_checkpoint')) as tmp:
                tmp.write_text(self.last_ckpt, encoding='utf-8')
            for old in outdated:
                self._remove_step(old)
        if self.max_keep_ckpts > 0:
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))

    def _remove_step(self, step: int) -> None:
        self._remove(self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(step)))

    def _remove(self, path: str) -> None:
        """Remove a checkpoint of this run; never anything that is not a file directly in its folder."""
        if osp.dirname(osp.abspath(path)) == osp.abspath(self.out_dir) and self.file_backend.isfile(path):
            self.file_backend.remove(path)

    def _remember(self, step: int, runner: Runner) -> list[int]:
        """Note the checkpoint of an epoch or iteration, and return the steps whose checkpoints are one too many.

        What is saved still lists them: if the process is killed before they are removed, the resumed run removes them.
        """
        if self.max_keep_ckpts <= 0 or (self.keep_ckpt_ids and self.keep_ckpt_ids[-1] == step):
            return []
        saved_ids = [*self.keep_ckpt_ids, step]
        outdated = saved_ids[: -self.max_keep_ckpts]
        self.keep_ckpt_ids.append(step)  # a deque of length max_keep_ckpts: drops the first
        runner.message_hub.update_info('keep_ckpt_ids', saved_ids)
        return outdated


def _plain_hub(hub: dict, runner: Runner) -> dict:
    """State of the message hub without classes; entries that cannot be stored are left out with a warning."""
    scalars = {}
    for name, buffer in hub['log_scalars'].items():
        log, count = buffer.data
        scalars[name] = dict(log=torch.as_tensor(log, dtype=torch.float64), count=torch.as_tensor(count))
    info = {}
    for name, value in hub['runtime_info'].items():
        try:
            info[name] = to_plain(value, f'message_hub[{name!r}]')
        except TypeError as error:
            runner.logger.warning(f'left out of the checkpoint: {error}')
    resumed_keys = {name: bool(on) for name, on in hub['resumed_keys'].items() if name in info or name in scalars}
    return dict(log_scalars=scalars, runtime_info=info, resumed_keys=resumed_keys)
