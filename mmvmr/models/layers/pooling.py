"""One vector out of a sequence, and out of memories that differ in what they offer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmvmr.registry import MODELS
from mmvmr.structures import Memory
from mmvmr.utils import check_choice


def masked_mean(feat: Tensor, mask: Tensor) -> Tensor:
    """Mean over the valid entries.

    Args:
        feat: (B, L, D).
        mask: Valid entries (B, L).

    Returns:
        (B, D); zeros where no entry is valid.
    """
    weight = mask.unsqueeze(-1).to(feat.dtype)
    # ``where`` and not a product: padding may hold anything.
    return feat.where(mask.unsqueeze(-1), 0.0).sum(1) / weight.sum(1).clamp(min=1)


def masked_max(feat: Tensor, mask: Tensor) -> Tensor:
    """Maximum over the valid entries, channel by channel.

    Args:
        feat: (B, L, D).
        mask: Valid entries (B, L), at least one per sample.

    Returns:
        (B, D).
    """
    return feat.masked_fill(~mask.unsqueeze(-1), torch.finfo(feat.dtype).min).amax(1)


@MODELS.register_module()
class AttentionPool(nn.Module):
    """Weighted mean with weights ``softmax(<x, w>)`` over the valid entries (UniVTG; SA-DETR, section 3.2).

    Args:
        embed_dims: Channels D.
    """

    def __init__(self, embed_dims: int):
        super().__init__()
        self.score = nn.Linear(embed_dims, 1, bias=False)

    def forward(self, feat: Tensor, mask: Tensor) -> Tensor:
        """Pool a sequence.

        Args:
            feat: (B, L, D).
            mask: Valid entries (B, L), at least one per sample.

        Returns:
            (B, D).
        """
        logits = self.score(feat).squeeze(-1).float().masked_fill(~mask, -torch.inf)
        return (logits.softmax(-1).to(feat.dtype).unsqueeze(1) @ feat).squeeze(1)


@MODELS.register_module()
class TanhAttentionPool(nn.Module):
    """Weighted mean with weights ``softmax(w tanh(W x))`` over the valid entries, then linear (official BM-DETR).

    Args:
        embed_dims: Channels D.
    """

    def __init__(self, embed_dims: int):
        super().__init__()
        self.hidden = nn.Linear(embed_dims, embed_dims, bias=False)
        self.score = nn.Linear(embed_dims, 1, bias=False)
        self.out = nn.Linear(embed_dims, embed_dims)

    def forward(self, feat: Tensor, mask: Tensor) -> Tensor:
        """Pool a sequence; arguments as in :class:`AttentionPool`."""
        logits = self.score(self.hidden(feat).tanh()).squeeze(-1).float().masked_fill(~mask, -torch.inf)
        return self.out((logits.softmax(-1).to(feat.dtype).unsqueeze(1) @ feat).squeeze(1))


@MODELS.register_module()
class ProjectedMeanPool(nn.Module):
    """Mean of the linearly projected and normalised entries (UVCOM).

    Args:
        embed_dims: Channels D.
        padding: ``exclude`` leaves padded entries out; ``include`` reproduces the official code.

    Raises:
        ValueError: If ``padding`` is unknown.
    """

    def __init__(self, embed_dims: int, padding: str = 'exclude'):
        super().__init__()
        self.padding = check_choice(self, 'padding', padding, ('exclude', 'include'))
        self.linear = nn.Linear(embed_dims, embed_dims)
        self.norm = nn.LayerNorm(embed_dims)

    def forward(self, feat: Tensor, mask: Tensor) -> Tensor:
        """Pool a sequence; arguments as in :class:`AttentionPool`."""
        projected = self.norm(self.linear(feat))
        return projected.mean(1) if self.padding == 'include' else masked_mean(projected, mask)


def instance_token(memory: Memory) -> Tensor:
    """The vector that stands for a video-sentence pair, from whatever the encoder offers.

    Args:
        memory: Encoder output.

    Returns:
        (B, D): the fusion token (SA-DETR), else the global token (QD-DETR), else the mean clip (Moment-DETR).
    """
    for token in (memory.fusion_token, memory.global_token):
        if token is not None:
            return token
    return masked_mean(memory.video.feat, memory.video.mask)


def sentence_token(memory: Memory) -> Tensor:
    """The vector that stands for the sentence, from whatever the encoder offers.

    Args:
        memory: Encoder output.

    Returns:
        (B, D): the sentence token (SA-DETR), else the mean text token, else the token of the pair (see
        :func:`instance_token`), which has attended to the sentence.
    """
    if memory.sentence is not None:
        return memory.sentence
    if memory.text is not None:
        return masked_mean(memory.text.feat, memory.text.mask)
    return instance_token(memory)
