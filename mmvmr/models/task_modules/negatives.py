"""Samplers of in-batch mismatched pairs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmengine.logging import MessageHub
from torch import Tensor

from mmvmr.models.layers import masked_mean
from mmvmr.registry import TASK_UTILS
from mmvmr.structures import Features, Memory, MomentTargets, Similarities, Tokens, map_tensors
from mmvmr.utils import check_choice


@TASK_UTILS.register_module()
class RollNegativeSampler:
    """Every video takes the sentence of the next sample of the batch (QD-DETR).

    Under distributed training that is the batch of the process: sentences are not exchanged, so that which negatives
    a step sees depends on how the samples are divided among processes, as it does on their order. Losses average over
    the negatives of all processes.

    Args:
        exclude_same_video: Mark pairs whose sentence belongs to the same source video as no negatives. The official
            code of QD-DETR does not look (that of CG-DETR does).
    """

    def __init__(self, exclude_same_video: bool = True):
        self.exclude_same_video = exclude_same_video

    def __call__(
        self, features: Features, targets: MomentTargets, memory: Memory | None = None
    ) -> tuple[Tokens, Tensor]:
        """The negative text tokens, and which samples have a real negative (B,), by the source video of the targets."""
        text = features.text
        rolled = map_tensors(text, lambda t: t.roll(-1, 0))
        video = targets.video_index
        valid = video != video.roll(-1, 0) if self.exclude_same_video else torch.ones_like(video, dtype=torch.bool)
        return rolled, valid


@TASK_UTILS.register_module()
class SimilarityNegativeSampler:
    """Every video takes the sentence of the batch that is least similar to it, once similarities mean much (UVCOM).

    Similarity is the mean of two softmax functions over the sentences: of the cosines with the global token, and of
    the mean cosine over the clips. Before ``start_epoch`` :class:`RollNegativeSampler` chooses. Like there, the batch
    is that of the process.

    Args:
        start_epoch: First epoch, counted from 0, in which similarity decides.
        exclude_same_video: Neither a sentence of the same source video is chosen, nor, of course, the own one. The
            official code checks nothing: a sample can get its own sentence as the negative one.
        padding: ``exclude`` averages over the clips that exist; ``include`` reproduces the official code.

    Raises:
        ValueError: If ``padding`` is unknown.
    """

    def __init__(self, start_epoch: int = 80, exclude_same_video: bool = True, padding: str = 'exclude'):
        self.start_epoch = start_epoch
        self.exclude_same_video = exclude_same_video
        self.padding = check_choice(self, 'padding', padding, ('exclude', 'include'))
        self.roll = RollNegativeSampler(exclude_same_video)

    def __call__(self, features: Features, targets: MomentTargets, memory: Memory) -> tuple[Tokens, Tensor]:
        """As :meth:`RollNegativeSampler.__call__`, by the :class:`Similarities` of the memory.

        Raises:
            ValueError: If similarities are needed and the encoder made none.
        """
        if MessageHub.get_current_instance().get_info('epoch', 0) < self.start_epoch:
            return self.roll(features, targets)
        index, valid = self.choose(memory, targets)
        return map_tensors(features.text, lambda t: t[index]), valid

    @torch.no_grad()
    def choose(self, memory: Memory, targets: MomentTargets) -> tuple[Tensor, Tensor]:
        """Index of the least similar sentence of every video (B,), and whether it may serve as a negative (B,)."""
        similarities = memory.extra(Similarities, self)
        sentences = similarities.sentence.t()
        mask = targets.clip_mask if self.padding == 'exclude' else torch.ones_like(targets.clip_mask)
        weight = mask.unsqueeze(-1) / mask.sum(1).clamp(min=1)[:, None, None]
        clip_mean = ((similarities.clips @ sentences) * weight).sum(1)
        score = ((similarities.video @ sentences).softmax(-1) + clip_mean.softmax(-1)) / 2
        if not self.exclude_same_video:
            return score.argmin(1), torch.ones(len(score), dtype=torch.bool, device=score.device)
        same = targets.video_index[:, None] == targets.video_index
        return score.masked_fill(same, torch.inf).argmin(1), ~same.all(1)


@TASK_UTILS.register_module()
class NextVideoSampler:
    """Every sentence takes the video of the next sample of the batch of its process (CausalVTG)."""

    def __call__(self, features: Features, targets: MomentTargets) -> Tensor:
        """Index of a video for every sentence (B,); it may be of the same source video."""
        return torch.arange(len(targets.video_index), device=targets.video_index.device).roll(-1)


@TASK_UTILS.register_module()
class SimilarSentenceSampler:
    """Every sentence takes the video of the most similar other sentence of the batch of its process (CausalVTG).

    Similar by the cosine of their mean tokens after projection.
    """

    @torch.no_grad()
    def __call__(self, features: Features, targets: MomentTargets) -> Tensor:
        """As :meth:`NextVideoSampler.__call__`; in a batch of one its own video."""
        sentence = F.normalize(masked_mean(features.text.feat, features.text.mask), dim=-1)
        return (sentence @ sentence.t()).fill_diagonal_(-torch.inf).argmax(1)
