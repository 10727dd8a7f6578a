"""Losses over the layers of a frozen encoder (R2-Tuning, section 3.3)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvmr.models.losses.base import DenseLoss
from mmvmr.models.losses.clip_text_losses import chosen_pairs, mean_over, positive_clips
from mmvmr.registry import MODELS
from mmvmr.structures import LayerStates, MomentTargets, Outputs
from mmvmr.utils import check_choice


@MODELS.register_module()
class LayerContrastLoss(DenseLoss):
    """Granularity calibration: a clip of the moment and its sentence, layer by layer (R2-Tuning).

    Symmetric InfoNCE between the projected class token of a random relevant clip and the pooled sentence.

    Args:
        over: What a pair is compared with: those of the other ``samples`` in the same layer (of all processes), the
            mean over the layers; or those of the other ``layers`` of the same sample.
        temperature: Divides the cosines.
        weight: Factor in the total.

    Raises:
        ValueError: If ``over`` is unknown.
    """

    described_only = True

    def __init__(self, over: str = 'samples', temperature: float = 0.07, weight: float = 1.0):
        super().__init__(weight)
        self.over = check_choice(self, 'over', over, ('samples', 'layers'))
        self.temperature = temperature

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss, the mean over the samples with a moment; see :meth:`DenseLoss.forward`."""
        states = outputs.memory.extra(LayerStates, self)
        chosen, valid = positive_clips(targets)
        clips = F.normalize(states.clips[torch.arange(len(chosen), device=chosen.device), chosen], dim=-1)
        sentences = F.normalize(states.sentences, dim=-1)
        if self.over == 'layers':
            logits = clips @ sentences.transpose(1, 2) / self.temperature
            right = (logits.log_softmax(2) + logits.log_softmax(1)).diagonal(dim1=1, dim2=2)
        else:
            layers = zip(clips.unbind(1), sentences.unbind(1), strict=True)
            right = torch.stack([sum(chosen_pairs(*layer, valid, self.temperature)) for layer in layers], dim=1)
        return -0.5 * mean_over(right.mean(1), valid)
