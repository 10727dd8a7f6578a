"""The windows that fit a sentence and are scenes of the video."""

from __future__ import annotations

import math
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
        bank: Number of training sentences, evenly spaced, that a window is compared with as well: what it gets for
            being like many of them is taken off, ``log(mean(exp(bank_scale * score))) / bank_scale`` (inverted softmax,
            Smith et al., ICLR 2017; query bank, Bogolin et al., CVPR 2022). 0 for none.
        bank_scale: See ``bank``.
        kwargs: See :class:`WindowsOfMaps`.

    Raises:
        ValueError: If ``bank`` or ``bank_scale`` cannot be used.
    """

    def __init__(
        self,
        segmentation: dict[str, Any],
        cost_weight: float = 0.4,
        bank: int = 0,
        bank_scale: float = 4.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if type(bank) is not int or bank < 0 or not bank_scale > 0:
            given = f'bank={bank!r} with bank_scale={bank_scale!r}'
            raise ValueError(
                f'SceneWindows: found {given}, expected a number of sentences (0 for none) and a scale above 0'
            )
        self.segmentation = MODELS.build(segmentation)
        self.cost_weight = cost_weight
        self.bank_scale = bank_scale
        text_dims = len(next(iter(self.maps.values())).text_mean)
        self.register_buffer('bank', torch.zeros(bank, text_dims) if bank else None)

    def fit(self, dataset: Any) -> None:
        """Fit maps and segmentation, and take the sentences of the bank.

        Args:
            dataset: A :class:`mmvmr.datasets.BaseMomentDataset`.
        """
        super().fit(dataset)
        self.segmentation.fit(dataset)
        if self.bank is not None:
            rows = [int(row) for row in torch.arange(len(self.bank)) * len(dataset) // len(self.bank)]
            sentences = [torch.as_tensor(dataset.loaded(row)['text_feat']).float().mean(0) for row in rows]
            self.bank.copy_(torch.stack(sentences))

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
        targets, banks = (
            [] if vectors is None else [self.weights[name] * part.text(vectors) for name, part in self.maps.items()]
            for vectors in (sentence, self.bank)
        )
        sums = [window_sums(part.mapped(video) * mask.unsqueeze(-1), self.longest) for part in self.maps.values()]
        fits = []
        for windows in zip(*sums, strict=True):  # of one size
            # Sums are scaled once per video; only their products are made for every sentence.
            units = [F.normalize(total, dim=-1) for _, total in windows]
            products = [(x[rows] @ y.unsqueeze(-1)).squeeze(-1) for x, y in zip(units, targets, strict=True)]
            fit = torch.stack(products).sum(0)
            if banks:
                common = torch.stack([x @ y.t() for x, y in zip(units, banks, strict=True)]).sum(0)
                excess = torch.logsumexp(self.bank_scale * common, dim=-1) - math.log(len(self.bank))
                fit = fit - (excess / self.bank_scale)[rows]
            fits.append(fit)
        cost = self.segmentation(video, mask, self.longest).float()[rows]
        score = window_table(fits) - self.cost_weight * cost
        spans, scores = choose_windows(score, mask[rows], self.count, self.max_iou)
        return PredictionSet('direct', spans, final=True, quality=scores.sigmoid(), mask=scores > -torch.inf)
