"""Queries whose content and anchors come from different initializers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mmvmr.models.query_initializers.learned import LearnedQueryInitializer
from mmvmr.registry import MODELS
from mmvmr.structures import Queries


def anchor_source(cfg: Mapping[str, Any] | None, num_queries: int) -> nn.Module | None:
    """Build the initializer that anchors are taken from.

    Args:
        cfg: Its config; None for none.
        num_queries: Number of queries that need anchors.

    Returns:
        The initializer, or None.

    Raises:
        ValueError: If it makes no anchors, or another number of them.
    """
    if cfg is None:
        return None
    source = MODELS.build(dict(cfg))
    if isinstance(source, LearnedQueryInitializer):
        raise ValueError(
            'query_initializer.anchors makes queries without anchors: use e.g. DynamicAnchorQueryInitializer'
        )
    if cfg.get('num_queries', num_queries) != num_queries:
        raise ValueError(
            f'query_initializer.anchors has num_queries={cfg["num_queries"]} for {num_queries} queries: make them equal'
        )
    return source


def take_anchors(content: Tensor, source: Queries) -> Queries:
    """Queries with the anchors of another initializer.

    Args:
        content: Content (B, N, C), where C is D, or 3 D in a :class:`DualPathDecoder`.
        source: What the other initializer made, with anchors and content (B, N, D), which is added to every D
            channels: learned content starts at zero and so changes nothing at first.

    Returns:
        The queries of ``source`` with the sum as content.
    """
    added = source.content.repeat(1, 1, content.shape[2] // source.content.shape[2])
    return dataclasses.replace(source, content=content + added)
