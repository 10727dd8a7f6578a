"""Losses on the scores of moment queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvmr.models.losses.base import SetLoss
from mmvmr.models.losses.gather import joint_mean, joint_ratio
from mmvmr.models.task_modules import Matched
from mmvmr.registry import MODELS
from mmvmr.structures import DenoisingPairs, MomentTargets, PredictionSet, pairwise_iou, to_start_end


@MODELS.register_module()
class ForegroundLoss(SetLoss):
    """Cross-entropy of foreground against background, class 0 = foreground (Moment-DETR).

    The mean runs over all queries of the batch and does not divide by the sum of the class weights, so that the
    scale depends on the number of queries, as in the official code.

    Args:
        background_weight: Weight of queries without a pair.
        kwargs: ``weight``, ``sets`` and ``final_only`` of :class:`SetLoss`.
    """

    def __init__(self, background_weight: float = 0.1, **kwargs: Any):
        super().__init__(**kwargs)
        self.background_weight = background_weight

    def forward(self, predictions: PredictionSet, matched: Matched, targets: MomentTargets) -> Tensor:
        """Compute the unweighted loss of one set; see :meth:`SetLoss.forward`."""
        logits = predictions.logits
        label = torch.ones(logits.shape[:2], dtype=torch.long, device=logits.device)
        label[matched.batch, matched.query] = 0
        class_weight = logits.new_tensor([1.0, self.background_weight])
        loss = F.cross_entropy(logits.transpose(1, 2), label, weight=class_weight, reduction='none')
        return joint_mean(loss)


@MODELS.register_module()
class ForegroundErrorLoss(SetLoss):
    """Share of matched queries that are taken for background, in percent: a figure without gradient.

    The official code of BM-DETR adds it to the total, with weight 1.

    Args:
        kwargs: ``weight``, ``sets`` and ``final_only`` of :class:`SetLoss`.
    """

    def forward(self, predictions: PredictionSet, matched: Matched, targets: MomentTargets) -> Tensor:
        """Compute the share of one set; see :meth:`SetLoss.forward`."""
        wrong = predictions.logits[matched.batch, matched.query].argmax(-1) != 0
        return joint_ratio(100.0 * wrong.sum(), len(wrong))


@MODELS.register_module()
class FocalForegroundLoss(SetLoss):
    """Sigmoid focal loss on both logits against the one-hot class (TR-DETR; Lin et al., ICCV 2017).

    The mean runs over queries and classes. Matching and inference use the softmax of the same logits.

    Args:
        alpha: Weight of the logit of the right class; the other has ``1 - alpha``.
        gamma: Exponent that weights easy logits down.
        kwargs: ``weight``, ``sets`` and ``final_only`` of :class:`SetLoss`.
    """

    def __init__(self, alpha: float = 0.25, gamma: float = 2.0, **kwargs: Any):
        super().__init__(**kwargs)
        if not 0 <= alpha <= 1:
            raise ValueError(f'FocalForegroundLoss: alpha={alpha}, expected a number from 0 to 1')
        self.alpha = alpha
        self.gamma = gamma

    def forward(self, predictions: PredictionSet, matched: Matched, targets: MomentTargets) -> Tensor:
        """Compute the unweighted loss of one set; see :meth:`SetLoss.forward`."""
        logits = predictions.logits
        target = torch.zeros_like(logits)
        target[..., 1] = 1
        target[matched.batch, matched.query] = target.new_tensor([1.0, 0.0])
        right = (2 * target - 1) * logits  # the logit of being right about a class
        loss = F.softplus(-right) * (-right).sigmoid() ** self.gamma
        return joint_mean(loss * (self.alpha * target + (1 - self.alpha) * (1 - target)))


@MODELS.register_module()
class QualityLoss(SetLoss):
    """Absolute error of the predicted quality against the best IoU with any ground truth (SA-DETR, eq. 8).

    Args:
        matched_weight: Weight w_q of queries that have a pair; the others have weight 1.
        kwargs: ``weight``, ``sets`` and ``final_only`` of :class:`SetLoss`.
    """

    def __init__(self, matched_weight: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.matched_weight = matched_weight

    def forward(self, predictions: PredictionSet, matched: Matched, targets: MomentTargets) -> Tensor:
        """Compute the unweighted loss of one set: the mean over all queries; see :meth:`SetLoss.forward`."""
        best = best_iou(to_start_end(predictions.spans.detach()), targets)
        factor = torch.ones_like(best)
        factor[matched.batch, matched.query] = self.matched_weight
        return joint_mean(factor * (predictions.quality - best).abs())


def best_iou(windows: Tensor, targets: MomentTargets) -> Tensor:
    """IoU (B, N) of normalised (start, end) (B, N, 2) with the best ground-truth span; 0 where a sample has none."""
    iou = pairwise_iou(windows, to_start_end(targets.spans))
    return iou.masked_fill(~targets.span_mask[:, None], 0).amax(-1)


@MODELS.register_module()
class BalancedQualityLoss(SetLoss):
    """Absolute error of the predicted quality, averaged over good, middling and bad predictions apart (BAM-DETR, 3.4).

    The target is the best IoU of a prediction, cut to the video, with any ground truth. Predictions of the whole
    batch fall into the buckets ``IoU > high``, ``low < IoU <= high`` and ``IoU <= low``; the loss is the mean of their
    mean errors, where an empty bucket counts 0.

    Args:
        low: Upper bound of bad predictions.
        high: Upper bound of middling ones.
        kwargs: ``weight``, ``sets`` and ``final_only`` of :class:`SetLoss`.
    """

    def __init__(self, low: float = 0.3, high: float = 0.7, **kwargs: Any):
        super().__init__(**kwargs)
        self.low = low
        self.high = high

    def forward(self, predictions: PredictionSet, matched: Matched, targets: MomentTargets) -> Tensor:
        """Compute the unweighted loss of one set; see :meth:`SetLoss.forward`."""
        best = best_iou(to_start_end(predictions.spans.detach()).clamp(0, 1), targets)
        error = (predictions.quality - best).abs()
        exists = torch.ones_like(best, dtype=torch.bool) if predictions.mask is None else predictions.mask
        buckets = (best > self.high, (best > self.low) & (best <= self.high), best <= self.low)
        total = torch.stack([(error * (bucket & exists)).sum() for bucket in buckets])
        count = torch.stack([(bucket & exists).sum() for bucket in buckets])
        return joint_ratio(total, count).mean()


@MODELS.register_module()
class QualityMarginLoss(SetLoss):
    """A noised copy of a moment should get a higher quality than its noisier partner, by a margin (SA-DETR, eq. 9).

    Where a model predicts no quality, the foreground probability that it ranks by takes its place. Zero for sets
    whose groups hold no partners (see :class:`NoiseQueryGenerator`).

    Args:
        margin: The margin.
        kwargs: ``weight``, ``sets`` and ``final_only`` of :class:`SetLoss`.
    """

    def __init__(self, margin: float = 0.4, sets: Sequence[str] = ('noise',), **kwargs: Any):
        super().__init__(sets=sets, **kwargs)
        self.margin = margin

    def forward(self, predictions: PredictionSet, matched: Matched, targets: MomentTargets) -> Tensor:
        """Compute the mean hinge over the pairs of the batch; see :meth:`SetLoss.forward`."""
        partner = predictions.extra(DenoisingPairs, self).negative
        quality = predictions.logits.softmax(-1)[..., 0] if predictions.quality is None else predictions.quality
        negative = quality.gather(1, partner.clamp(min=0))
        hinge = (negative - quality + self.margin).clamp(min=0) * (partner >= 0)
        return joint_ratio(hinge.sum(), (partner >= 0).sum())
