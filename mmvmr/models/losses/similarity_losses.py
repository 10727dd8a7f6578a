"""Losses on the similarities of videos, clips and sentences (UVCOM)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmvmr.models.losses.alignment_losses import symmetric_contrast
from mmvmr.models.losses.base import DenseLoss, check_padding
from mmvmr.models.losses.gather import joint_mean
from mmvmr.registry import MODELS
from mmvmr.structures import MomentTargets, Outputs, Similarities, to_start_end
from mmvmr.utils import check_choice

_WINDOWS = ('all', 'first')


@MODELS.register_module()
class VideoSentenceLoss(DenseLoss):
    """Symmetric InfoNCE between videos and sentences over the batch, logits = cosines (UVCOM, loss_inter).

    Under distributed training the contrast runs over the samples of all processes.

    Args:
        weight: Factor in the total.
    """

    described_only = True

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss, the mean over both directions; see :meth:`DenseLoss.forward`."""
        similarities = outputs.memory.extra(Similarities, self)
        return symmetric_contrast(similarities.video, similarities.sentence)


@MODELS.register_module()
class ClipSentenceLoss(DenseLoss):
    """The clips of the moment should be closest to the sentence: softmax over the clips (UVCOM, loss_clip_intra).

    ``-1 / L sum_{clips of the moment} log softmax_clips(cos)``, averaged over the batch.

    Args:
        windows: ``all`` takes every clip of a moment; ``first`` reproduces the official code: the clips from
            ``int(start L)`` to ``int(end L)`` of the first span.
        padding: ``exclude`` takes softmax and mean over the clips that exist; ``include`` reproduces the official
            code, where padded clips take part in both.
        weight: Factor in the total.

    Raises:
        ValueError: If an option is unknown.
    """

    def __init__(self, windows: str = 'all', padding: str = 'exclude', **kwargs: Any):
        super().__init__(**kwargs)
        self.windows = check_choice(self, 'windows', windows, _WINDOWS)
        self.padding = check_padding(self, padding)

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss; see :meth:`DenseLoss.forward`."""
        similarities = outputs.memory.extra(Similarities, self)
        cosine = (similarities.clips @ similarities.sentence.unsqueeze(-1)).squeeze(-1)
        mask, length = targets.clip_mask, torch.full_like(cosine[:, :1], cosine.shape[1])
        if self.padding == 'exclude':
            cosine, length = cosine.masked_fill(~mask, -torch.inf), mask.sum(1, keepdim=True).clamp(min=1)
        log_prob = cosine.log_softmax(1).where(self.moment_clips(targets) & mask, 0.0)
        return -joint_mean((log_prob / length).sum(1))

    def moment_clips(self, targets: MomentTargets) -> Tensor:
        """The clips that should be close to the sentence (B, Lv) bool."""
        if self.windows == 'all':
            return targets.clips
        # In this order and in float32: truncation decides about a clip (the official code multiplies and divides by 2).
        count = targets.clip_mask.sum(1, keepdim=True)
        first, last = (to_start_end(targets.spans[:, 0]) * count * 2 / 2).trunc().unsqueeze(-1).unbind(1)
        index = torch.arange(targets.clip_mask.shape[1], device=first.device)
        return (index >= first) & (index < last) & targets.span_mask[:, :1]
