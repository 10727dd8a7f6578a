"""Candidate moments and sentences in two joint spaces (MMN)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from einops import rearrange
from torch import Tensor, nn

from mmvmr.models.layers import masked_mean
from mmvmr.models.layers.proposal_map import MaskedConvStack
from mmvmr.registry import MODELS
from mmvmr.structures import Features, JointSpace, Memory, MomentTargets, Proposals, Tokens, to_center_width
from mmvmr.utils import check_choice

_POOLS = ('mean', 'first', 'last')


@MODELS.register_module()
class JointSentenceEncoder(nn.Module):
    """A vector of a sentence for each of two spaces: pooled text tokens, layer norm and a linear layer each (MMN).

    Args:
        word_dims: Channels of a text token.
        joint_dims: Channels of the spaces.
        pool: ``mean`` of the text tokens (MMN; special tokens included), the ``first`` (BERT's [CLS]) or the ``last``
            one (CLIP's end of text).

    Raises:
        ValueError: If ``pool`` is unknown.
    """

    def __init__(self, word_dims: int, joint_dims: int, pool: str = 'mean'):
        super().__init__()
        self.pool = check_choice(self, 'pool', pool, _POOLS)
        self.norm = nn.LayerNorm(word_dims)
        self.contrastive = nn.Linear(word_dims, joint_dims)
        self.iou = nn.Linear(word_dims, joint_dims)

    def forward(self, tokens: Tokens) -> tuple[Tensor, Tensor, Tensor]:
        """Encode sentences.

        Args:
            tokens: (B, Lt, Dw).

        Returns:
            The pooled text tokens (B, Dw), and the vectors of the contrastive and of the IoU space (B, J).

        Raises:
            ValueError: If text tokens have other channels than declared.
        """
        if tokens.feat.shape[-1] != self.norm.normalized_shape[0]:
            raise ValueError(
                f'text tokens have {tokens.feat.shape[-1]} channels, model.shared.word_dims='
                f'{self.norm.normalized_shape[0]}: set it to the width of the text encoder or of the text features'
            )
        pooled = pool_text(tokens, self.pool)
        normed = self.norm(pooled)
        return pooled, self.contrastive(normed), self.iou(normed)


def pool_text(tokens: Tokens, pool: str) -> Tensor:
    """One vector (B, D) out of text tokens (B, L, D), valid ones first: ``mean``, ``first`` or ``last``."""
    if pool == 'mean':
        return masked_mean(tokens.feat, tokens.mask)
    index = (tokens.mask.sum(1) - 1).clamp(min=0) if pool == 'last' else tokens.mask.new_zeros(len(tokens.mask)).long()
    return tokens.feat[torch.arange(len(index), device=index.device), index]


@MODELS.register_module()
class ProposalMapEncoder(nn.Module):
    """Candidate moments of a video as a two-dimensional map, convolved, and its sentences, in two spaces (MMN, 3.1).

    Args:
        map: Config of what fills the map, e.g. :class:`SparseMaxMap`.
        sentence: Config of the sentence encoder.
        embed_dims: Channels D of clips.
        joint_dims: Channels J of the two spaces.
        hidden_dims: Channels of the convolutions; None for D.
        num_layers: Convolutions.
        kernel_size: Kernel of the convolutions.
    """

    def __init__(
        self,
        map: dict[str, Any],
        sentence: dict[str, Any],
        embed_dims: int,
        joint_dims: int,
        hidden_dims: int | None = None,
        num_layers: int = 8,
        kernel_size: int = 5,
    ):
        super().__init__()
        hidden_dims = hidden_dims or embed_dims
        self.map = MODELS.build(map)
        self.convs = MaskedConvStack(self.map.mask, embed_dims, hidden_dims, num_layers, kernel_size)
        # 1 x 1 convolutions, applied to the cells that exist.
        self.contrastive = nn.Linear(hidden_dims, joint_dims)
        self.iou = nn.Linear(hidden_dims, joint_dims)
        self.sentence = MODELS.build(sentence)
        cells = torch.from_numpy(np.flatnonzero(self.map.mask.numpy()))
        first, last = cells // self.map.num_clips, cells % self.map.num_clips
        spans = to_center_width(torch.stack((first, last + 1), dim=1) / self.map.num_clips)
        self.register_buffer('cells', cells, persistent=False)
        self.register_buffer('spans', spans, persistent=False)

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """Memory with ``proposals`` of clips (V, N, D) and text tokens (B, Lt, Dw), in the order of map rows."""
        filled = self.convs(self.map(features.video.feat.transpose(1, 2)))
        cells = rearrange(filled, 'v d start end -> v (start end) d')[:, self.cells]
        pooled, contrastive, iou = self.sentence(features.text)
        proposals = Proposals(
            spans=self.spans.expand(len(cells), -1, -1),
            contrastive=JointSpace(self.contrastive(cells), contrastive),
            iou=JointSpace(self.iou(cells), iou),
        )
        return Memory(
            video=features.video, context=features.video, text=features.text, sentence=pooled, proposals=proposals
        )
