"""Losses on highlight scores (Moment-DETR, QD-DETR)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvmr.models.losses.base import DenseLoss, check_padding, padded_mean
from mmvmr.models.losses.gather import joint_mean, joint_ratio, mean_over_ranks, num_processes
from mmvmr.registry import MODELS
from mmvmr.structures import AdaptiveAttention, MismatchedPairs, MomentTargets, Outputs
from mmvmr.utils import check_choice

_PADDED_SCORE = -1e3


class _ClipScoreLoss(DenseLoss):
    """A loss on one score per clip.

    Args:
        scores: ``saliency`` for the highlight head, ``attention`` for the attention of a clip to the text (CG-DETR).
        weight: Factor in the total.
    """

    def __init__(self, scores: str = 'saliency', weight: float = 1.0):
        super().__init__(weight)
        self.scores = check_choice(self, 'scores', scores, ('saliency', 'attention'))

    def clip_scores(self, outputs: Outputs) -> tuple[Tensor, Tensor | None]:
        """Return the scores under the sentence of the video and under a mismatched one, if any, (B, Lv) each.

        Raises:
            ValueError: If the encoder returns no attention weights.
        """
        if self.scores == 'saliency':
            return outputs.saliency, outputs.negative_saliency
        memory = outputs.memory
        reader = f"{type(self).__name__} with scores='attention'"
        negative = None if memory.negative is None else memory.negative.extra(AdaptiveAttention, reader).on_text
        return memory.extra(AdaptiveAttention, reader).on_text, negative


@MODELS.register_module()
class SaliencyMarginLoss(_ClipScoreLoss):
    """A clip of the moment should score above one outside by a margin (Moment-DETR, eq. 4).

    Args:
        margin: The margin.
        missing_low: What becomes of a pair without a lower clip (-1): ``skip`` leaves it out; ``zero`` lets the
            constant 0 be its lower score, as the official code of UVCOM does.
        scores: See :class:`_ClipScoreLoss`.
        weight: Factor in the total.
    """

    def __init__(self, margin: float = 0.2, missing_low: str = 'skip', **kwargs: Any):
        super().__init__(**kwargs)
        self.margin = margin
        self.missing_low = check_choice(self, 'missing_low', missing_low, ('skip', 'zero'))

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute twice the mean hinge over the pairs of the batch; see :meth:`DenseLoss.forward`."""
        has_high, has_low = (targets.pairs >= 0).unbind(1)
        scores, _ = self.clip_scores(outputs)
        high, low = (scores.gather(1, index.clamp(min=0)) for index in targets.pairs.unbind(1))
        valid = has_high & has_low if self.missing_low == 'skip' else has_high
        low = low.where(has_low, 0.0)
        hinge = (self.margin + low - high).clamp(min=0) * valid
        return joint_ratio(2 * hinge.sum(), valid.sum())


@MODELS.register_module()
class SaliencyRankLoss(_ClipScoreLoss):
    """Rank-aware contrastive loss: clips rated ``>= r`` against the rest, for every rating r (QD-DETR, eq. 6).

    Clips under a sentence that does not describe the video join the contrast with rating 0.

    Args:
        max_rating: Ratings run from 1 to ``max_rating - 1``; the sum is divided by ``max_rating``, as published.
        temperature: Divides the scores.
        false_negatives: Treatment of videos without an in-batch mismatched pair (see :class:`RollNegativeSampler`).
            ``join`` averages their loss with the others. The official code of CG-DETR adds their mean (``added``; a
            single such video counts 0 there, as an extra dimension cancels its loss) or leaves them out (``ignored``,
            in its attention branch).
        scores: See :class:`_ClipScoreLoss`.
        weight: Factor in the total.

    Raises:
        ValueError: If an option is unknown.
    """

    def __init__(self, max_rating: int = 12, temperature: float = 0.5, false_negatives: str = 'join', **kwargs: Any):
        super().__init__(**kwargs)
        self.max_rating = max_rating
        self.temperature = temperature
        self.false_negatives = check_choice(self, 'false_negatives', false_negatives, ('join', 'added', 'ignored'))

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss; a rating that no clip of the batch reaches is left out; see :meth:`DenseLoss.forward`."""
        rating, mask = targets.saliency, targets.clip_mask
        scores, negative = self.clip_scores(outputs)
        valid = None
        if negative is not None:
            valid = outputs.memory.negative.extra(MismatchedPairs, self).valid
            scores = torch.cat((scores, negative), dim=1)
            rating = torch.cat((rating, torch.zeros_like(rating)), dim=1)
            mask = torch.cat((mask, mask & valid[:, None]), dim=1)
        per_video = rank_contrastive(scores, rating, mask, self.max_rating, self.temperature)
        return (
            joint_mean(per_video)
            if valid is None or self.false_negatives == 'join'
            else self._separate_means(per_video, valid)
        )

    def _separate_means(self, per_video: Tensor, valid: Tensor) -> Tensor:
        """Sum the means over videos with and without a mismatched sentence, as the official code of CG-DETR does."""
        counts = torch.stack((valid.sum(), (~valid).sum()))
        sums = torch.stack(((per_video * valid).sum(), (per_video * ~valid).sum()))
        mean_with, mean_without = joint_ratio(sums, counts)
        num_with, num_without = mean_over_ranks(counts) * num_processes()  # in all processes
        left_out = num_with > 0
        if self.false_negatives == 'added':
            left_out &= num_without == 1
        return mean_with + torch.where(left_out, 0.0, mean_without)


def rank_contrastive(scores: Tensor, rating: Tensor, mask: Tensor, max_rating: int, temperature: float) -> Tensor:
    """Rank-aware contrastive loss of scores against ratings, per sample.

    Args:
        scores: (B, L).
        rating: (B, L), 0 = lowest.
        mask: Valid entries (B, L).
        max_rating: See :class:`SaliencyRankLoss`.
        temperature: Divides the scores.

    Returns:
        (B,); 0 for a sample without positives.
    """
    logits = torch.where(mask, scores, scores.new_tensor(_PADDED_SCORE)) / temperature
    logits = logits - logits.amax(1, keepdim=True).detach()
    log_prob = logits - (logits.exp().sum(1, keepdim=True) + 1e-6).log()
    threshold = torch.arange(1, max_rating, device=scores.device)
    positive = rating[:, None] >= threshold[:, None]  # (B, R, L)
    count = positive.sum(-1)
    value = -(positive * (log_prob * mask)[:, None]).sum(-1) / (count + 1e-6)
    return value.sum(1) / max_rating


@MODELS.register_module()
class SaliencyNegativeLoss(_ClipScoreLoss):
    """No clip should score under a sentence that does not describe the video (QD-DETR, eq. 4).

    ``-log(1 - sigmoid(s))`` summed over the clips of a video, averaged over the videos with a real negative. The
    softplus form equals the published one where that is finite. Attention is a probability already: no sigmoid.

    Args:
        scores: See :class:`_ClipScoreLoss`.
        weight: Factor in the total.
    """

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss; see :meth:`DenseLoss.forward`.

        Raises:
            ValueError: If the encoder makes no negatives.
        """
        _, scores = self.clip_scores(outputs)
        if scores is None:
            raise ValueError('SaliencyNegativeLoss needs model.encoder to be a NegativePairEncoder')
        valid = outputs.memory.negative.extra(MismatchedPairs, self).valid
        # Below one: a clip that attends only to text would make the logarithm infinite.
        cost = F.softplus(scores) if self.scores == 'saliency' else -torch.log1p(-scores.clamp(max=1 - 1e-6))
        per_video = (cost * targets.clip_mask).sum(1)
        return joint_ratio((per_video * valid).sum(), valid.sum())


@MODELS.register_module()
class ClipAttentionLoss(_ClipScoreLoss):
    """Binary cross-entropy: clips of a moment attend to the text, the others do not (CG-DETR, section 3.1).

    Args:
        padding: ``exclude`` takes the mean over the clips that exist; ``include`` reproduces the official code, where
            padded clips count as clips outside.
        weight: Factor in the total.

    Raises:
        ValueError: If ``padding`` is unknown.
    """

    def __init__(self, padding: str = 'exclude', **kwargs: Any):
        super().__init__(scores='attention', **kwargs)
        self.padding = check_padding(self, padding)

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss; see :meth:`DenseLoss.forward`."""
        scores, _ = self.clip_scores(outputs)
        loss = F.binary_cross_entropy(scores, targets.saliency.clamp(0, 1), reduction='none')
        return padded_mean(loss, targets.clip_mask, self.padding)
