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

    Sentences that the head judges with videos of other samples count as further samples, which describe nothing unless
    the video is of the same source (CausalVTG).

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
        existence = outputs.existence
        logits = existence.logits
        label = torch.ones_like(logits) if targets.described is None else targets.described.to(logits.dtype)
        if existence.mismatched is not None:
            logits = torch.cat((logits.unsqueeze(1), existence.mismatched), dim=1)
            label = label.unsqueeze(1)
            label = torch.cat((label, label * existence.same_video), dim=1)
        return joint_mean(F.binary_cross_entropy_with_logits(logits, label, reduction='none'))
