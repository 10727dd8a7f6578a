"""Losses on the scores of points, and the count that SnAG divides by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvmr.models.losses.base import DenseLoss, SetLoss, check_padding, padded_mean
from mmvmr.models.losses.gather import gather_rows, joint_ratio, mean_over_ranks, num_processes
from mmvmr.models.task_modules import Matched
from mmvmr.registry import MODELS
from mmvmr.structures import MomentTargets, Outputs, PredictionSet, to_start_end
from mmvmr.utils import check_choice


@MODELS.register_module()
class MovingCount(nn.Module):
    """A moving average of how many points have a target, which losses are divided by (SnAG, section 3.4).

    A step is divided by the average of the steps before it. The count is that of all processes together.

    Args:
        initial: The average before the first step.
        momentum: Share of the old average in the new one.
    """

    def __init__(self, initial: float, momentum: float = 0.9):
        super().__init__()
        self.momentum = momentum
        self.register_buffer('value', torch.tensor(float(initial)))

    def divide(self, total: Tensor, count: int) -> Tensor:
        """Divide by the average, then take the count into it while training.

        Args:
            total: Sum over the points of this process.
            count: Points with a target in this process.

        Returns:
            Share of this process: averaged over the processes, the sum of all over the average.
        """
        value = self.value.clone()  # what the backward pass keeps must not change below
        if self.training:
            world = num_processes()
            everywhere = mean_over_ranks(torch.tensor(float(count), device=value.device)) * world
            with torch.no_grad():
                self.value.lerp_(everywhere.clamp(min=1), 1 - self.momentum)
        return total * num_processes() / value


def point_labels(predictions: PredictionSet, matched: Matched) -> tuple[Tensor, Tensor, Tensor]:
    """Logits of the points of a set, labels (0 or 1) and which points exist, (B, P) each."""
    logits = predictions.logits.squeeze(-1)
    label = torch.zeros_like(logits)
    label[matched.batch, matched.query] = 1
    exists = torch.ones_like(label, dtype=torch.bool) if predictions.mask is None else predictions.mask
    return logits, label, exists


@MODELS.register_module()
class PointForegroundLoss(SetLoss):
    """Binary cross-entropy of the points that exist, averaged over them (UniVTG, L_f).

    Args:
        background_weight: Weight of points without a target.
        kwargs: ``weight``, ``sets`` and ``final_only`` of :class:`SetLoss`.
    """

    def __init__(self, background_weight: float = 0.1, **kwargs: Any):
        super().__init__(**{'sets': ('point',), **kwargs})
        self.background_weight = background_weight

    def forward(self, predictions: PredictionSet, matched: Matched, targets: MomentTargets) -> Tensor:
        """Compute the unweighted loss of one set; see :meth:`SetLoss.forward`."""
        return foreground_loss(*point_labels(predictions, matched), self.background_weight)


@MODELS.register_module()
class ClipForegroundLoss(DenseLoss):
    """:class:`PointForegroundLoss` for data sets that label clips and no moments: a clip's point is its label.

    Args:
        background_weight: Weight of clips outside.
        weight: Factor in the total.
    """

    def __init__(self, background_weight: float = 0.1, **kwargs: Any):
        super().__init__(**kwargs)
        self.background_weight = background_weight

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss; see :meth:`DenseLoss.forward`."""
        logits = outputs.final.logits.squeeze(-1)
        return foreground_loss(logits, targets.clips.to(logits.dtype), targets.clip_mask, self.background_weight)


def foreground_loss(logits: Tensor, label: Tensor, exists: Tensor, background_weight: float) -> Tensor:
    """Binary cross-entropy of logits (B, P) with labels 0 or 1, averaged over the entries that exist (B, P).

    ``background_weight`` is the weight where the label is 0.
    """
    factor = torch.where(label > 0, 1.0, background_weight)
    loss = factor * F.binary_cross_entropy_with_logits(logits, label, reduction='none')
    return joint_ratio(loss.where(exists, 0.0).sum(), exists.sum())


@MODELS.register_module()
class PointFocalLoss(SetLoss):
    """Focal loss of the points that exist, with smoothed labels (SnAG, section 3.4; Lin et al., ICCV 2017).

    Args:
        normalizer: Config of what the sum is divided by, e.g. :class:`MovingCount`; None for the number of points
            with a target, ``points`` for the number of all that exist (FlashVTG).
        alpha: Weight of points with a target; the others have ``1 - alpha``. None gives all the weight 1.
        gamma: Exponent that weights easy points down.
        smoothing: Labels are ``smoothing / 2`` and ``1 - smoothing / 2``; the focal term uses them, too.
        kwargs: ``weight``, ``sets`` and ``final_only`` of :class:`SetLoss`.
    """

    def __init__(
        self,
        normalizer: dict[str, Any] | str | None = None,
        alpha: float | None = 0.5,
        gamma: float = 2.0,
        smoothing: float = 0.2,
        **kwargs: Any,
    ):
        super().__init__(**{'sets': ('point',), **kwargs})
        if isinstance(normalizer, str):
            check_choice(self, 'normalizer', normalizer, ('points',))
        self.normalizer = MODELS.build(normalizer) if isinstance(normalizer, Mapping) else normalizer
        if alpha is not None and not 0 <= alpha <= 1:
            raise ValueError(f'PointFocalLoss: alpha={alpha}, expected a number from 0 to 1, or None')
        self.alpha = alpha
        self.gamma = gamma
        self.smoothing = smoothing

    def forward(self, predictions: PredictionSet, matched: Matched, targets: MomentTargets) -> Tensor:
        """Compute the unweighted loss of one set; see :meth:`SetLoss.forward`."""
        logits, label, exists = point_labels(predictions, matched)
        smooth = label * (1 - self.smoothing) + self.smoothing / 2
        probability = logits.sigmoid()
        right = probability * smooth + (1 - probability) * (1 - smooth)
        alpha = 1.0 if self.alpha is None else torch.where(label > 0, self.alpha, 1 - self.alpha)
        loss = F.binary_cross_entropy_with_logits(logits, smooth, reduction='none') * alpha * (1 - right) ** self.gamma
        total, count = loss.where(exists, 0.0).sum(), len(matched.query)
        if isinstance(self.normalizer, MovingCount):
            return self.normalizer.divide(total, count)
        return joint_ratio(total, count if self.normalizer is None else exists.sum())


@MODELS.register_module()
class PointOffsetLoss(SetLoss):
    """Absolute error of the distances to start and end in sizes of the point, averaged over both (FlashVTG, L_reg).

    Args:
        pair_weight: Config of a factor for every pair, e.g. :class:`ShortMomentWeight`; None for 1.
        kwargs: ``weight``, ``sets`` and ``final_only`` of :class:`SetLoss`.
    """

    def __init__(self, pair_weight: dict[str, Any] | None = None, **kwargs: Any):
        super().__init__(**{'sets': ('point',), **kwargs})
        self.pair_weight = None if pair_weight is None else MODELS.build(pair_weight)

    def forward(self, predictions: PredictionSet, matched: Matched, targets: MomentTargets) -> Tensor:
        """Compute the unweighted loss of one set; see :meth:`SetLoss.forward`."""
        predicted = to_start_end(predictions.spans[matched.batch, matched.query])
        size = predictions.points.size[matched.batch, matched.query]
        error = (predicted - to_start_end(matched.spans)).abs().mean(-1) / size
        if self.pair_weight is not None:
            error = error * self.pair_weight(matched, targets)
        return joint_ratio(error.sum(), len(error))


@MODELS.register_module()
class ClipAwareScoreLoss(DenseLoss):
    """Scores of the finest level have the shape of the ratings of clips (FlashVTG, L_cas).

    Logits and ratings are both brought to [0, 1] over the clips of the batch (of all processes); the loss is their mean
    squared difference.

    Args:
        padding: ``include`` reproduces the official code, for which padded clips are clips rated 0.
        weight: Factor in the total.

    Raises:
        ValueError: If ``padding`` is unknown.
    """

    def __init__(self, padding: str = 'exclude', **kwargs: Any):
        super().__init__(**kwargs)
        self.padding = check_padding(self, padding)

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss; see :meth:`DenseLoss.forward`.

        Raises:
            ValueError: If the finest level has fewer points than the video has clips.
        """
        clips, levels = targets.saliency.shape[1], outputs.memory.levels
        if levels is not None and levels[0].feat.shape[1] < clips:
            raise ValueError('ClipAwareScoreLoss needs a point per clip: set input_stride=1 or remove the loss')
        logits = outputs.final.logits[:, :clips, 0]
        mask = targets.clip_mask if self.padding == 'exclude' else torch.ones_like(targets.clip_mask)
        difference = _unit_range(logits, mask) - _unit_range(targets.saliency, mask)
        return padded_mean(difference.square(), mask, 'exclude')


def _unit_range(values: Tensor, mask: Tensor) -> Tensor:
    """Values (B, L) of which the lowest and the highest, of all processes, become 0 and 1; 0 where all are equal."""
    present, nothing = values[mask], values.new_full((1,), torch.inf)  # a process may hold no samples of a view
    ends = torch.stack((torch.cat((present, nothing)).amin(), torch.cat((present, -nothing)).amax()))
    ends, _ = gather_rows(ends.unsqueeze(0))
    low, high = ends[:, 0].amin(), ends[:, 1].amax()
    return (values - low) / (high - low).clamp(min=torch.finfo(values.dtype).tiny)
