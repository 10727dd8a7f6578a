"""Hooks that write the results of a test: metrics, figures."""

from __future__ import annotations

import os.path as osp
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvmr.engine.run_folder import METRICS_FILE, reserve_evaluation_folder
from mmvmr.registry import HOOKS
from mmvmr.utils import check_choice
from mmvmr.utils.io import write_json


def describe_split(dataset: Any) -> str:
    """The annotation file or split that a data set reads, possibly inside a wrapper, else its type, for the record."""
    while isinstance(dataset, dict):
        for name in ('ann_file', 'split'):
            if value := dataset.get(name):
                return str(value) if isinstance(value, str) else ' and '.join(map(str, value))
        if 'dataset' not in dataset:
            return str(dataset.get('type'))
        dataset = dataset['dataset']
    return type(dataset).__name__


def name_split(dataset: Any) -> str:
    """Name of a folder: :func:`describe_split` without folder and suffix, with the domain where there is one."""
    name, node = '-'.join(Path(part).stem for part in describe_split(dataset).split(' and ')), dataset
    while isinstance(node, dict):
        if node.get('domain'):
            return f'{name}-{node["domain"]}'
        node = node.get('dataset')
    return name


@HOOKS.register_module()
class MetricsFileHook(Hook):
    """Writes the metrics of a test as ``metrics.json``, NaN as null.

    The tools give every test its own folder. A test that follows training in the same process gets one in the
    work dir.
    """

    priority = 'LOW'

    @master_only
    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Write the file."""
        data = runner.cfg.get('test_dataloader', {}).get('dataset', {})
        trained = runner._train_loop is not None
        loaded = runner._load_from if runner._load_from and not (trained and runner.epoch) else None
        folder = Path(runner.work_dir)
        if trained:
            checkpoint = loaded or f'epoch_{runner.epoch}.pth'
            folder = reserve_evaluation_folder(folder, checkpoint, name_split(data))
        path = folder / METRICS_FILE
        record = dict(
            metrics=metrics or {},
            split=describe_split(data),
            num_queries=len(runner.test_dataloader.dataset),
            checkpoint=str(loaded or f'weights of this process after {runner.epoch} epochs'),
            experiment=runner.experiment_name,
            seed=runner.seed,
        )
        write_json(path, record)
        runner.logger.info(f'Metrics are written to {path}')


@HOOKS.register_module()
class DrawMomentsHook(Hook):
    """Draws predicted against true moments for a handful of queries of a test.

    Args:
        out_dir: Folder of the figures; relative paths are relative to the working directory.
        limit: Number of queries.
        top_k: Predicted moments drawn per query.
        choice: ``first`` draws the first queries of the test. ``spread`` sorts all of them by the IoU of the best
            ranked prediction and draws some at equal distances: successes and failures as often as they happen.

    Raises:
        ValueError: If ``choice`` is unknown.
    """

    priority = 'LOW'

    def __init__(self, out_dir: str, limit: int = 8, top_k: int = 3, choice: str = 'first') -> None:
        self.out_dir = out_dir
        self.limit = limit
        self.top_k = top_k
        self.choice = check_choice(self, 'choice', choice, ('first', 'spread'))
        self._queries: list[Any] = []

    def before_test_epoch(self, runner: Runner) -> None:
        """Forget an earlier test."""
        self._queries.clear()

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence[Any] | None = None
    ) -> None:
        """Keep what may be drawn."""
        from mmvmr.visualization import moments_of

        missing = self.limit - len(self._queries) if self.choice == 'first' else None
        main = [sample for sample in outputs or () if sample.get('view', 'main') == 'main']
        samples = main[: None if missing is None else max(missing, 0)]
        self._queries.extend(moments_of(sample.cpu()) for sample in samples)

    @master_only
    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Draw it."""
        from mmvmr.visualization import draw_moments, spread_by_iou

        if self._queries:
            path = osp.join(self.out_dir, 'moments.png')
            chosen = spread_by_iou(self._queries, self.limit) if self.choice == 'spread' else self._queries
            draw_moments(chosen, path, top_k=self.top_k)
            runner.logger.info(f'Predicted and true moments are drawn in {path}')
