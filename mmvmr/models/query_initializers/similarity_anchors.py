"""Moment queries that start at the windows that stand out by similarity."""

from __future__ import annotations

import torch
from torch import nn

from mmvmr.models.similarity.window_search import contrast_windows
from mmvmr.registry import MODELS
from mmvmr.structures import ClipSimilarity, Memory, MomentTargets, Queries, QueryGroup


@MODELS.register_module()
class SimilarityAnchorQueryInitializer(nn.Module):
    """Anchors at the windows whose clips fit the sentence better than the rest, best first; learned content.

    Args:
        num_queries: Number of queries N.
        embed_dims: Channels D of the content.
        longest: Longest window in clips.
        max_iou: See :func:`mmvmr.models.similarity.contrast_windows`.
        boundary: What a window gains where it starts or ends at a scene change, per deviation of the change.
    """

    def __init__(
        self, num_queries: int, embed_dims: int, longest: int = 40, max_iou: float = 0.5, boundary: float = 0.0
    ):
        super().__init__()
        self.num_queries = num_queries
        self.longest = longest
        self.max_iou = max_iou
        self.boundary = boundary
        # By rank: the best window is more likely to be right than the tenth.
        self.content = nn.Parameter(torch.zeros(num_queries, embed_dims))

    def forward(self, memory: Memory, targets: MomentTargets | None = None) -> Queries:
        """Queries with anchors (B, N, 2), which take no gradient, from the :class:`ClipSimilarity` of the memory."""
        similarity = memory.extra(ClipSimilarity, self)
        anchors, _ = contrast_windows(
            similarity.scores,
            memory.video.mask,
            self.longest,
            self.num_queries,
            self.max_iou,
            self.boundary * similarity.changes,
        )
        return Queries(
            content=self.content.expand(len(anchors), -1, -1),
            anchors=anchors,
            groups=[QueryGroup('direct', 0, self.num_queries)],
        )
