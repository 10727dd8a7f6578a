"""Division of videos into scenes by dynamic programming."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmvmr.models.similarity.similarity_map import moment_clips, signed_power
from mmvmr.models.similarity.window_search import window_sums, window_table
from mmvmr.registry import MODELS


@MODELS.register_module()
class SceneSegmentation(nn.Module):
    """Cost of taking a window as one scene of a video, over the best division of the video into scenes.

    Clips are mapped to directions in which different moments of the training data differ most, measured by how clips
    of one moment differ (linear discriminant analysis). A scene costs the squared distances of its clips from their
    mean there, and ``penalty`` per direction, so that a division into scenes costs least where its cuts are real.

    Args:
        channels: First and last (exclusive) channel of a clip.
        stream: Name of the stream, for configs, in which ``channels`` follow from ``feature_spec``; None for the first.
        dims: Number of directions K.
        shrinkage: Added to the scatter of clips around the mean of their moment, in units of its mean variance.
        penalty: Cost of a scene, per direction.
        power: Exponent of the channels, see :class:`SimilarityMap`.
    """

    def __init__(
        self,
        channels: Sequence[int],
        stream: str | None = None,
        dims: int = 64,
        shrinkage: float = 1.0,
        penalty: float = 9.0,
        power: float = 1.0,
    ):
        super().__init__()
        self.first, self.stop = channels
        self.stream = stream
        self.shrinkage = shrinkage
        self.penalty = penalty
        self.power = power
        self.register_buffer('mean', torch.zeros(self.stop - self.first))
        self.register_buffer('directions', torch.zeros(self.stop - self.first, dims))

    @torch.no_grad()
    def fit(self, dataset: Any) -> None:
        """Find the directions.

        Args:
            dataset: A :class:`mmvmr.datasets.BaseMomentDataset`; moments with one clip tell nothing about scatter.

        Raises:
            ValueError: If no moment has two clips.
        """
        means, within, freedom = [], 0.0, 0
        for clips, _, _ in moment_clips(dataset, self.first, self.stop, self.power):
            means.append(clips.mean(0))
            centred = (clips - means[-1]).astype(np.float64)
            within = within + centred.T @ centred
            freedom += len(clips) - 1
        if not freedom:
            raise ValueError('SceneSegmentation: no moment of the training data has two clips to compare')
        within = torch.from_numpy(within / freedom)
        between = torch.from_numpy(np.cov(np.stack(means).astype(np.float64), rowvar=False, bias=True))
        diagonal = self.shrinkage * within.diagonal().mean() * torch.eye(len(within), dtype=within.dtype)
        values, vectors = torch.linalg.eigh(within + diagonal)
        whiten = vectors * values.rsqrt()
        strongest = torch.linalg.eigh(whiten.t() @ between @ whiten).eigenvectors.flip(1)
        self.mean.copy_(torch.from_numpy(np.mean(means, axis=0)))
        self.directions.copy_(whiten @ strongest[:, : self.directions.shape[1]])

    def forward(self, clips: Tensor, mask: Tensor, longest: int) -> Tensor:
        """Compute the cost of every window.

        Args:
            clips: Input features of clips (B, L, Dv).
            mask: Clips that exist (B, L), contiguous from the first.
            longest: Longest scene N in clips.

        Returns:
            (B, L, N): entry (i, n) is the extra cost of clips i to i + n as one scene, per direction, see
            :func:`scene_excess`; ``inf`` where the window leaves the video.
        """
        x = signed_power(clips[..., self.first : self.stop].double(), self.power) - self.mean
        x = (x @ self.directions.double()) * mask.unsqueeze(-1)
        squares = window_table([total.squeeze(-1) for _, total in window_sums(x.square().sum(-1, True), longest)])
        means = window_table([total.square().sum(-1) / size for size, total in window_sums(x, longest)])
        cost = squares - means + self.penalty * x.shape[-1]
        return scene_excess(cost, mask.sum(1)) / x.shape[-1]


def scene_excess(cost: Tensor, clips: Tensor) -> Tensor:
    """Extra cost of every scene: the cheapest division that has it, less the cheapest of all.

    Args:
        cost: Cost of clips i to i + n as one scene (B, L, N).
        clips: Number of clips of every video (B,).

    Returns:
        (B, L, N), at least 0; ``inf`` where a scene leaves the video.
    """
    batch, length, longest = cost.shape
    start = torch.arange(length, device=cost.device)
    stop = start.unsqueeze(1) + torch.arange(1, longest + 1, device=cost.device)
    cost = cost.masked_fill(stop > clips[:, None, None], torch.inf)
    before, after = (cost.new_full((batch, length + 1), torch.inf) for _ in range(2))
    before[:, 0] = 0
    after.scatter_(1, clips.unsqueeze(1), 0)
    for end in range(1, length + 1):
        sizes = torch.arange(1, min(end, longest) + 1, device=cost.device)
        before[:, end] = (before[:, end - sizes] + cost[:, end - sizes, sizes - 1]).amin(1)
    for first in range(length - 1, -1, -1):
        reach = min(longest, length - first)
        scenes = (cost[:, first, :reach] + after[:, first + 1 : first + 1 + reach]).amin(1)
        after[:, first] = torch.minimum(after[:, first], scenes)
    best = before.gather(1, clips.unsqueeze(1)).unsqueeze(-1)
    return before[:, :-1].unsqueeze(-1) + cost + after[:, stop.clamp(max=length)] - best
