"""Counting parameters and floating-point operations.

Imported on demand, because it needs torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


def count_parameters(model: nn.Module, per_stage: bool = False) -> dict[str, int]:
    """Count trainable parameters, shared ones once.

    Args:
        model: The model.
        per_stage: Also count every direct child.

    Returns:
        ``total``, and with ``per_stage`` the children by name.
    """
    counts = {'total': sum(p.numel() for p in model.parameters() if p.requires_grad)}
    if per_stage:
        for name, child in model.named_children():
            count = sum(p.numel() for p in child.parameters() if p.requires_grad)
            if count:
                counts[name] = count
    return counts


def count_flops(run: Callable[[], Any]) -> int:
    """Count the floating-point operations of matrix products and convolutions (two per multiply-add).

    Fused attention kernels are invisible to the counter on some devices: while counting, attention runs as two
    matrix products.

    Args:
        run: Called once.

    Returns:
        The number of operations, backward passes included where ``run`` makes one.
    """
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def random_batch(
    model_cfg: Mapping[str, Any], batch: int, clips: int, words: int, labelled: bool = False
) -> dict[str, Any]:
    """A batch of full-length random features in the dimensions that a model expects.

    Args:
        model_cfg: Config of the detector.
        batch: Samples.
        clips: Clips per video.
        words: Words per sentence.
        labelled: With one random moment and highlight ratings per sample.

    Returns:
        What a data loader yields.
    """
    from mmvmr.testing import make_batch

    projector = model_cfg['projector']
    moments = (1,) * batch if labelled else (0,) * batch
    dims = (projector['video_dims'], projector['text_dims'])
    with torch.random.fork_rng():
        made = make_batch((clips,) * batch, (words,) * batch, moments, dims=dims)
    if projector.get('text_encoder') is not None:  # it takes token numbers
        made['inputs']['text'] = [torch.ones(words, dims[1])] * batch
    return made
