"""Losses on maps of candidate moments (2D-TAN; MMN, sections 3.2 and 3.3)."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from mmengine.logging import MessageHub
from torch import Tensor

from mmvmr.models.losses.base import DenseLoss
from mmvmr.models.losses.gather import gather_rows, joint_mean, joint_ratio
from mmvmr.registry import MODELS
from mmvmr.structures import MomentTargets, Outputs, pairwise_iou, to_start_end
from mmvmr.utils import check_choice

_REMOVED = ('excluded', 'zero')


def candidate_iou(outputs: Outputs, targets: MomentTargets) -> Tensor:
    """IoU (B, M) of the candidates of the final set with the best moment of their sentence; 0 where it has none."""
    if targets.candidate_iou is not None:
        return targets.candidate_iou
    iou = pairwise_iou(to_start_end(outputs.final.spans), to_start_end(targets.spans))
    return (iou * targets.span_mask.unsqueeze(1)).amax(-1)


def sentence_iou(targets: MomentTargets) -> Tensor:
    """IoU of the moments of every two sentences of the batch (B, B), the best where they have several."""
    spans = to_start_end(targets.spans)
    iou = pairwise_iou(spans.unsqueeze(1), spans.unsqueeze(0))
    exists = targets.span_mask[:, None, :, None] & targets.span_mask[None, :, None, :]
    return reduce(iou * exists, 'b other g h -> b other', 'max')


def video_rows(outputs: Outputs) -> Tensor:
    """Video of every sentence (B,)."""
    rows = outputs.features.rows
    if rows is not None:
        return rows
    sentences = outputs.memory.proposals.contrastive.sentences
    return torch.arange(len(sentences), device=sentences.device)


@MODELS.register_module()
class ProposalIoULoss(DenseLoss):
    """Binary cross-entropy between the IoU score of a candidate and its scaled IoU (2D-TAN, equation 7; MMN).

    The target is ``clamp((IoU - min_iou) / (max_iou - min_iou), 0, 1)``; the mean runs over sentences and candidates.

    Args:
        min_iou: Candidates up to here are negative.
        max_iou: Candidates from here on are positive.
        scale: Factor of the cosine inside the sigmoid, that of :class:`ProposalHead`.
        weight: Factor in the total.

    Raises:
        ValueError: If ``max_iou`` is not larger than ``min_iou``.
    """

    def __init__(self, min_iou: float = 0.5, max_iou: float = 1.0, scale: float = 10.0, weight: float = 1.0):
        super().__init__(weight)
        if not min_iou < max_iou:
            raise ValueError(f'ProposalIoULoss: min_iou={min_iou} is not smaller than max_iou={max_iou}')
        self.min_iou, self.max_iou = min_iou, max_iou
        self.scale = scale

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss; see :meth:`DenseLoss.forward`."""
        iou = candidate_iou(outputs, targets)
        target = ((iou - self.min_iou) / (self.max_iou - self.min_iou)).clamp(0, 1)
        cosine = outputs.memory.proposals.iou.cosine(outputs.features.rows)
        return joint_mean(F.binary_cross_entropy_with_logits(self.scale * cosine, target, reduction='none'))


class _MutualMatchingLoss(DenseLoss):
    """One direction of mutual matching in the contrastive space.

    The positives of a sentence are its ``top_k`` candidates of highest IoU; their cosine with it is lowered by the
    margin. Sentences without a moment are not positives.

    Args:
        temperature: Divides the cosines.
        margin: Subtracted from the cosine of a positive pair.
        top_k: Positives per sentence.
        late_epoch: From this epoch on (counted from 0) ``weight`` is multiplied by ``late_factor``; None for never.
            What MMN calls ``ONLY_IOU`` is this epoch.
        late_factor: See ``late_epoch``.
        weight: Factor in the total.
    """

    def __init__(
        self,
        temperature: float = 0.1,
        margin: float = 0.4,
        top_k: int = 1,
        late_epoch: int | None = None,
        late_factor: float = 0.01,
        weight: float = 1.0,
    ):
        super().__init__(weight)
        self.late_epoch = late_epoch
        self.late_factor = late_factor
        self.temperature = temperature
        self.margin = margin
        self.top_k = top_k

    @property
    def weight(self) -> float:
        """Factor in the total, in the present epoch."""
        late = self.late_epoch is not None
        if late and MessageHub.get_current_instance().get_info('epoch', 0) >= self.late_epoch:
            return self._weight * self.late_factor
        return self._weight

    @weight.setter
    def weight(self, value: float) -> None:
        self._weight = value

    def positives(self, moments: Tensor, rows: Tensor, iou: Tensor) -> Tensor:
        """The positives of every sentence.

        Args:
            moments: (V, M, D).
            rows: Video of every sentence (B,).
            iou: IoU of the candidates with the ground truth (B, M).

        Returns:
            (B, K, D).
        """
        index = iou.topk(min(self.top_k, iou.shape[1]), dim=1).indices
        return moments[rows.unsqueeze(1), index]


@MODELS.register_module()
class MomentToSentenceLoss(_MutualMatchingLoss):
    """Softmax loss of a moment over the sentences of the batch (MMN, equation 4; ``loss_vid``).

    Other sentences of the same video whose moments overlap the moment are left out of the softmax. Under distributed
    training it runs over the sentences of all processes.

    Args:
        removal_iou: Two sentences of a video mean the same if the IoU of their moments is at least this.
        **kwargs: See :class:`_MutualMatchingLoss`.
    """

    def __init__(self, removal_iou: float = 0.5, **kwargs: Any):
        super().__init__(**kwargs)
        self.removal_iou = removal_iou

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss, the mean over positives; see :meth:`DenseLoss.forward`."""
        video = video_rows(outputs)
        moments, sentences = outputs.memory.proposals.contrastive.unit()
        positives = self.positives(moments, video, candidate_iou(outputs, targets))  # (B, K, D)
        all_sentences, start = gather_rows(sentences)
        row = torch.arange(len(video), device=video.device)
        column = row + start  # of the sentence that belongs to the row
        is_pair = F.one_hot(column, len(all_sentences)).bool()
        logits = (positives @ all_sentences.t() - self.margin * is_pair.unsqueeze(1)) / self.temperature
        # Other sentences of the video that mean the same moment; only this process knows its own videos.
        paraphrase = (video.unsqueeze(1) == video) & (sentence_iou(targets) >= self.removal_iou)
        removed = is_pair.new_zeros(is_pair.shape).index_copy(1, column, paraphrase & ~is_pair[:, column])
        loss = -logits.masked_fill(removed.unsqueeze(1), -torch.inf).log_softmax(-1)[row, :, column]
        valid = targets.span_mask.any(1)
        return joint_ratio((loss * valid.unsqueeze(1)).sum(), valid.sum() * loss.shape[1])


@MODELS.register_module()
class SentenceToMomentLoss(_MutualMatchingLoss):
    """Softmax loss of a sentence over the candidate moments of all videos (MMN, equation 5; ``loss_sent``).

    Candidates of the video of the sentence that overlap the ground truth are not negatives. Under distributed training
    the softmax runs over the videos of all processes.

    Args:
        negative_iou: Candidates of the same video are negatives below this IoU.
        removed: Contribution of the other candidates of the video to the denominator: none (``excluded``), or
            ``exp(0)`` (``zero``), because the official code multiplies the cosine by the mask before the exponential.
        **kwargs: See :class:`_MutualMatchingLoss`.

    Raises:
        ValueError: If ``removed`` is unknown.
    """

    #: Added to the denominator in the official code.
    _EPS = math.log(1e-6)

    def __init__(self, negative_iou: float = 0.5, removed: str = 'excluded', **kwargs: Any):
        super().__init__(**kwargs)
        self.negative_iou = negative_iou
        self.removed = check_choice(self, 'removed', removed, _REMOVED)

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss, the mean over positives; see :meth:`DenseLoss.forward`."""
        video, iou = video_rows(outputs), candidate_iou(outputs, targets)
        moments, sentences = outputs.memory.proposals.contrastive.unit()
        cosine = (self.positives(moments, video, iou) @ sentences.unsqueeze(-1)).squeeze(-1)
        positive = (cosine - self.margin) / self.temperature  # (B, K)
        gathered, start = gather_rows(rearrange(moments, 'v m d -> v (m d)'))
        num_videos, num_moments = len(gathered), moments.shape[1]
        candidates = rearrange(gathered, 'v (m d) -> (v m) d', m=num_moments)
        logits = rearrange(sentences @ candidates.t(), 'b (v m) -> b v m', v=num_videos) / self.temperature
        own_video = F.one_hot(video + start, num_videos).bool()
        removed = own_video.unsqueeze(-1) & (iou >= self.negative_iou).unsqueeze(1)
        logits = logits.masked_fill(removed, 0.0 if self.removed == 'zero' else -torch.inf)
        negative = rearrange(logits, 'b v m -> b (v m)').logsumexp(1)
        negative = torch.logaddexp(negative, negative.new_full((), self._EPS)).unsqueeze(1)
        loss = torch.logaddexp(positive, negative) - positive
        valid = targets.span_mask.any(1)
        return joint_ratio((loss * valid.unsqueeze(1)).sum(), valid.sum() * loss.shape[1])
