"""Losses on evidence of moment boundaries."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from mmvmr.models.losses.base import DenseLoss
from mmvmr.models.losses.gather import joint_mean
from mmvmr.registry import MODELS
from mmvmr.structures import BoundaryPathways, MomentTargets, Outputs, clip_centers, to_start_end
from mmvmr.utils import check_choice

_GRIDS = ('valid', 'padded')


@MODELS.register_module()
class BoundaryEvidenceLoss(DenseLoss):
    """Balanced binary cross-entropy: is a clip near the start (the end) of a moment (BAM-DETR, section 3.4).

    The evidence of a clip is the mean of ``tanh`` over its channels. Clips whose middle is in ``[s - 0.25 l, s +
    0.1 l]`` of a moment (s, e) of length l are starts, those in ``[e - 0.1 l, e + 0.25 l]`` ends. Starts (ends) of a
    sample have the same total weight as all its other clips.

    Args:
        inside: Reach of a boundary into the moment, in lengths of the moment.
        outside: Reach of a boundary out of the moment.
        grid: ``valid`` locates clips inside their video. ``padded`` reproduces the official code, which places the
            moments of a shorter video as if the padding belonged to it, and counts padding twice in the weight of
            the other clips.
        weight: Factor in the total.

    Raises:
        ValueError: If ``grid`` is unknown.
    """

    def __init__(self, inside: float = 0.1, outside: float = 0.25, grid: str = 'valid', weight: float = 1.0):
        super().__init__(weight)
        self.inside = inside
        self.outside = outside
        self.grid = check_choice(self, 'grid', grid, _GRIDS)

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss; see :meth:`DenseLoss.forward`.

        Raises:
            ValueError: If the decoder gathers no evidence.
        """
        evidence = outputs.decoded.extra(BoundaryPathways, self).evidence
        mask = targets.clip_mask
        total = evidence.new_zeros(())
        for part, wanted in zip(evidence.tanh().mean(-1), self.positives(targets)):
            loss = F.binary_cross_entropy(part, wanted.to(part.dtype), reduction='none')
            other = ~wanted & mask
            others = other.sum(1, keepdim=True)
            if self.grid == 'padded':
                others = (~wanted).sum(1, keepdim=True) + (~mask).sum(1, keepdim=True)
            balanced = loss * wanted / (wanted.sum(1, keepdim=True) + 1e-9) + loss * other / (others + 1e-9)
            total = total + 0.25 * joint_mean((balanced * mask).sum(1))
        return total

    def positives(self, targets: MomentTargets) -> tuple[Tensor, Tensor]:
        """Clips at starts and clips at ends, (B, Lv) each."""
        mask = targets.clip_mask
        centers = clip_centers(mask if self.grid == 'valid' else mask.new_ones(mask.shape))[:, None]  # (B, 1, Lv)
        start, end = to_start_end(targets.spans)[..., None].unbind(-2)  # (B, G, 1) each
        length = end - start
        exists = targets.span_mask[..., None]
        at_start = (centers >= start - self.outside * length) & (centers <= start + self.inside * length)
        at_end = (centers >= end - self.inside * length) & (centers <= end + self.outside * length)
        near_clips = [(near & exists).any(1) for near in (at_start, at_end)]
        if self.grid == 'valid':
            near_clips = [near & mask for near in near_clips]
        return near_clips[0], near_clips[1]
