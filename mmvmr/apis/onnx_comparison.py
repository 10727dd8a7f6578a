"""Accuracy and speed of a model and its exported form, on the test split of a config."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner
from tabulate import tabulate
from torch import nn

from mmvmr.utils.timing import step_seconds


def compare_models(models: Mapping[str, nn.Module], cfg: Config) -> str:
    """Test models batch by batch in turn.

    Args:
        models: Name to detector, on the CPU.
        cfg: Config with the test split.

    Returns:
        A table of the figures and of the pairs per second of processor time, with the ratio to the first model.
    """
    loader = Runner.build_dataloader({**cfg.test_dataloader, 'num_workers': 0, 'persistent_workers': False})
    evaluators = {name: Evaluator(cfg.test_evaluator) for name in models}
    seconds = dict.fromkeys(models, 0.0)
    for evaluator in evaluators.values():
        evaluator.dataset_meta = getattr(loader.dataset, 'metainfo', None)
    for number, batch in enumerate(loader):
        for name, model in models.items():
            samples: list[Any] = []
            step = functools.partial(_predict, model, batch, samples)
            elapsed = step_seconds(step, torch.device('cpu'))
            seconds[name] += elapsed if number else 0.0  # the first batch warms up
            evaluators[name].process(data_samples=samples, data_batch=batch)
    count = len(loader.dataset)
    figures = {name: evaluator.evaluate(count) for name, evaluator in evaluators.items()}
    timed = count - min(count, loader.batch_size)
    first = next(iter(seconds.values()))
    rows = [
        [name, *(f'{value:.2f}' for value in figures[name].values()), f'{timed / s:.1f}', f'{first / s:.2f}']
        for name, s in seconds.items()
    ]
    return tabulate(rows, ['model', *next(iter(figures.values())), 'pairs per second', 'ratio'], tablefmt='github')


@torch.inference_mode()
def _predict(model: nn.Module, batch: dict[str, Any], samples: list[Any]) -> None:
    samples += model.test_step(batch)
