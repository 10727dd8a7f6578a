"""Loss on the existence of any moment (generalized moment retrieval)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvmr.models.losses.base import DenseLoss
from mmvmr.models.losses.gather import joint_mean
from mmvmr.registry import MODELS
from mmvmr.structures import MomentTargets, Outputs


@MODELS.register_module()
class ExistenceLoss(DenseLoss):
    """Binary cross-entropy: does the sentence describe anything in the video (Soccer-GMR).

    Args:
        weight: Factor in the total.
    """

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss, the mean over the samples; see :meth:`DenseLoss.forward`.

        Raises:
            ValueError: If the model has no existence head.
        """
        if outputs.existence is None:
            raise ValueError("ExistenceLoss needs model.existence_head, e.g. dict(type='ExistenceHead')")
        logits = outputs.existence.logits
        label = torch.ones_like(logits) if targets.described is None else targets.described.to(logits.dtype)
        return joint_mean(F.binary_cross_entropy_with_logits(logits, label, reduction='none'))
