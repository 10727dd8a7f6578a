"""Attention of moment queries: to each other, and to the memory."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.models.layers.attention import MultiheadAttention, attend, attend_heads, merge_heads, split_heads
from mmvmr.models.layers.query_position import QueryPosition
from mmvmr.registry import MODELS
from mmvmr.structures import Tokens
from mmvmr.utils import check_choice


@MODELS.register_module()
class QuerySelfAttention(nn.Module):
    """Self-attention of moment queries with the position added to query and key (DETR).

    Args:
        embed_dims: Channels D.
        num_heads: Number of heads.
        dropout: Dropout on the attention weights.
        position: Where the position is added: to the ``content`` (DETR), or to the ``projected`` query and key, as
            SA-DETR prints it (eq. 1).

    Raises:
        ValueError: If ``position`` is unknown.
    """

    def __init__(self, embed_dims: int, num_heads: int = 8, dropout: float = 0.1, position: str = 'content'):
        super().__init__()
        self.attn = MultiheadAttention(embed_dims, num_heads, dropout)
        self.added_to = check_choice(self, 'position', position, ('content', 'projected'))

    def forward(self, content: Tensor, position: QueryPosition, mask: Tensor | None = None) -> Tensor:
        """Let queries attend to each other.

        Args:
            content: Query content (B, N, D).
            position: Position of the queries.
            mask: True = may attend, (B, N, N) or (1, N, N).

        Returns:
            The update, without residual (B, N, D).
        """
        if self.added_to == 'content':
            located = content + position.pos
            return self.attn(located, located, content, mask)
        query, key, value = self.attn.projected(content, content, content)
        dropout = self.attn.dropout if self.training else 0.0
        out = attend(query + position.pos, key + position.pos, value, self.attn.num_heads, mask, dropout)
        return self.attn.out_proj(out)


@MODELS.register_module()
class QueryCrossAttention(nn.Module):
    """Cross-attention of moment queries to the memory with added positions (DETR).

    Args:
        embed_dims: Channels D.
        num_heads: Number of heads.
        dropout: Dropout on the attention weights.
        modulator: See :class:`ConditionalCrossAttention`.
    """

    def __init__(
        self, embed_dims: int, num_heads: int = 8, dropout: float = 0.1, modulator: dict[str, Any] | None = None
    ):
        super().__init__()
        self.attn = MultiheadAttention(embed_dims, num_heads, dropout)
        self.modulator = None if modulator is None else MODELS.build(modulator)

    def forward(self, content: Tensor, position: QueryPosition, context: Tokens, anchors: Tensor | None) -> Tensor:
        """Attend to the memory.

        Args:
            content: Query content (B, N, D).
            position: Position of the queries.
            context: What the queries attend to.
            anchors: Spans of the queries (B, N, 2), for the modulator; None where they have none.

        Returns:
            The update, without residual (B, N, D).
        """
        modulate = None
        if self.modulator is not None:
            modulate = partial(self.modulator, anchors=anchors, mask=context.mask)
        located = context.feat + context.position()
        return self.attn(content + position.pos, located, context.feat, context.mask, modulate)


@MODELS.register_module()
class ConditionalSelfAttention(nn.Module):
    """Self-attention with separate projections of content and position (Conditional DETR, DAB-DETR).

    Args:
        embed_dims: Channels D.
        num_heads: Number of heads.
        dropout: Dropout on the attention weights.
    """

    def __init__(self, embed_dims: int, num_heads: int = 8, dropout: float = 0.1):
        super().__init__()
        self.num_heads = num_heads
        self.dropout = dropout
        self.query_content = nn.Linear(embed_dims, embed_dims)
        self.query_pos = nn.Linear(embed_dims, embed_dims)
        self.key_content = nn.Linear(embed_dims, embed_dims)
        self.key_pos = nn.Linear(embed_dims, embed_dims)
        self.value = nn.Linear(embed_dims, embed_dims)
        self.out_proj = nn.Linear(embed_dims, embed_dims)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, content: Tensor, position: QueryPosition, mask: Tensor | None = None) -> Tensor:
        """Let queries attend to each other; arguments as in :class:`QuerySelfAttention`."""
        out = attend(
            self.query_content(content) + self.query_pos(position.pos),
            self.key_content(content) + self.key_pos(position.pos),
            self.value(content),
            self.num_heads,
            mask,
            self.dropout if self.training else 0.0,
        )
        return self.out_proj(out)


@MODELS.register_module()
class ConditionalCrossAttention(nn.Module):
    """Cross-attention over per-head concatenated content and position (Conditional DETR, DAB-DETR).

    The logits are ``[q_content ; q_sine] . [k_content ; k_pos] / sqrt(2 D / H)``. A modulator may change them before
    the softmax, knowing the anchors (SA-DETR, eq. 5 and 6).

    Args:
        embed_dims: Channels D.
        num_heads: Number of heads.
        dropout: Dropout on the attention weights.
        add_query_pos: Also add query and key position to the content, as DAB-DETR does in its first layer.
        modulator: Config of a module ``f(logits (B, H, N, L), anchors (B, N, 2), mask (B, L)) -> logits``;
            None leaves the logits unchanged.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int = 8,
        dropout: float = 0.1,
        add_query_pos: bool = False,
        modulator: dict[str, Any] | None = None,
    ):
        super().__init__()
        self.num_heads = num_heads
        self.dropout = dropout
        self.query_content = nn.Linear(embed_dims, embed_dims)
        self.query_pos = nn.Linear(embed_dims, embed_dims) if add_query_pos else None
        self.query_sine = nn.Linear(embed_dims, embed_dims)
        self.key_content = nn.Linear(embed_dims, embed_dims)
        self.key_pos = nn.Linear(embed_dims, embed_dims)
        self.value = nn.Linear(embed_dims, embed_dims)
        self.out_proj = nn.Linear(embed_dims, embed_dims)
        self.modulator = None if modulator is None else MODELS.build(modulator)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, content: Tensor, position: QueryPosition, context: Tokens, anchors: Tensor | None) -> Tensor:
        """Attend to the memory.

        Args:
            content: Query content (B, N, D).
            position: Position of the queries, with its sine part.
            context: What the queries attend to.
            anchors: Spans of the queries (B, N, 2), for the modulator.

        Returns:
            The update, without residual (B, N, D).
        """
        query, key = self.query_content(content), self.key_content(context.feat)
        key_pos = self.key_pos(context.position())
        if self.query_pos is not None:
            query, key = query + self.query_pos(position.pos), key + key_pos
        query = torch.cat(
            (split_heads(query, self.num_heads), split_heads(self.query_sine(position.sine), self.num_heads)), dim=-1
        )
        key = torch.cat((split_heads(key, self.num_heads), split_heads(key_pos, self.num_heads)), dim=-1)
        value = split_heads(self.value(context.feat), self.num_heads)
        dropout = self.dropout if self.training else 0.0
        modulate = None
        if self.modulator is not None:
            modulate = partial(self.modulator, anchors=anchors, mask=context.mask)
        out = attend_heads(query, key, value, context.mask[:, None, None], dropout, modulate)
        return self.out_proj(merge_heads(out))
