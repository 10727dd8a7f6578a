"""Similarity of clips and sentence as an input of any encoder."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
import torch.nn.functional as F
from einops import reduce
from torch import Tensor, nn

from mmvmr.models.similarity.similarity_map import SimilarityMap, relative_similarity
from mmvmr.models.similarity.window_search import scene_changes
from mmvmr.registry import MODELS
from mmvmr.structures import ClipSimilarity, Features, Memory, MomentTargets, Tokens

#: Relative similarity, the same smoothed, and that saturated.
CHANNELS = 3


@MODELS.register_module()
class SimilarityEncoder(nn.Module):
    """Compare clips with the sentence in a space that is fitted before training, and tell the wrapped encoder.

    ::

        raw video, raw text -- similarity --> cosines -- relative to the video --> s (B, Lv)
        video + embed(s, smoothed s, tanh of it) -- encoder --> Memory with ClipSimilarity

    A mismatched sentence is compared anew: put it inside the wrappers that swap sentences. An encoder that encodes
    a video once for all its sentences (``late``) goes on doing so: what is embedded is added to its levels, where clips
    and sentence have met, as the mean over the clips of a point.

    Args:
        encoder: Config of the wrapped encoder.
        similarity: Config of a :class:`SimilarityMap`, which ``FitHook`` fits.
        embed_dims: Channels D.
        stream: Add the similarity to the clips; False only passes it on, e.g. to
            :class:`SimilarityAnchorQueryInitializer`.
        smooth: Odd number of clips that the smoothed similarity is averaged over.
        input_stride: Clips per point of the finest level of a ``late`` encoder.
    """

    def __init__(
        self,
        encoder: dict[str, Any],
        similarity: dict[str, Any],
        embed_dims: int,
        stream: bool = True,
        smooth: int = 5,
        input_stride: int = 1,
    ):
        super().__init__()
        self.encoder = MODELS.build(encoder)
        self.similarity: SimilarityMap = MODELS.build(similarity)
        self.embed = nn.Linear(CHANNELS, embed_dims) if stream else None
        self.smooth = smooth
        self.input_stride = input_stride

    @property
    def late(self) -> bool:
        """True if the wrapped encoder encodes a video once for all its sentences."""
        return getattr(self.encoder, 'late', False)

    @property
    def video(self) -> nn.Module:
        """The part of a ``late`` encoder that makes levels of a video."""
        return self.encoder.video

    def forward(
        self, features: Features, targets: MomentTargets | None = None, levels: list[Tokens] | None = None
    ) -> Memory:
        """The memory of the wrapped encoder with :class:`ClipSimilarity`.

        Args:
            features: Projected inputs, with the vectors before projection.
            targets: Ground truth; None at inference.
            levels: Levels of videos that a ``late`` encoder has encoded before.

        Returns:
            The memory.

        Raises:
            ValueError: If the projector or a wrapper has lost the vectors before projection.
        """
        text, clips, rows = features.text, features.raw_video, features.rows
        if clips is None or text.raw is None:
            raise ValueError(
                'SimilarityEncoder compares clips and tokens before projection, which this projector or a wrapper '
                'outside of it does not hand on: use LinearProjector, or put it inside of the other wrappers'
            )
        cosine = self.similarity(clips.feat, text.raw, text.input_mask(), rows)
        changes = scene_changes(clips.feat[..., self.similarity.first : self.similarity.stop], clips.mask)
        mask, changes = (clips.mask, changes) if rows is None else (clips.mask[rows], changes[rows])
        plain, smoothed = (relative_similarity(cosine, mask, width) for width in (1, self.smooth))
        channels = self.channels(plain, smoothed)
        if self.late:
            memory = self._on_levels(self.encoder(features, targets, levels), channels)
        else:
            if self.embed is not None:
                features = dataclasses.replace(features, video=self._added(features.video, channels))
            memory = self.encoder(features, targets)
        memory.add(ClipSimilarity(plain, changes))
        return memory

    def _added(self, tokens: Tokens, channels: Tensor) -> Tokens:
        return tokens.replace(tokens.feat + self.embed(channels).to(tokens.feat.dtype))

    def _on_levels(self, memory: Memory, channels: Tensor) -> Memory:
        """The memory of a late encoder with channels of clips (B, Lv, 3) embedded in all levels."""
        if self.embed is None:
            return memory
        levels, finest = [], memory.levels[0].feat.shape[1]
        for level in memory.levels:
            count = level.feat.shape[1]
            stride = self.input_stride * (finest // count)
            padded = F.pad(channels, (0, 0, 0, count * stride - channels.shape[1]))
            added = self._added(level, reduce(padded, 'b (l stride) c -> b l c', 'mean', stride=stride))
            levels.append(added.replace(added.feat * level.mask.unsqueeze(-1)))
        return dataclasses.replace(memory, video=levels[0], context=levels[0], levels=levels)

    @staticmethod
    def channels(plain: Tensor, smoothed: Tensor) -> Tensor:
        """Channels to embed (B, Lv, 3): the similarity, the smoothed one, and that saturated."""
        return torch.stack((plain, smoothed, (2 * smoothed).tanh()), dim=-1)
