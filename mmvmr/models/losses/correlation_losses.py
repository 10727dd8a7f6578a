"""Losses of CG-DETR: moments and sentences, and what they teach the cross-attention."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvmr.models.losses.base import DenseLoss, check_padding, padded_mean
from mmvmr.models.losses.gather import gather_rows, joint_cross_entropy, joint_mean
from mmvmr.registry import MODELS
from mmvmr.structures import AdaptiveAttention, AlignmentTokens, MomentTargets, Outputs
from mmvmr.utils import check_choice


def moment_logits(tokens: AlignmentTokens, sentence: Tensor) -> tuple[Tensor, int]:
    """Compute the cosines of moment and non-moment tokens with all sentences of the step, without a temperature.

    Under distributed training these are the sentences of all processes. Only a moment chooses, among sentences: the
    moments of other processes are not needed.

    Args:
        tokens: Moment and non-moment tokens of the batch.
        sentence: One vector per sentence (B, D), the sentence or the dummy sentence.

    Returns:
        (B, 2 B'), the moment first, then the rest of the same video; and the column of the sentence of row 0.
    """
    texts, start = gather_rows(F.normalize(sentence, dim=1))
    both = (F.normalize(token, dim=1) for token in (tokens.moment, tokens.non_moment))
    return torch.cat([x @ texts.t() for x in both], dim=1), start


@MODELS.register_module()
class MomentSentenceLoss(DenseLoss):
    """A moment is nearer to its sentence than to other sentences, and nearer than the rest of its video (CG-DETR).

    Args:
        weight: Factor in the total.
    """

    described_only = True

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss; see :meth:`DenseLoss.forward`."""
        tokens = outputs.memory.extra(AlignmentTokens, self)
        logits, start = moment_logits(tokens, tokens.sentence)
        return joint_cross_entropy(logits, torch.arange(len(logits), device=logits.device) + start)


@MODELS.register_module()
class MomentDummyLoss(DenseLoss):
    """A moment keeps away from what the dummies of its sentence stand for (CG-DETR).

    Args:
        labels: ``others`` is ``-log(1 - p)`` with the probability p of the own dummy sentence: any other pair, and the
            rest of the video, may be near. The official code passes this set of labels through an argmax, which
            leaves ``first``: sample 0 is drawn to dummy sentence 1, all others to dummy sentence 0.
        weight: Factor in the total.

    Raises:
        ValueError: If ``labels`` is unknown.
    """

    described_only = True

    def __init__(self, labels: str = 'others', weight: float = 1.0):
        super().__init__(weight)
        self.labels = check_choice(self, 'labels', labels, ('others', 'first'))

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss; see :meth:`DenseLoss.forward`."""
        tokens = outputs.memory.extra(AlignmentTokens, self)
        logits, start = moment_logits(tokens, tokens.dummy_sentence)
        rows = torch.arange(len(logits), device=logits.device)
        if self.labels == 'first':
            return joint_cross_entropy(logits, (rows + start == 0).long())
        others = torch.ones_like(logits, dtype=torch.bool)
        others[rows, rows + start] = False
        return joint_mean(logits.logsumexp(1) - logits.masked_fill(~others, -torch.inf).logsumexp(1))


@MODELS.register_module()
class MomentClipLoss(DenseLoss):
    """Binary cross-entropy: does a clip, by its product with the moment token, belong to the moment (CG-DETR).

    Args:
        padding: ``exclude`` takes the mean over the clips that exist; ``include`` divides by the padded length.
        form: ``logits``, or ``probability`` as published: sigmoid and logarithm apart, whose gradient vanishes where
            the sigmoid is 0 or 1 in float32.
        weight: Factor in the total.

    Raises:
        ValueError: If an option is unknown.
    """

    def __init__(self, padding: str = 'exclude', form: str = 'logits', **kwargs: Any):
        super().__init__(**kwargs)
        self.form = check_choice(self, 'form', form, ('logits', 'probability'))
        self.padding = check_padding(self, padding)

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss; see :meth:`DenseLoss.forward`."""
        inside, label = targets.clips.unsqueeze(-1), targets.clips.float()
        tokens = outputs.memory.extra(AlignmentTokens, self)
        clips = torch.where(inside, tokens.moment_clips, tokens.non_moment_clips)
        logits = (clips @ tokens.moment.unsqueeze(-1)).squeeze(-1)
        if self.form == 'logits':
            loss = F.binary_cross_entropy_with_logits(logits, label, reduction='none')
        else:
            loss = F.binary_cross_entropy(logits.sigmoid(), label, reduction='none')
        return padded_mean(loss * targets.clip_mask, targets.clip_mask, self.padding)


@MODELS.register_module()
class AttentionDistillLoss(DenseLoss):
    """The cross-attention of a moment clip follows its affinity with dummies and text tokens (CG-DETR, section 3.2).

    Kullback-Leibler divergence, averaged over the tokens and the clips of moments; 0 for a batch without moments,
    where the official code gives NaN.

    Args:
        padding: ``include`` reproduces the official code, whose softmax of the affinities runs over padded text tokens
            too.
        weight: Factor in the total.

    Raises:
        ValueError: If ``padding`` is unknown.
    """

    def __init__(self, padding: str = 'exclude', **kwargs: Any):
        super().__init__(**kwargs)
        self.padding = check_padding(self, padding)

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss; see :meth:`DenseLoss.forward`."""
        tokens = outputs.memory.extra(AlignmentTokens, self)
        affinity = tokens.moment_clips @ tokens.text.transpose(1, 2)
        count = float(affinity.shape[-1])
        if self.padding == 'exclude':
            mask = tokens.text_mask.unsqueeze(1)
            affinity, count = affinity.masked_fill(~mask, -torch.inf), mask.sum(-1)
        wanted = affinity.detach().softmax(-1)
        weights = outputs.memory.extra(AdaptiveAttention, self).weights
        divergence = F.kl_div((weights + 1e-6).log(), wanted, reduction='none')
        return padded_mean(divergence.sum(-1) / count, targets.clips & targets.clip_mask, 'exclude')


@MODELS.register_module()
class OrthogonalTokenLoss(DenseLoss):
    """The tokens of a set point in different directions (CG-DETR): mean absolute cosine, the diagonal counted as 0.

    Args:
        tokens: ``dummies`` or ``prompts``.
        weight: Factor in the total.

    Raises:
        ValueError: If ``tokens`` is unknown.
    """

    def __init__(self, tokens: str = 'dummies', weight: float = 1.0):
        super().__init__(weight)
        self.tokens = check_choice(self, 'tokens', tokens, ('dummies', 'prompts'))

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss; see :meth:`DenseLoss.forward`.

        Raises:
            ValueError: If the encoder makes no such tokens.
        """
        tokens = getattr(outputs.memory.extra(AdaptiveAttention, self), self.tokens)
        if tokens is None:
            raise ValueError(f'OrthogonalTokenLoss: the encoder makes no {self.tokens}, use PromptTokenEncoder')
        unit = F.normalize(tokens, dim=-1)
        cosine = unit @ unit.detach().transpose(1, 2)
        eye = torch.eye(unit.shape[1], dtype=torch.bool, device=unit.device)
        return joint_mean(cosine.masked_fill(eye, 0).abs())
