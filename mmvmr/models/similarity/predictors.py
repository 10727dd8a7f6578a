"""Baselines that need no training: chance, positions, and plain similarity. No method's figure means much without."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.models.builder import build_named
from mmvmr.models.similarity.similarity_map import relative_similarity
from mmvmr.models.similarity.window_search import contrast_windows, scene_changes
from mmvmr.registry import MODELS
from mmvmr.structures import MomentDataSample, PredictionSet, pairwise_iou, to_center_width


@MODELS.register_module()
class RandomWindows(nn.Module):
    """Windows whose two ends are uniform over the video: chance.

    Args:
        count: Number of windows N.
        seed: Seed; with the name of the query it decides, so that batches change nothing.
    """

    def __init__(self, count: int = 10, seed: int = 0):
        super().__init__()
        self.count = count
        self.register_buffer('seed', torch.tensor(seed))

    def fit(self, dataset: Any) -> None:
        """Do nothing: chance knows no training data."""

    def forward(self, inputs: dict[str, Tensor], samples: Sequence[MomentDataSample] | None = None) -> PredictionSet:
        """Predict.

        Args:
            inputs: Padded features; only their number counts.
            samples: The samples, for the names of the queries; without them the place in the batch counts.

        Returns:
            Spans (B, N, 2) with falling scores.
        """
        names = range(len(inputs['text'])) if samples is None else [sample.qid for sample in samples]
        ends = []
        for name in names:
            generator = torch.Generator().manual_seed(int(self.seed) * 2**32 + zlib.crc32(str(name).encode()))
            ends.append(torch.rand(self.count, 2, generator=generator))
        spans = to_center_width(torch.stack(ends).sort(-1).values.to(inputs['video'].device))
        quality = torch.linspace(1, 0, self.count + 1, device=spans.device)[:-1]
        return PredictionSet('direct', spans, final=True, quality=quality.expand(len(spans), -1))


@MODELS.register_module()
class PositionPrior(nn.Module):
    """The fixed windows that cover most moments of the training data; neither video nor sentence is looked at.

    A window covers a moment if their IoU is at least ``min_iou``, both as parts of the annotated duration (so the
    post-processor has to have ``scale='duration'``). The first one covers
    most, every further one most of what is left; scores are the shares that they add.

    Args:
        count: Number of windows N.
        bins: Number of lengths of videos (quantiles of the number of clips) with separate windows; 1 for none.
        steps: Ends of windows are multiples of 1 / ``steps``.
        min_iou: See above.
    """

    def __init__(self, count: int = 10, bins: int = 1, steps: int = 40, min_iou: float = 0.5):
        super().__init__()
        self.count = count
        self.steps = steps
        self.min_iou = min_iou
        self.register_buffer('edges', torch.zeros(bins - 1))
        self.register_buffer('spans', torch.zeros(bins, count, 2))
        self.register_buffer('shares', torch.zeros(bins, count))

    def fit(self, dataset: Any) -> None:
        """Choose the windows.

        Args:
            dataset: A :class:`mmvmr.datasets.BaseMomentDataset`.

        Raises:
            ValueError: If a length of videos has no moment.
        """
        lengths, moments = [], []
        for row in dataset.rows:
            duration = float(row['duration'])
            for start, end in row.get('relevant_windows') or ():
                lengths.append(duration / dataset.feature_spec.clip_len)
                moments.append([start / duration, end / duration])
        length, moment = torch.tensor(lengths), torch.tensor(moments).reshape(-1, 2)
        bins = len(self.spans)
        self.edges.copy_(length.quantile(torch.arange(1, bins) / bins))
        bin_of_moment = torch.bucketize(length, self.edges)
        for place in range(bins):
            inside = moment[bin_of_moment == place]
            if not len(inside):
                raise ValueError(f'PositionPrior: bin {place} of {bins} holds no moment; use fewer bins')
            self.spans[place], self.shares[place] = self.cover(inside)

    def cover(self, moments: Tensor) -> tuple[Tensor, Tensor]:
        """Choose windows for moments, normalised (start, end) (M, 2).

        Returns:
            Normalised (center, width) (N, 2) and the share of moments that each adds (N,).
        """
        grid = torch.arange(self.steps + 1) / self.steps
        first, second = torch.triu_indices(self.steps + 1, self.steps + 1, 1)
        windows = torch.stack((grid[first], grid[second]), dim=1)
        covers = pairwise_iou(windows, moments) >= self.min_iou
        left = torch.ones(len(moments), dtype=torch.bool)
        chosen, shares = [], []
        for _ in range(self.count):
            added = (covers & left).sum(1)
            # Of windows that add as much, the one that covers most altogether.
            best = (added * (len(moments) + 1) + covers.sum(1)).argmax()
            chosen.append(best)
            shares.append(added[best] / len(moments))
            left &= ~covers[best]
            covers = covers.index_fill(0, best, False)
        return to_center_width(windows[torch.stack(chosen)]), torch.stack(shares)

    def forward(self, inputs: dict[str, Tensor], samples: Sequence[MomentDataSample] | None = None) -> PredictionSet:
        """Predict.

        Args:
            inputs: ``video_mask`` (V, Lv), and ``video_index`` (B,) where sentences share videos.
            samples: Unused.

        Returns:
            Spans (B, N, 2) with the shares as scores.
        """
        length = inputs['video_mask'].sum(1).to(self.edges.dtype)
        length = length[inputs['video_index']] if 'video_index' in inputs else length
        place = torch.bucketize(length, self.edges)
        return PredictionSet('direct', self.spans[place], final=True, quality=self.shares[place])


class WindowsOfMaps(nn.Module):
    """Base of predictors that rank all windows of a video by maps of clips and sentences.

    Args:
        maps: Name to config of a :class:`SimilarityMap`.
        weights: Name of a map to its weight; 1 by default.
        longest: Longest window in clips.
        count: Number of windows N.
        max_iou: See :func:`choose_windows`.

    Raises:
        ValueError: If there is no map, or weights name others.
    """

    def __init__(
        self,
        maps: Mapping[str, dict[str, Any]],
        weights: Mapping[str, float] | None = None,
        longest: int = 40,
        count: int = 10,
        max_iou: float = 0.5,
    ):
        super().__init__()
        name = type(self).__name__
        if not maps:
            raise ValueError(f'{name}: maps is empty, expected at least one SimilarityMap')
        if unknown := sorted(set(weights or ()) - set(maps)):
            raise ValueError(f'{name}: weights of {unknown}, but maps are {sorted(maps)}')
        self.maps = nn.ModuleDict(build_named(maps))
        self.weights = dict.fromkeys(maps, 1.0) | dict(weights or {})
        self.longest = longest
        self.count = count
        self.max_iou = max_iou

    def fit(self, dataset: Any) -> None:
        """Fit the maps.

        Args:
            dataset: A :class:`mmvmr.datasets.BaseMomentDataset`.
        """
        for part in self.maps.values():
            part.fit(dataset)


@MODELS.register_module()
class SimilarityWindows(WindowsOfMaps):
    """The windows whose clips are more similar to the sentence than the rest of the video.

    With a map of ``kind='given'`` this is zero-shot retrieval, with ``'ridge'`` or ``'cca'`` a closed-form map. The
    similarities relative to the video of all maps are added.

    Args:
        boundary: What a window gains where it starts or ends at a scene change, per deviation of the change, see
            :func:`scene_changes`; looked for in the channels of the first map. 0 for nothing.
        kwargs: See :class:`WindowsOfMaps`.
    """

    def __init__(self, boundary: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.boundary = boundary

    def forward(self, inputs: dict[str, Tensor], samples: Sequence[MomentDataSample] | None = None) -> PredictionSet:
        """Predict.

        Args:
            inputs: Padded features and masks, ``video_index`` (B,) where sentences share videos.
            samples: Unused.

        Returns:
            Spans (B, N, 2), scores by a sigmoid of their contrast.
        """
        video, mask, rows = inputs['video'], inputs['video_mask'], inputs.get('video_index')
        first, changes = next(iter(self.maps.values())), None
        if self.boundary:
            changes = self.boundary * scene_changes(video[..., first.first : first.stop], mask)
        if rows is not None:
            mask, changes = mask[rows], None if changes is None else changes[rows]
        total = torch.zeros(mask.shape, device=mask.device)
        for name, part in self.maps.items():
            map_similarity = part(video, inputs['text'], inputs['text_mask'], rows)
            total = total + self.weights[name] * relative_similarity(map_similarity, mask)
        similarity = relative_similarity(total, mask)
        spans, scores = contrast_windows(similarity, mask, self.longest, self.count, self.max_iou, changes)
        # Contrasts of unit deviation reach about 10, where a sigmoid tells little apart.
        return PredictionSet('direct', spans, final=True, quality=(scores / 4).sigmoid(), mask=scores > -torch.inf)
