"""Losses of BM-DETR on the probability of clips and on pooled clips and text tokens."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvmr.models.losses.alignment_losses import stage_text
from mmvmr.models.losses.base import DenseLoss
from mmvmr.models.losses.gather import gather_rows, joint_ratio
from mmvmr.registry import MODELS
from mmvmr.structures import FrameMatch, MomentTargets, Outputs
from mmvmr.utils import check_choice


@MODELS.register_module()
class FrameGuidanceLoss(DenseLoss):
    """Clips of a moment are probable, the others are not (BM-DETR, eq. 16): ``1 - mean_in(p) + mean_out(p)``.

    The mean runs over the samples with a clip inside a moment.

    Args:
        target: The constant of the loss, which changes nothing but its value.
        weight: Factor in the total.
    """

    def __init__(self, target: float = 1.0, weight: float = 1.0):
        super().__init__(weight)
        self.target = target

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss; see :meth:`DenseLoss.forward`.

        Raises:
            ValueError: If the encoder makes no frame probability.
        """
        match = outputs.memory.extra(FrameMatch, self)
        inside, outside = targets.clips & match.mask, ~targets.clips & match.mask
        value = self.target - _mean(match.prob, inside) + _mean(match.prob, outside)
        valid = inside.any(1)
        return joint_ratio((value * valid).sum(), valid.sum())


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over the clips of a mask (B,), 0 where it is empty."""
    return (values * mask).sum(1) / mask.sum(1).clamp(min=1)


@MODELS.register_module()
class PooledAlignmentLoss(DenseLoss):
    """Pooled clips and pooled text tokens of a pair are closer than those of other pairs (BM-DETR, eq. 9 to 11 and 17).

    ``-log(exp(s_ii / t) / sum_j exp(s_ij / t))`` with the cosine s of pooled video i and pooled sentence j, averaged
    over the videos with a negative. Under distributed training the sentences are those of all processes; those of the
    same video are known only in the same process.

    Args:
        embed_dims: Channels D.
        pool: Config of a pooling ``f(x, mask)``, built once for clips and once for text tokens.
        projection_dims: Channels of a linear layer after each pooling, as in the official code; None for none.
        temperature: Divides the cosines.
        denominator: The sum runs over the ``negatives`` only, as printed, or over ``all`` sentences (InfoNCE), as in
            the official code.
        same_video: ``exclude`` other sentences and other views of the same video from the sum, or ``include`` them.
        weight: Factor in the total.
        text_embed_dims: Channels of text tokens, where they differ from D (SnAG): a linear map to D, or to
            ``projection_dims``, follows the pooling.

    Raises:
        ValueError: If an option is unknown.
    """

    described_only = True

    def __init__(
        self,
        embed_dims: int,
        pool: dict[str, Any] | None = None,
        projection_dims: int | None = None,
        temperature: float = 0.07,
        denominator: str = 'negatives',
        same_video: str = 'exclude',
        weight: float = 1.0,
        text_embed_dims: int | None = None,
    ):
        super().__init__(weight)
        check_choice(self, 'denominator', denominator, ('negatives', 'all'))
        check_choice(self, 'same_video', same_video, ('exclude', 'include'))
        width = text_embed_dims or embed_dims
        pool = {'type': 'AttentionPool', **(pool or {})}
        self.video_pool = MODELS.build({**pool, 'embed_dims': embed_dims})
        self.text_pool = MODELS.build({**pool, 'embed_dims': width})
        self.video_projection = _projection(embed_dims, projection_dims)
        self.text_projection = _projection(width, projection_dims or (None if width == embed_dims else embed_dims))
        self.temperature = temperature
        self.denominator = denominator
        self.same_video = same_video

    def pooled(self, outputs: Outputs) -> tuple[Tensor, Tensor]:
        """Unit vectors of the videos and of their sentences, (B, D) each."""
        video, text = outputs.memory.video, stage_text(outputs, 'after')
        return (
            F.normalize(self.video_projection(self.video_pool(video.feat, video.mask)), dim=-1),
            F.normalize(self.text_projection(self.text_pool(text.feat, text.mask)), dim=-1),
        )

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss; see :meth:`DenseLoss.forward`."""
        video, text = self.pooled(outputs)
        sentences, start = gather_rows(text)
        logits = video @ sentences.t() / self.temperature
        rows = torch.arange(len(video), device=video.device)
        own_sentence = F.one_hot(rows + start, len(sentences)).bool()
        negative = ~own_sentence
        if self.same_video == 'exclude':
            same = targets.video_index[:, None] == targets.video_index
            negative[:, start : start + len(video)] &= ~same
        counted = negative if self.denominator == 'negatives' else negative | own_sentence
        total = logits.masked_fill(~counted, torch.finfo(logits.dtype).min).logsumexp(1)
        valid = counted.any(1)
        values = total - logits[rows, rows + start]
        return joint_ratio(values.where(valid, 0.0).sum(), valid.sum())


def _projection(in_dims: int, out_dims: int | None) -> nn.Module:
    return nn.Identity() if out_dims is None else nn.Linear(in_dims, out_dims)
