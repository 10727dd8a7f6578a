"""Losses that align video and text (SA-DETR, section 3.2; from CLIP, TR-DETR and UniVTG)."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvmr.models.layers import masked_mean, sentence_token
from mmvmr.models.losses.base import DenseLoss, check_padding, padded_mean
from mmvmr.models.losses.gather import gather_rows, joint_cross_entropy
from mmvmr.registry import MODELS
from mmvmr.structures import MomentTargets, Outputs, Tokens
from mmvmr.utils import check_choice

_STAGES = ('before', 'after', 'levels')
_SENTENCES = ('mean', 'unit_mean', 'token')


def stage_clips(outputs: Outputs, stage: str) -> Tensor:
    """Clips before or after the fusion with the text.

    Args:
        outputs: Everything that the model produced.
        stage: ``before`` for the projected clips, ``after`` for the fused ones (the encoded ones where an encoder
            does not tell them apart), ``levels`` for the finest level of a pyramid.

    Returns:
        (B, Lv, D).

    Raises:
        ValueError: If the encoder makes no pyramid.
    """
    if stage == 'before':
        return outputs.features.video.feat
    if stage == 'levels':
        if outputs.memory.levels is None:
            raise ValueError("stage='levels' needs an encoder that makes levels, e.g. FeatureLayeringEncoder")
        return outputs.memory.levels[0].feat[:, : outputs.features.video.feat.shape[1]]
    return outputs.memory.fused_clips


def stage_text(outputs: Outputs, stage: str) -> Tokens:
    """Text tokens ``before`` the fusion, or ``after`` it where the encoder keeps them."""
    if stage == 'after' and outputs.memory.text is not None:
        return outputs.memory.text
    return outputs.features.text


def stage_sentence(outputs: Outputs, stage: str, sentence: str) -> Tensor:
    """One vector per sentence.

    Args:
        outputs: Everything that the model produced.
        stage: ``before`` or ``after`` the fusion, for the text tokens that a mean is taken of.
        sentence: ``mean`` of the text tokens; ``unit_mean`` of the L2-normalised text tokens (TR-DETR); ``token`` for
            the one that the encoder pooled, where it did.

    Returns:
        (B, D).
    """
    if sentence == 'token':
        return sentence_token(outputs.memory)
    text = stage_text(outputs, stage)
    return masked_mean(F.normalize(text.feat, dim=-1) if sentence == 'unit_mean' else text.feat, text.mask)


class AlignmentLoss(DenseLoss):
    """A loss between clips and sentences.

    Args:
        stage: See :func:`stage_clips`.
        sentence: See :func:`stage_sentence`; by default ``mean`` before and ``token`` after the fusion.
        temperature: Divides the similarities.
        weight: Factor in the total.
    """

    def __init__(
        self, stage: str = 'after', sentence: str | None = None, temperature: float = 0.07, weight: float = 1.0
    ):
        super().__init__(weight)
        sentence = sentence or ('mean' if stage == 'before' else 'token')
        self.sentence = check_choice(self, 'sentence', sentence, _SENTENCES)
        self.stage = check_choice(self, 'stage', stage, _STAGES)
        self.temperature = temperature

    def clips(self, outputs: Outputs) -> Tensor:
        """Unit vectors of the clips (B, Lv, D)."""
        return F.normalize(stage_clips(outputs, self.stage), dim=-1)

    def sentences(self, outputs: Outputs) -> Tensor:
        """Vectors of the sentences (B, D), of unit length but for ``unit_mean``, which the official code leaves."""
        vector = stage_sentence(outputs, self.stage, self.sentence)
        return vector if self.sentence == 'unit_mean' else F.normalize(vector, dim=-1)

    def similarity(self, outputs: Outputs) -> Tensor:
        """Similarity of every clip with its own sentence, divided by the temperature (B, Lv)."""
        return (self.clips(outputs) @ self.sentences(outputs).unsqueeze(-1)).squeeze(-1) / self.temperature


@MODELS.register_module()
class VideoTextContrastiveLoss(DenseLoss):
    """Symmetric InfoNCE between the mean clip and the mean text token over the batch (CLIP; SA-DETR's L_vtc).

    Under distributed training the contrast runs over the samples of all processes.

    Args:
        stage: Features ``before`` or ``after`` the fusion.
        temperature: Initial temperature.
        learnable: Learn the logarithm of the inverse temperature, as CLIP does.
        max_scale: Upper bound of the inverse temperature (CLIP).
        padding: ``exclude`` takes means over what exists; ``include`` over the padded lengths (official TR-DETR).
        weight: Factor in the total.
        sentence: ``mean`` of the text tokens, or ``token``, see :func:`stage_sentence`; with ``padding='exclude'``.
    """

    described_only = True

    def __init__(
        self,
        stage: str = 'before',
        temperature: float = 0.07,
        learnable: bool = True,
        max_scale: float = 100.0,
        padding: str = 'exclude',
        weight: float = 1.0,
        sentence: str = 'mean',
    ):
        super().__init__(weight)
        self.stage = check_choice(self, 'stage', stage, _STAGES)
        self.sentence = check_choice(self, 'sentence', sentence, ('mean', 'token'))
        self.max_scale = max_scale
        self.padding = check_padding(self, padding)
        scale = torch.tensor(-math.log(temperature))
        if learnable:
            self.log_scale = nn.Parameter(scale)
        else:
            self.register_buffer('log_scale', scale, persistent=False)

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss, the mean over both directions; see :meth:`DenseLoss.forward`."""
        if self.padding == 'include':
            video, text = stage_clips(outputs, self.stage).mean(1), stage_text(outputs, self.stage).feat.mean(1)
        else:
            video = masked_mean(stage_clips(outputs, self.stage), targets.clip_mask)
            text = stage_sentence(outputs, self.stage, self.sentence)
        video, text = F.normalize(video, dim=-1), F.normalize(text, dim=-1)
        return symmetric_contrast(video, text, self.log_scale.exp().clamp(max=self.max_scale))


def symmetric_contrast(video: Tensor, text: Tensor, scale: Tensor | float = 1.0) -> Tensor:
    """InfoNCE between videos and sentences, unit vectors (B, D), over the samples of all processes.

    ``scale`` multiplies the cosines; the result is the mean over both directions.
    """
    (all_video, start), (all_text, _) = gather_rows(video), gather_rows(text)
    label = torch.arange(len(video), device=video.device) + start
    return 0.5 * (
        joint_cross_entropy(scale * video @ all_text.t(), label)
        + joint_cross_entropy(scale * text @ all_video.t(), label)
    )


@MODELS.register_module()
class ClipTextLocalLoss(AlignmentLoss):
    """Binary cross-entropy: is a clip, by its similarity with the sentence, part of the moment (TR-DETR's loss_ctc).

    Args:
        padding: ``exclude`` takes the mean over the clips that exist; ``include`` reproduces the official code,
            where a padded clip counts with similarity 0 and adds log 2.
        stage: See :class:`AlignmentLoss`.
        sentence: See :class:`AlignmentLoss`.
        temperature: Divides the similarities.
        weight: Factor in the total.

    Raises:
        ValueError: If an option is unknown.
    """

    def __init__(self, padding: str = 'exclude', **kwargs: Any):
        super().__init__(**kwargs)
        self.padding = check_padding(self, padding)

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss; see :meth:`DenseLoss.forward`."""
        logits = self.similarity(outputs).where(targets.clip_mask, 0.0)
        loss = F.binary_cross_entropy_with_logits(logits, targets.clips.to(logits.dtype), reduction='none')
        return padded_mean(loss, targets.clip_mask, self.padding)
