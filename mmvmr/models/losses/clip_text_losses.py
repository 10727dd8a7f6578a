"""Losses between a clip of the moment and sentences (UniVTG, Lin et al., ICCV 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvmr.models.losses.alignment_losses import AlignmentLoss
from mmvmr.models.losses.gather import gather_rows, joint_ratio, mean_over_ranks
from mmvmr.registry import MODELS
from mmvmr.structures import MomentTargets, Outputs, PooledText
from mmvmr.utils import check_choice


def positive_clips(targets: MomentTargets, pair: int = -1) -> tuple[Tensor, Tensor]:
    """A clip of the moment for every sample: the higher one of its last ranked pair, a random relevant clip.

    Args:
        targets: Ground truth of the batch.
        pair: The ranked pair; the first one of rated clips has the best rated clip.

    Returns:
        Clip indices (B,) and which samples have one (B,). A sample without ranked pairs (nothing is outside its
        moments) takes its best rated clip. Without a single rated clip in the batch no sample has one (UniVTG).
    """
    drawn = targets.pairs[:, 0, pair]
    best = targets.saliency.where(targets.clip_mask & targets.clips, -1.0)
    value, fallback = best.max(1)
    rated = mean_over_ranks((targets.saliency.where(targets.clip_mask, 0.0) > 0).any().float()) > 0
    return torch.where(drawn >= 0, drawn, fallback), ((drawn >= 0) | (value >= 0)) & rated


def mean_over(values: Tensor, valid: Tensor) -> Tensor:
    """Share of this process in the mean of values (B,) over the valid samples (B,) of all processes: a scalar."""
    return joint_ratio((values * valid).sum(), valid.sum())


@MODELS.register_module()
class ClipTextIntraLoss(AlignmentLoss):
    """A clip of the moment against the lower rated clips of its video, under its sentence (UniVTG, L_intra).

    Args:
        directions: ``clips`` is the loss of the paper. UniVTG's official code adds ``batch``: the transposed
            softmax, over the clips of the whole batch (of all processes) at the same index.
        positive: ``drawn`` takes a random relevant clip, ``best`` the best rated one (R2-Tuning, FlashVTG).
        ties: Compare with clips of the same rating, too (R2-Tuning, FlashVTG).
        stage: See :class:`AlignmentLoss`.
        sentence: See :class:`AlignmentLoss`.
        temperature: Divides the similarities.
        weight: Factor in the total.

    Raises:
        ValueError: If a direction or ``positive`` is unknown.
    """

    # log(1e-45) in float32, which the official code adds to clips that do not take part.
    _LEFT_OUT = -103.2789

    def __init__(
        self, directions: Sequence[str] = ('clips',), positive: str = 'drawn', ties: bool = False, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.pair = {'drawn': -1, 'best': 0}[check_choice(self, 'positive', positive, ('drawn', 'best'))]
        self.ties = ties
        if not directions or not set(directions) <= {'clips', 'batch'}:
            raise ValueError(f"ClipTextIntraLoss: directions={directions!r}, expected 'clips' and / or 'batch'")
        self.directions = tuple(directions)

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss, the mean over the samples with a moment; see :meth:`DenseLoss.forward`."""
        clip, valid = positive_clips(targets, self.pair)
        rows = torch.arange(len(clip), device=clip.device)
        rating = targets.saliency[rows, clip].unsqueeze(-1)
        lower = targets.saliency <= rating if self.ties else targets.saliency < rating
        chosen = F.one_hot(clip, lower.shape[1]).bool()
        compared = (lower & targets.clip_mask) | chosen
        similarity = self.similarity(outputs).where(targets.clip_mask, 0.0)
        logits = similarity + torch.where(compared, 0.0, self._LEFT_OUT / self.temperature)
        total = similarity.new_zeros(())
        if 'clips' in self.directions:
            total = total - mean_over(logits.log_softmax(1)[rows, clip], valid)
        if 'batch' in self.directions:
            # Narrower batches of other processes are filled up with clips that do not take part.
            everywhere, start = gather_rows(logits, fill=self._LEFT_OUT / self.temperature)
            total = total - mean_over(everywhere.log_softmax(0)[rows + start, clip], valid)
        return total


def chosen_pairs(clips: Tensor, sentences: Tensor, valid: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Log probabilities that a clip chooses its sentence, and a sentence its clip, among those of all processes.

    Args:
        clips: A clip of every sample (B, D).
        sentences: Its sentence (B, D).
        valid: Samples with a moment (B,): one without has no clip to be chosen, but its sentence may be chosen.
        temperature: Divides the products.

    Returns:
        Both (B,).
    """
    (all_clips, start), (all_sentences, _) = gather_rows(clips), gather_rows(sentences)
    local = slice(start, start + len(clips))
    logits = all_clips @ all_sentences.t() / temperature
    present, _ = gather_rows(torch.where(valid, 0.0, -1e4).unsqueeze(-1))
    to_sentence = logits[local].log_softmax(1).diagonal(start)
    to_clip = (logits + present)[:, local].log_softmax(0).diagonal(-start)
    return to_sentence, to_clip


@MODELS.register_module()
class ClipTextInterLoss(AlignmentLoss):
    """A clip of the moment and its sentence against the other sentences and moments of the batch (UniVTG, L_inter).

    Under distributed training these are the sentences and moments of all processes.

    Args:
        directions: ``texts`` lets the clip choose among the sentences, ``clips`` the sentence among the clips; the
            terms of both are added, as published.
        stage: See :class:`AlignmentLoss`.
        sentence: See :class:`AlignmentLoss`.
        temperature: Divides the similarities.
        weight: Factor in the total.

    Raises:
        ValueError: If a direction is unknown.
    """

    def __init__(self, directions: Sequence[str] = ('texts', 'clips'), **kwargs: Any):
        super().__init__(**kwargs)
        if not directions or not set(directions) <= {'texts', 'clips'}:
            raise ValueError(f"ClipTextInterLoss: directions={directions!r}, expected 'texts' and / or 'clips'")
        self.directions = tuple(directions)

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss, the mean over the samples with a moment; see :meth:`DenseLoss.forward`."""
        clip, valid = positive_clips(targets)
        rows = torch.arange(len(clip), device=clip.device)
        pairs = chosen_pairs(self.clips(outputs)[rows, clip], self.sentences(outputs), valid, self.temperature)
        chosen = [pair for name, pair in zip(('texts', 'clips'), pairs, strict=True) if name in self.directions]
        return -mean_over(torch.stack(chosen).sum(0), valid)


@MODELS.register_module()
class ClipClassLoss(AlignmentLoss):
    """A clip of the moment chooses its class among the names of all (UniVTG's pre-training on action detection).

    Args:
        stage: See :class:`AlignmentLoss`.
        sentence: See :class:`AlignmentLoss`.
        temperature: Divides the similarities.
        weight: Factor in the total.
    """

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss, the mean over the samples with a moment; see :meth:`DenseLoss.forward`.

        Raises:
            ValueError: If the model got no names of classes, or the samples no class.
        """
        names = outputs.memory.extra(PooledText, self).classes
        if names is None or targets.classes is None:
            raise ValueError('ClipClassLoss needs inputs with class_text and samples with a class: see UniVTG')
        clip, valid = positive_clips(targets)
        rows = torch.arange(len(clip), device=clip.device)
        logits = self.clips(outputs)[rows, clip] @ F.normalize(names, dim=-1).t() / self.temperature
        return -mean_over(logits.log_softmax(1)[rows, targets.classes], valid)
