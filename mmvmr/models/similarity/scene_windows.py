"""The windows that fit a sentence and are scenes of the video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.models.builder import build_named
from mmvmr.models.layers import masked_mean
from mmvmr.models.similarity.segmentation import window_sums, window_table
from mmvmr.models.similarity.window_search import choose_windows
from mmvmr.registry import MODELS
from mmvmr.structures import MomentDataSample, PredictionSet


@MODELS.register_module()
class SceneWindows(nn.Module):
    """The windows whose mean clip is like the sentence, less what it costs to take them as scenes.

    Where :class:`SimilarityWindows` adds up similarities of single clips, this one compares the mean of a window, and
    finds its ends by a division of the video into scenes. Not published.

    Args:
        maps: Name to config of a :class:`SimilarityMap`; their cosines are added.
        segmentation: Config of a :class:`SceneSegmentation`.
        weights: Name of a map to its weight; 1 by default.
        cost_weight: Weight of the cost of the segmentation.
        longest: Longest window in clips.
        count: Number of windows.
        max_iou: See :func:`choose_windows`.

    Raises:
        ValueError: If weights name maps that do not exist.
    """

    def __init__(
        self,
        maps: Mapping[str, dict[str, Any]],
        segmentation: dict[str, Any],
        weights: Mapping[str, float] | None = None,
        cost_weight: float = 0.4,
        longest: int = 40,
        count: int = 10,
        max_iou: float = 0.5,
    ):
        super().__init__()
        self.maps = nn.ModuleDict(build_named(maps))
        self.segmentation = MODELS.build(segmentation)
        weights = weights or {}
        if unknown := sorted(set(weights) - set(self.maps)) or not self.maps:
            raise ValueError(f'SceneWindows: weights of {unknown}, but maps are {sorted(self.maps)}')
        self.weights = {name: weights.get(name, 1.0) for name in self.maps}
        self.cost_weight = cost_weight
        self.longest = longest
        self.count = count
        self.max_iou = max_iou

    def fit(self, dataset: Any) -> None:
        """Fit maps and segmentation.

        Args:
            dataset: A :class:`mmvmr.datasets.BaseMomentDataset`.
        """
        for part in (*self.maps.values(), self.segmentation):
            part.fit(dataset)

    def forward(self, inputs: dict[str, Tensor], samples: Sequence[MomentDataSample] | None = None) -> PredictionSet:
        """Predict.

        Args:
            inputs: Padded features and masks, ``video_index`` (B,) where sentences share videos.
            samples: Unused.

        Returns:
            Spans (B, N, 2), scores by a sigmoid.
        """
        video, mask = inputs['video'], inputs['video_mask']
        cost = self.segmentation(video, mask, self.longest)
        rows = inputs.get('video_index')
        if rows is not None:
            video, mask, cost = video[rows], mask[rows], cost[rows]
        sentence = masked_mean(inputs['text'].float(), inputs['text_mask'])
        score = -self.cost_weight * cost.float()
        for name, part in self.maps.items():
            target = part.text(sentence).unsqueeze(-1)
            clips = part.mapped(video) * mask.unsqueeze(-1)
            cosines = (
                (total @ target).squeeze(-1) / total.norm(dim=-1).clamp(min=1e-6)
                for _, total in window_sums(clips, self.longest)
            )
            score = score + self.weights[name] * window_table(list(cosines))
        spans, scores = choose_windows(score, mask, self.count, self.max_iou)
        return PredictionSet('direct', spans, final=True, quality=scores.sigmoid(), mask=scores > -torch.inf)
