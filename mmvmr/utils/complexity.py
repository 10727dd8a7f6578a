"""Counting parameters and floating-point operations.

Imported on demand, because it needs torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mmvmr.structures import MomentDataSample


def count_parameters(model: nn.Module) -> int:
    """Count trainable parameters, shared ones once."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


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
    projector = model_cfg['projector']
    generator = torch.Generator().manual_seed(0)
    inputs = {
        'video': [torch.randn(clips, projector['video_dims'], generator=generator) for _ in range(batch)],
        'text': [torch.randn(words, projector['text_dims'], generator=generator) for _ in range(batch)],
    }
    if projector.get('text_encoder') is not None:  # it takes token numbers
        inputs['text'] = [torch.ones(words, projector['text_dims'])] * batch
    samples = [_random_sample(f'v{index}', clips, labelled, generator) for index in range(batch)]
    return {'inputs': inputs, 'data_samples': samples}


def _random_sample(vid: str, clips: int, labelled: bool, generator: torch.Generator) -> MomentDataSample:
    """A sample with one moment in the middle of the video and random ratings of its clips, or without labels."""
    meta = {'vid': vid, 'qid': vid, 'duration': 2.0 * clips, 'num_clips': clips, 'clip_len': 2.0, 'view': 'main'}
    sample = MomentDataSample(metainfo=meta)
    centers = (torch.arange(clips) + 0.5) / clips
    inside = ((centers - 0.5).abs() <= 0.2) & labelled
    sample.gt_instances = InstanceData(spans=torch.tensor([[0.5, 0.4]])[: int(labelled)])
    sample.gt_clips = inside
    sample.gt_saliency = inside * torch.randint(1, 12, (clips,), generator=generator).float()
    sample.gt_pairs = torch.full((2, 2), -1)
    if inside.any() and not inside.all():
        sample.gt_pairs = torch.stack((inside.nonzero()[[0, -1], 0], (~inside).nonzero()[[0, -1], 0]))
    return sample
