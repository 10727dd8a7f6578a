"""An encoder: the mean word opens a gate for every clip."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from mmvmr.registry import MODELS
from mmvmr.structures import Features, Memory, MomentTargets, Tokens


def masked_mean(tokens: Tokens) -> Tensor:
    """Mean of the valid entries: (B, L, D) to (B, D)."""
    mask = tokens.mask[..., None]
    return (tokens.feat * mask).sum(1) / mask.sum(1).clamp(min=1)


@MODELS.register_module()
class GatedMeanEncoder(nn.Module):
    """Clips times ``sigmoid(W mean word)``, then self-attention over the clips.

    The smallest encoder that mixes the modalities; it shows what the slot asks for: it gets :class:`Features` and
    returns :class:`Memory`.

    Args:
        embed_dims: Channels D; comes from ``model.shared`` unless the config of the encoder sets it.
        layers: Config of the stack after the gate.
    """

    def __init__(self, embed_dims: int, layers: dict[str, Any]):
        super().__init__()
        self.gate = nn.Linear(embed_dims, embed_dims)
        self.layers = MODELS.build(layers)

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """Encode a batch.

        Args:
            features: Clips (B, Lv, D) and words (B, Lt, D).
            targets: Ground truth while training, None at inference; not used.

        Returns:
            Memory with the clips as context and the mean word as global token.
        """
        video, sentence = features.video, masked_mean(features.text)
        gated = video.feat * self.gate(sentence).sigmoid()[:, None]
        video = video.replace(self.layers(gated, video.mask, video.position()))
        return Memory(video=video, context=video, text=features.text, global_token=sentence, sentence=sentence)
