"""A learned token that sums up the fused video (QD-DETR's saliency token)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.registry import MODELS
from mmvmr.structures import Features, Memory, MomentTargets, Tokens


@MODELS.register_module()
class GlobalToken(nn.Module):
    """A learned vector with a learned position, put in front of a sequence.

    Args:
        embed_dims: Channels D.
    """

    def __init__(self, embed_dims: int):
        super().__init__()
        self.feat = nn.Parameter(torch.randn(embed_dims))
        self.pos = nn.Parameter(torch.randn(embed_dims))

    def prepend(self, tokens: Tokens) -> Tokens:
        """Put the token in front of a sequence of length L; the first of the 1 + L entries is always valid."""
        batch = tokens.feat.shape[0]
        feat = torch.cat((self.feat.expand(batch, 1, -1), tokens.feat), dim=1)
        pos = torch.cat((self.pos.expand(batch, 1, -1), tokens.position()), dim=1)
        mask = torch.cat((tokens.mask.new_ones(batch, 1), tokens.mask), dim=1)
        return Tokens(feat, mask, pos, lead=1 + tokens.lead)

    @staticmethod
    def split(feat: Tensor) -> tuple[Tensor, Tensor]:
        """Separate the token (B, D) from the sequence (B, L, D)."""
        return feat[:, 0], feat[:, 1:]


@MODELS.register_module()
class GlobalTokenEncoder(nn.Module):
    """Fuse text into the video, then encode ``[token ; video]``; the decoder attends only to the video (QD-DETR).

    Args:
        fusion: Config of the fusion, e.g. :class:`TextToVideoFusion`.
        layers: Config of the stack, e.g. :class:`TransformerEncoder`.
        embed_dims: Channels D.
    """

    def __init__(self, fusion: dict[str, Any], layers: dict[str, Any], embed_dims: int):
        super().__init__()
        self.fusion = MODELS.build(fusion)
        self.layers = MODELS.build(layers)
        self.token = GlobalToken(embed_dims)

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """Memory whose context is the video; the token is ``global_token``."""
        fused = self.fusion(features)
        sequence = self.token.prepend(fused.video)
        token, feat = self.token.split(self.layers(sequence.feat, sequence.mask, sequence.pos))
        video = features.video.replace(feat)
        return Memory(video=video, context=video, text=fused.text, global_token=token, fused=fused.video.feat)
