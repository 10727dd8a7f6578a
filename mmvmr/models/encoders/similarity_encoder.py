"""Similarity of clips and sentence as an input of any encoder."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.models.similarity.similarity_map import SimilarityMap, relative_similarity
from mmvmr.models.similarity.window_search import scene_changes
from mmvmr.registry import MODELS
from mmvmr.structures import ClipSimilarity, Features, Memory, MomentTargets

#: Relative similarity, the same smoothed, and that saturated.
CHANNELS = 3


@MODELS.register_module()
class SimilarityEncoder(nn.Module):
    """Compare clips with the sentence in a space that is fitted before training, and tell the wrapped encoder.

    ::

        raw video, raw text -- similarity --> cosines -- relative to the video --> s (B, Lv)
        video + embed(s, smoothed s, tanh of it) -- encoder --> Memory with ClipSimilarity

    A negative sentence is compared anew: put it inside the wrappers that swap sentences.

    Args:
        encoder: Config of the wrapped encoder.
        similarity: Config of a :class:`SimilarityMap`, which ``FitHook`` fits.
        embed_dims: Channels D.
        stream: Add the similarity to the clips; False only passes it on, e.g. to
            :class:`SimilarityAnchorQueryInitializer`.
        smooth: Odd number of clips that the smoothed similarity is averaged over.
    """

    def __init__(
        self, encoder: dict[str, Any], similarity: dict[str, Any], embed_dims: int, stream: bool = True, smooth: int = 5
    ):
        super().__init__()
        self.encoder = MODELS.build(encoder)
        self.similarity: SimilarityMap = MODELS.build(similarity)
        self.embed = nn.Linear(CHANNELS, embed_dims) if stream else None
        self.smooth = smooth

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """The memory of the wrapped encoder with :class:`ClipSimilarity`.

        Raises:
            ValueError: If the projector or a wrapper has lost the vectors before projection.
        """
        video, text = features.video, features.text
        if features.raw_video is None or text.raw is None:
            raise ValueError(
                'SimilarityEncoder compares clips and tokens before projection, which this projector or a wrapper '
                'outside of it does not hand on: use LinearProjector, or put it inside of the other wrappers'
            )
        cosine = self.similarity(features.raw_video, text.raw, text.mask)
        plain, smoothed = (relative_similarity(cosine, video.mask, width) for width in (1, self.smooth))
        if self.embed is not None:
            added = self.embed(self.channels(plain, smoothed)).to(video.feat.dtype)
            features = dataclasses.replace(features, video=video.replace(video.feat + added))
        memory = self.encoder(features, targets)
        compared = features.raw_video[..., self.similarity.first : self.similarity.stop]
        memory.add(ClipSimilarity(plain, scene_changes(compared, video.mask)))
        return memory

    @staticmethod
    def channels(plain: Tensor, smoothed: Tensor) -> Tensor:
        """Channels to embed (B, Lv, 3): the similarity, the smoothed one, and that saturated."""
        return torch.stack((plain, smoothed, (2 * smoothed).tanh()), dim=-1)
