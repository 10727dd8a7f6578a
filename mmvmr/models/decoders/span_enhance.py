"""The span based enhance block of SA-DETR."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from mmvmr.models.layers import sentence_token, temporal_align_weights
from mmvmr.registry import MODELS
from mmvmr.structures import Memory


def check_clip_context(module: nn.Module, memory: Memory) -> None:
    """Refuse a context of clips and text tokens for a module that relates spans to clips, by a ValueError."""
    if memory.context.mask.shape != memory.video.mask.shape:
        raise ValueError(
            f'{type(module).__name__} relates spans to clips, but the decoder attends to a joint sequence of '
            f'{memory.context.mask.shape[1]} tokens for {memory.video.mask.shape[1]} clips: '
            'wrap model.encoder in VideoContextEncoder'
        )


@MODELS.register_module()
class SpanEnhance(nn.Module):
    """Bring what the clips inside the span of a query say about the sentence into its content (SA-DETR, eq. 2, 3).

    Reads the clips that the decoder attends to (``memory.context``): wrap encoders that return a joint sequence in
    :class:`VideoContextEncoder`. Encoders without a sentence token offer a mean instead, see :func:`sentence_token`.

    Args:
        embed_dims: Channels D.
        num_points: Points N_s inside a span, at which clips are sampled.

    Raises:
        ValueError: If there is no point.
    """

    needs_anchors = True

    def __init__(self, embed_dims: int, num_points: int = 10):
        super().__init__()
        if num_points < 1:
            off = 'remove model.decoder.layer.enhance to train without the block'
            raise ValueError(f'SpanEnhance: num_points={num_points}, expected at least 1 ({off})')
        self.num_points = num_points
        self.video = nn.Linear(embed_dims, embed_dims, bias=False)
        self.sentence = nn.Linear(embed_dims, embed_dims, bias=False)
        self.output = nn.Linear(embed_dims, embed_dims, bias=False)

    def forward(
        self, content: Tensor, memory: Memory, anchors: Tensor | None, attn_mask: Tensor | None = None
    ) -> Tensor:
        """Enhance the content (B, N, D) of queries with anchors (B, N, 2); they do not see each other here.

        Raises:
            ValueError: If queries have no spans or the decoder does not attend to clips.
        """
        if anchors is None:
            raise ValueError('SpanEnhance needs queries with anchors: use e.g. DynamicAnchorQueryInitializer')
        check_clip_context(self, memory)
        sampled = self.sample(memory, anchors)
        gate = (content * sampled).sum(-1, keepdim=True).sigmoid()
        return self.output((sampled + content) * gate) + content

    def sample(self, memory: Memory, anchors: Tensor) -> Tensor:
        """Mean over the points of feature times similarity with the sentence, eq. 2: (B, N, D).

        Both the feature of a point and its similarity are linear in the clips, so similarities are computed per clip
        and the points never exist as (B, N, P, D).
        """
        clips = memory.context.feat
        token = self.sentence(sentence_token(memory))
        similarity = (self.video(clips) @ token.unsqueeze(-1)).squeeze(-1) / math.sqrt(clips.shape[-1])  # (B, L)
        weights = temporal_align_weights(anchors, memory.context.mask, self.num_points).to(clips.dtype)
        at_points = torch.einsum('b n p l, b l -> b n p', weights, similarity)
        per_clip = torch.einsum('b n p, b n p l -> b n l', at_points, weights) / self.num_points
        return per_clip @ clips
