"""Which sentence of the batch serves as the negative of a video."""

from __future__ import annotations

import torch
from torch import Tensor

from mmvmr.registry import TASK_UTILS

from ...structures import Features, MomentTargets, Tokens


@TASK_UTILS.register_module()
class RollNegativeSampler:
    """Every video takes the sentence of the next sample of the batch (QD-DETR).

    Args:
        exclude_same_video: Mark pairs whose sentence belongs to the same source video as no negatives. The official
            code of QD-DETR does not look (that of CG-DETR does).
    """

    def __init__(self, exclude_same_video: bool = True):
        self.exclude_same_video = exclude_same_video

    def __call__(self, features: Features, targets: MomentTargets) -> tuple[Tokens, Tensor]:
        """Choose negatives.

        Args:
            features: Projected inputs.
            targets: Ground truth, for the source video of every sample.

        Returns:
            The negative words, and which samples have a real negative (B,).
        """
        text = features.text
        rolled = Tokens(
            text.feat.roll(-1, 0), text.mask.roll(-1, 0), None if text.pos is None else text.pos.roll(-1, 0)
        )
        video = targets.video_index
        valid = video != video.roll(-1, 0) if self.exclude_same_video else torch.ones_like(video, dtype=torch.bool)
        return rolled, valid
