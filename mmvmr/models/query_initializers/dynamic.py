"""Moment queries that start where the video and the sentence suggest (SA-DETR)."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import nn

from mmvmr.models.layers import MLP, instance_token
from mmvmr.registry import MODELS
from mmvmr.structures import Memory, MomentTargets, PredictionSet, Queries, QueryGroup


@MODELS.register_module()
class DynamicAnchorQueryInitializer(nn.Module):
    """Anchors ``sigmoid(MLP(token))`` of the video-sentence pair, learned content (SA-DETR, section 3.3).

    The token is the best that the encoder offers, see :func:`instance_token`, so it works on QD-DETR and Moment-DETR
    too.

    Args:
        num_queries: Number of queries N.
        embed_dims: Channels D.
        supervise_init: Offer the anchors as the prediction set ``init``, which losses with ``sets=('init',)``
            compare with the ground truth (L_init).
        detach: Keep the gradient of the decoder away from the anchors, so that L_init alone trains them.
        bias_std: Standard deviation of the initial bias of the logits of the anchors: queries start at different
            places, as learned anchors do, instead of all at the center. The paper is silent on it; 0 for none.

    Raises:
        ValueError: If nothing would train the anchors.
    """

    def __init__(
        self,
        num_queries: int,
        embed_dims: int,
        supervise_init: bool = True,
        detach: bool = False,
        bias_std: float = 1.0,
    ):
        super().__init__()
        if detach and not supervise_init:
            raise ValueError('DynamicAnchorQueryInitializer: detach=True with supervise_init=False trains no anchor')
        self.num_queries = num_queries
        self.supervise_init = supervise_init
        self.detach = detach
        self.mlp = MLP(embed_dims, embed_dims, 2 * num_queries, 3)
        self.content = nn.Parameter(torch.zeros(num_queries, embed_dims))
        nn.init.normal_(self.mlp.layers[-1].bias, std=bias_std)

    def forward(self, memory: Memory, targets: MomentTargets | None = None) -> Queries:
        """Queries with anchors (B, N, 2), which are the set ``init`` too where they are supervised."""
        spans = self.mlp(instance_token(memory)).float().sigmoid()
        spans = rearrange(spans, 'b (n coordinate) -> b n coordinate', n=self.num_queries)
        return Queries(
            content=self.content.expand(spans.shape[0], -1, -1),
            anchors=spans.detach() if self.detach else spans,
            groups=[QueryGroup('direct', 0, self.num_queries)],
            init_sets=[PredictionSet('init', spans)] if self.supervise_init else [],
        )
