"""Candidate moments: the proposals of a map and the points of a video."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize


@dataclass
class JointSpace:
    """A space in which moments and sentences are compared.

    Attributes:
        moments: M moments of V videos (V, M, D).
        sentences: One vector per sentence (B, D).
    """

    moments: Tensor
    sentences: Tensor

    def unit(self) -> tuple[Tensor, Tensor]:
        """Moments (V, M, D) and sentences (B, D) of unit length."""
        return normalize(self.moments, dim=-1), normalize(self.sentences, dim=-1)

    def cosine(self, rows: Tensor | None = None) -> Tensor:
        """Cosine (B, M) of every sentence with the moments of its video (B,); None where each has its own (V = B)."""
        moments, sentences = self.unit()
        if rows is None:
            return (moments @ sentences.unsqueeze(-1)).squeeze(-1)
        # With every video, and then the own one: a copy of the moments for every sentence would be far larger.
        every = (sentences @ moments.flatten(0, 1).t()).unflatten(1, moments.shape[:2])
        return every[torch.arange(len(rows), device=rows.device), rows]


@dataclass
class Proposals:
    """Candidate moments of V videos, and B sentences, in the two joint spaces of MMN.

    Attributes:
        spans: (center, width) of the candidates (V, M, 2).
        contrastive: Space of the contrastive losses.
        iou: Space in which the cosine says how well a candidate fits.
    """

    spans: Tensor
    contrastive: JointSpace
    iou: JointSpace


@dataclass
class Points:
    """Places of a video, each of which predicts a span around itself. All lengths are parts of the video.

    Attributes:
        center: Where they are (B, P).
        size: Distance between neighbours of the same temporal resolution (B, P).
        low: A point is assigned to spans whose farther end is at least this far away (B, P), ...
        high: ... and less than this (B, P).
    """

    center: Tensor
    size: Tensor
    low: Tensor
    high: Tensor
