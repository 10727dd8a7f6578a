"""Queries whose content and anchors come from different initializers."""

from __future__ import annotations

import dataclasses

from torch import Tensor

from ...structures import Queries


def take_anchors(content: Tensor, source: Queries) -> Queries:
    """Queries with the anchors of another initializer.

    Args:
        content: Content (B, N, C), where C is D, or 3 D in a :class:`DualPathDecoder`.
        source: What the other initializer made, with anchors and content (B, N, D), which is added to every D
            channels: learned content starts at zero and so changes nothing at first.

    Returns:
        The queries of ``source`` with the sum as content.

    Raises:
        ValueError: If the other initializer makes no anchors, or another number of queries.
    """
    if source.anchors is None:
        raise ValueError(
            'query_initializer.anchors makes queries without anchors: use e.g. DynamicAnchorQueryInitializer'
        )
    count, other = content.shape[1], source.content.shape[1]
    if count != other:
        raise ValueError(f'query_initializer.anchors makes {other} queries for {count}: set num_queries={count} in it')
    added = source.content.repeat(1, 1, content.shape[2] // source.content.shape[2])
    return dataclasses.replace(source, content=content + added)
