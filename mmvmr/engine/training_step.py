"""A training step on random features, for measurements."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable
from typing import Any

import torch
from mmengine.config import Config
from torch.profiler import profile, record_function

from mmvmr.registry import MODELS
from mmvmr.utils.complexity import random_batch
from mmvmr.utils.config_check import named_arguments


def training_step(
    cfg: Config, args: argparse.Namespace, device: torch.device, bf16: bool, batch: dict[str, Any] | None = None
) -> Callable[[], Any]:
    """Prepare a training step.

    Args:
        cfg: A config with ``model``.
        args: Sizes of the batch.
        device: Where it runs.
        bf16: Whether matrix products run in bfloat16.
        batch: What a data loader would yield; None makes random features for the model.

    Returns:
        A function that makes one step.
    """
    torch.manual_seed(0)
    with named_arguments(cfg):
        model = MODELS.build(cfg.model).to(device).train()
    batch = batch or random_batch(cfg.model, args.batch, args.clips, args.words, labelled=True)
    batch = model.data_preprocessor(batch, True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=1e-4)

    def step() -> None:
        with record_function('forward'), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            losses = model(**batch, mode='loss')
        optimizer.zero_grad()
        with record_function('backward'):
            sum(losses.values()).backward()
        with record_function('clip'):
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        with record_function('optimizer'):
            optimizer.step()

    step.model = model
    return step


def peak_bytes(step: Callable[[], Any], device: torch.device) -> int:
    """Measure the most memory that a step holds at a time beyond what is there before it.

    Args:
        step: The work.
        device: Where it is done.

    Returns:
        Bytes of tensors.
    """
    if device.type == 'cuda':
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        step()
        return torch.cuda.max_memory_allocated(device) - before
    with profile(profile_memory=True) as recording:
        step()
    changes = [event for event in recording.profiler.kineto_results.events() if event.name() == '[memory]']
    return max(itertools.accumulate(event.nbytes() for event in sorted(changes, key=lambda event: event.start_ns())))
