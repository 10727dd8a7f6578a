"""Losses on highlight scores (Moment-DETR, QD-DETR)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvmr.registry import MODELS

from ...structures import MomentTargets, Outputs
from .base import DenseLoss

_PADDED_SCORE = -1e3


@MODELS.register_module()
class SaliencyMarginLoss(DenseLoss):
    """A clip of the moment should score above one outside by a margin (Moment-DETR, eq. 4).

    Args:
        margin: The margin.
        weight: Factor in the total.
    """

    def __init__(self, margin: float = 0.2, weight: float = 1.0):
        super().__init__(weight)
        self.margin = margin

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute twice the mean hinge over the pairs of the batch; see :meth:`DenseLoss.forward`."""
        valid = (targets.pairs >= 0).all(1)
        high, low = (outputs.saliency.gather(1, index.clamp(min=0)) for index in targets.pairs.unbind(1))
        hinge = (self.margin + low - high).clamp(min=0) * valid
        return 2 * hinge.sum() / valid.sum().clamp(min=1)


@MODELS.register_module()
class SaliencyRankLoss(DenseLoss):
    """Rank-aware contrastive loss: clips rated ``>= r`` against the rest, for every rating r (QD-DETR, eq. 6).

    Clips under a sentence that does not describe the video join the contrast with rating 0.

    Args:
        max_rating: Ratings run from 1 to ``max_rating - 1``; the sum is divided by ``max_rating``, as published.
        temperature: Divides the scores.
        weight: Factor in the total.
    """

    def __init__(self, max_rating: int = 12, temperature: float = 0.5, weight: float = 1.0):
        super().__init__(weight)
        self.max_rating = max_rating
        self.temperature = temperature

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss; a rating that no clip of the batch reaches is left out; see :meth:`DenseLoss.forward`."""
        scores, rating, mask = outputs.saliency, targets.saliency, targets.clip_mask
        if outputs.negative_saliency is not None:
            negative_mask = mask & outputs.memory.negative.aux['valid'][:, None]
            scores = torch.cat((scores, outputs.negative_saliency), dim=1)
            rating = torch.cat((rating, torch.zeros_like(rating)), dim=1)
            mask = torch.cat((mask, negative_mask), dim=1)
        return rank_contrastive(scores, rating, mask, self.max_rating, self.temperature)


def rank_contrastive(scores: Tensor, rating: Tensor, mask: Tensor, max_rating: int, temperature: float) -> Tensor:
    """Rank-aware contrastive loss of scores against ratings.

    Args:
        scores: (B, L).
        rating: (B, L), 0 = lowest.
        mask: Valid entries (B, L).
        max_rating: See :class:`SaliencyRankLoss`.
        temperature: Divides the scores.

    Returns:
        A scalar.
    """
    logits = torch.where(mask, scores, scores.new_tensor(_PADDED_SCORE)) / temperature
    logits = logits - logits.amax(1, keepdim=True).detach()
    log_prob = logits - (logits.exp().sum(1, keepdim=True) + 1e-6).log()
    threshold = torch.arange(1, max_rating, device=scores.device)
    positive = rating[:, None] >= threshold[:, None]  # (B, R, L)
    count = positive.sum(-1)
    value = -(positive * (log_prob * mask)[:, None]).sum(-1) / (count + 1e-6)
    return value.sum() / (len(scores) * max_rating)


@MODELS.register_module()
class SaliencyNegativeLoss(DenseLoss):
    """No clip should score under a sentence that does not describe the video (QD-DETR, eq. 4).

    ``-log(1 - sigmoid(s))`` summed over the clips of a video, averaged over the videos with a real negative. The
    softplus form equals the published one where that is finite.

    Args:
        weight: Factor in the total.
    """

    def __init__(self, weight: float = 1.0):
        super().__init__(weight)

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss; see :meth:`DenseLoss.forward`.

        Raises:
            ValueError: If the encoder makes no negatives.
        """
        if outputs.negative_saliency is None:
            raise ValueError('SaliencyNegativeLoss needs model.encoder to be a NegativePairEncoder')
        valid = outputs.memory.negative.aux['valid']
        per_video = (F.softplus(outputs.negative_saliency) * targets.clip_mask).sum(1)
        return (per_video * valid).sum() / valid.sum().clamp(min=1)
