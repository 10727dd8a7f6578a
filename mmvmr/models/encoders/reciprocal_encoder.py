"""Highlight scores that help retrieving moments (TR-DETR)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.registry import MODELS
from mmvmr.structures import ClipScores, Features, Memory, MomentTargets
from mmvmr.utils import check_choice


@MODELS.register_module()
class ReciprocalEncoder(nn.Module):
    """Encode, score the clips, and encode again with the highlights emphasised (TR-DETR's HD2MR, section 3.4).

    ::

        fused clips F -- layers --> M' -- score, softmax over clips --> w
        M' + w * F -- the same layers --> M

    The score of a clip is ``sum_k (W m + b)_k / sqrt(D)``, a linear function with more weights than it needs.

    Args:
        embed_dims: Channels D.
        fusion: Config of the fusion.
        layers: Config of the stack, e.g. :class:`TransformerEncoder`.
        padding: ``exclude`` takes the softmax over the clips that exist; ``include`` over the padded length, as the
            official code does.

    Raises:
        ValueError: If ``padding`` is unknown.
    """

    def __init__(self, embed_dims: int, fusion: dict[str, Any], layers: dict[str, Any], padding: str = 'exclude'):
        super().__init__()
        self.padding = check_choice(self, 'padding', padding, ('exclude', 'include'))
        self.fusion = MODELS.build(fusion)
        self.layers = MODELS.build(layers)
        self.score = nn.Linear(embed_dims, embed_dims)

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """Memory whose context is the video, with :class:`ClipScores` for :class:`MomentGuidedSaliencyHead`."""
        fused = self.fusion(features)
        feat, mask, pos = fused.video.feat, fused.video.mask, fused.video.position()
        first = self.layers(feat, mask, pos)
        scores, bias = self.clip_scores(first)
        if self.padding == 'exclude':
            scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        # The bias is common to all clips: the softmax does not see it.
        emphasised = first + scores.softmax(-1).unsqueeze(-1) * feat
        video = features.video.replace(self.layers(emphasised, mask, pos))
        scores, bias = self.clip_scores(video.feat)
        highlights = ClipScores(features.video.feat, scores, bias.expand(len(scores)))
        return Memory(video=video, context=video, text=fused.text, fused=feat, extras=(highlights,))

    def clip_scores(self, feat: Tensor) -> tuple[Tensor, Tensor]:
        """Score of every clip without its bias (B, Lv), and the bias, a scalar."""
        scale = 1 / math.sqrt(feat.shape[-1])
        return (feat @ self.score.weight.sum(0)) * scale, self.score.bias.sum() * scale
