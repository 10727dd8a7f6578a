"""Encoding the sentences of a batch with videos that they do not describe (CausalVTG)."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import nn

from mmvmr.models.builder import build_named
from mmvmr.registry import MODELS, TASK_UTILS
from mmvmr.structures import Features, Memory, MismatchedVideos, MomentTargets, map_tensors


@MODELS.register_module()
class MismatchedVideoEncoder(nn.Module):
    """Run an encoder once more for every choice of other videos, when there is a loss to compute.

    The pairs are encoded as at inference, without ground truth; the memory of the samples keeps everything it has.

    Args:
        encoder: Config of the wrapped encoder.
        samplers: Name to config of ``f(features, targets) -> index of a video (B,)``, e.g. :class:`NextVideoSampler`; a
            child config changes one by its name or removes it with None.
    """

    def __init__(self, encoder: dict[str, Any], samplers: dict[str, dict[str, Any] | None]):
        super().__init__()
        self.encoder = MODELS.build(encoder)
        self.samplers = build_named(samplers, TASK_UTILS)

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """The memory of the wrapped encoder, while training with :class:`MismatchedVideos`."""
        memory = self.encoder(features, targets)
        if targets is not None and self.samplers:
            chosen = [sampler(features, targets) for sampler in self.samplers.values()]
            memories = tuple(self.encoder(_with_videos(features, index), None) for index in chosen)
            video = targets.video_index
            memory.add(MismatchedVideos(memories, torch.stack([video[index] == video for index in chosen], dim=1)))
        return memory


def _with_videos(features: Features, index: torch.Tensor) -> Features:
    video, raw = map_tensors((features.video, features.raw_video), lambda t: t[index])
    return dataclasses.replace(features, video=video, raw_video=raw)
