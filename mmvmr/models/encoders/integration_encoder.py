"""The comprehensive integration module of UVCOM."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvmr.models.layers import xavier_
from mmvmr.registry import MODELS
from mmvmr.structures import Features, Memory, MomentTargets, Tokens


@MODELS.register_module()
class IntegrationEncoder(nn.Module):
    """Fuse both ways, cluster both modalities, look at neighbours, walk over the clusters, then look globally (UVCOM).

    ::

        clips, text tokens -- fusion --> fused clips V, fused text tokens T -- sentence --> S (B, D)
        T -- text_clusters --> M_t (B, Kt, D)      V -- video_clusters --> M_v (B, Kv, D)
        V + local(V) -- relation with M_t --> R    x = V + R
        [best of M_v ; x] -- layers --> global token, clips

    The mean of the video that agrees best with the means of the text takes the place of a learned token.

    Args:
        embed_dims: Channels D.
        fusion: Config of the fusion, e.g. :class:`MutualCrossFusion`.
        sentence: Config of the pooling ``f(x, mask)`` of fused text tokens, e.g. :class:`ProjectedMeanPool`.
        text_clusters: Config of the means of the text, e.g. :class:`ClusterMeans`.
        video_clusters: Config of the means of the video.
        local: Config of a block ``f(x, mask)`` over neighbouring clips, added to them, e.g. :class:`ConvStack`.
        relation: Config of a block ``f(x, mask, means)``, e.g. :class:`RandomWalkPropagation`.
        layers: Config of the stack over clips and token, e.g. :class:`TransformerEncoder`.
    """

    def __init__(
        self,
        embed_dims: int,
        fusion: dict[str, Any],
        sentence: dict[str, Any],
        text_clusters: dict[str, Any],
        video_clusters: dict[str, Any],
        local: dict[str, Any],
        relation: dict[str, Any],
        layers: dict[str, Any],
    ):
        super().__init__()
        self.fusion = MODELS.build(fusion)
        self.sentence = MODELS.build(sentence)
        self.text_clusters = MODELS.build(text_clusters)
        self.video_clusters = MODELS.build(video_clusters)
        self.local = MODELS.build(local)
        self.relation = MODELS.build(relation)
        self.layers = MODELS.build(layers)
        xavier_(self)
        self.token_pos = nn.Parameter(torch.randn(embed_dims))

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """Memory whose context is the video.

        ``sentence`` is S, ``text`` are the fused text tokens, ``fused`` the clips x that enter the last stack.
        """
        fused = self.fusion(features)
        clips, tokens = fused.video, fused.text
        text_means = self.text_clusters(tokens.feat, tokens.mask)
        video_means = self.video_clusters(clips.feat, clips.mask)
        local = clips.feat + self.local(clips.feat, clips.mask)
        related = clips.feat + self.relation(local, clips.mask, text_means).to(clips.feat.dtype)
        token = best_mean(video_means, text_means).to(related.dtype)
        sequence = self._prepend(token, clips.replace(related))
        encoded = self.layers(sequence.feat, sequence.mask, sequence.position())
        video = features.video.replace(encoded[:, 1:])
        return Memory(
            video=video,
            context=video,
            text=tokens,
            global_token=encoded[:, 0],
            sentence=self.sentence(tokens.feat, tokens.mask),
            fused=related,
        )

    def _prepend(self, token: Tensor, clips: Tokens) -> Tokens:
        batch = len(token)
        first = Tokens(
            token.unsqueeze(1), clips.mask.new_ones(batch, 1), self.token_pos.expand(batch, 1, -1).to(token.dtype)
        )
        return first.join(clips)


def best_mean(video: Tensor, text: Tensor) -> Tensor:
    """The mean of a video (B, Kv, D) with the highest cosine to each of its text (B, Kt, D), averaged: (B, D)."""
    agreement = (F.normalize(video, dim=-1) @ F.normalize(text, dim=-1).transpose(1, 2)).mean(-1)
    return video[torch.arange(len(video), device=video.device), agreement.argmax(1)]
