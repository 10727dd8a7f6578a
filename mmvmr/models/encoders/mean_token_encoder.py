"""Adaptive cross-attention and layers over the clips, summed up by their mean (FlashVTG)."""

from __future__ import annotations

from typing import Any

from torch import nn

from mmvmr.models.layers import masked_mean
from mmvmr.registry import MODELS
from mmvmr.structures import AdaptiveAttention, Features, Memory, MomentTargets, Tokens


@MODELS.register_module()
class MeanTokenEncoder(nn.Module):
    """Fuse text into the video, then encode the clips, whose mean is the global token (FlashVTG).

    It is the encoder of CG-DETR without prompts.

    Args:
        num_dummies: Dummies in front of the text tokens (:class:`DummyTokenEncoder`).
        fusion: Config of a fusion that returns attention weights, e.g. :class:`AdaptiveCrossFusion`.
        layers: Config of the stack, e.g. :class:`TransformerEncoder`.
    """

    def __init__(self, num_dummies: int, fusion: dict[str, Any], layers: dict[str, Any]):
        super().__init__()
        self.fusion = MODELS.build(fusion)
        self.layers = MODELS.build(layers)
        self.num_dummies = num_dummies

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """Memory whose context is the video, with :class:`AdaptiveAttention`; dummies are not text tokens of it.

        Raises:
            ValueError: If the fusion returns no attention weights.
        """
        fused = self.fusion(features)
        if fused.attention is None:
            raise ValueError('MeanTokenEncoder needs a fusion that returns attention weights: use AdaptiveCrossFusion')
        video = fused.video.replace(self.layers(fused.video.feat, fused.video.mask, fused.video.position()))
        text, count = features.text, self.num_dummies
        adaptive = AdaptiveAttention(
            weights=fused.attention,
            on_text=fused.attention[..., count:].sum(-1).clamp(0, 1),
            dummies=text.feat[:, :count],
        )
        return Memory(
            video=video,
            context=video,
            text=Tokens(text.feat[:, count:], text.mask[:, count:], None if text.pos is None else text.pos[:, count:]),
            global_token=masked_mean(video.feat, video.mask),
            fused=fused.video.feat,
            extras=(adaptive,),
        )
