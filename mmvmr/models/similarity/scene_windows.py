"""The windows that fit a sentence and are scenes of the video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvmr.models.layers import masked_mean
from mmvmr.models.similarity.predictors import WindowsOfMaps
from mmvmr.models.similarity.window_search import choose_windows, window_sums, window_table
from mmvmr.registry import MODELS
from mmvmr.structures import MomentDataSample, PredictionSet


@MODELS.register_module()
class SceneWindows(WindowsOfMaps):
    """The windows whose mean clip is like the sentence, less what it costs to take them as scenes.

    Where :class:`SimilarityWindows` adds up similarities of single clips, this one compares the mean of a window, and
    finds its ends by a division of the video into scenes. The cosines of all maps are added. Not published.

    Args:
        segmentation: Config of a :class:`SceneSegmentation`.
        cost_weight: Weight of the cost of the segmentation.
        kwargs: See :class:`WindowsOfMaps`.
    """

    def __init__(self, segmentation: dict[str, Any], cost_weight: float = 0.4, **kwargs: Any):
        super().__init__(**kwargs)
        self.segmentation = MODELS.build(segmentation)
        self.cost_weight = cost_weight

    def fit(self, dataset: Any) -> None:
        """Fit maps and segmentation.

        Args:
            dataset: A :class:`mmvmr.datasets.BaseMomentDataset`.
        """
        super().fit(dataset)
        self.segmentation.fit(dataset)

    def forward(self, inputs: dict[str, Tensor], samples: Sequence[MomentDataSample] | None = None) -> PredictionSet:
        """Predict.

        Args:
            inputs: Padded features and masks, ``video_index`` (B,) where sentences share videos.
            samples: Unused.

        Returns:
            Spans (B, N, 2), scores by a sigmoid.
        """
        video, mask = inputs['video'], inputs['video_mask']
        rows = inputs.get('video_index', slice(None))
        sentence = masked_mean(inputs['text'].float(), inputs['text_mask'])
        score = -self.cost_weight * self.segmentation(video, mask, self.longest).float()[rows]
        for name, part in self.maps.items():
            target = part.text(sentence).unsqueeze(-1)
            sums = window_sums(part.mapped(video) * mask.unsqueeze(-1), self.longest)
            # Sums are scaled once per video; only their products are made for every sentence.
            cosines = [(F.normalize(total, dim=-1)[rows] @ target).squeeze(-1) for _, total in sums]
            score = score + self.weights[name] * window_table(cosines)
        spans, scores = choose_windows(score, mask[rows], self.count, self.max_iou)
        return PredictionSet('direct', spans, final=True, quality=scores.sigmoid(), mask=scores > -torch.inf)
