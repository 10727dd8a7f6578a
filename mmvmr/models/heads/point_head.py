"""Heads that predict a span at every point of a video."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvmr.models.layers import ConvTower
from mmvmr.registry import MODELS
from mmvmr.structures import Memory, PointPredictions, Points, PooledText, PredictionSet, Tokens, to_center_width
from mmvmr.utils import check_choice

_ACTIVATIONS = {'relu': torch.relu, 'sigmoid': torch.sigmoid, 'exp': torch.exp}
_UNITS = ('size', 'video')
_SCORES = ('cosine', 'foreground', 'sum')


@MODELS.register_module()
class PointHead(nn.Module):
    """A score and the distances to start and end at every point; one set of weights for all levels.

    Args:
        tower: Config of the layers in front of both, e.g. :class:`ConvTower`; it gets ``out_dims``.
        offset_tower: What differs in front of the distances.
        activation: Keeps distances positive: ``sigmoid`` (UniVTG), ``relu`` (SnAG) or ``exp`` (FlashVTG).
        unit: What a distance of 1 is: the ``video`` as a whole (UniVTG), or the ``size`` of the point (SnAG).
        num_levels: Learn a factor of the distances for each of n levels, before the activation (SnAG), or after it with
            ``exp`` (FlashVTG); None for none.
        prior: Score of a point before training; 0 starts with the bias 0.
        score_tower: Config of the layers in front of the scores, where they are of another kind, e.g.
            :class:`ScoreTower`.
        refine: Config of ``f(levels, logits) -> logits``, e.g. :class:`ScoreRefinement`; None for none.

    Raises:
        ValueError: If an option is unknown, or ``prior`` is given for a tower that does not end in a convolution.
    """

    def __init__(
        self,
        tower: dict[str, Any],
        activation: str = 'relu',
        unit: str = 'size',
        num_levels: int | None = None,
        prior: float = 0.0,
        offset_tower: dict[str, Any] | None = None,
        score_tower: dict[str, Any] | None = None,
        refine: dict[str, Any] | None = None,
    ):
        super().__init__()
        for name, value, choices in (('activation', activation, tuple(_ACTIVATIONS)), ('unit', unit, _UNITS)):
            check_choice(self, name, value, choices)
        self.activation = activation
        self.unit = unit
        self.score = MODELS.build(dict(score_tower or tower, out_dims=1))
        self.offset = MODELS.build(dict(tower, out_dims=2, **(offset_tower or {})))
        after = activation == 'exp'
        self.scales = nn.ParameterList(nn.Parameter(torch.ones(())) for _ in range(0 if after else num_levels or 0))
        self.factors = nn.Parameter(torch.ones(num_levels)) if after and num_levels else None
        self.refine = None if refine is None else MODELS.build(refine)
        if prior:
            if not isinstance(self.score, ConvTower):
                raise ValueError(f'PointHead: prior={prior} needs a ConvTower, not {type(self.score).__name__}')
            nn.init.constant_(self.score.out.conv.bias, -math.log((1 - prior) / prior))

    def forward(self, levels: Sequence[Tokens], points: Points) -> list[PredictionSet]:
        """Predict.

        Args:
            levels: Clips of every level (B, P_l, D).
            points: All P points, level after level.

        Returns:
            One set, ``point``, with its distances in their unit in ``info['offsets']`` (B, P, 2), and the distance
            between points of the finest level in ``info['step']`` (B, 1).
        """
        logits = torch.cat([self.score(level.feat, level.mask) for level in levels], dim=1).float()
        if self.refine is not None:
            logits = self.refine(levels, logits)
        offsets = torch.cat([self._offsets(i, level) for i, level in enumerate(levels)], dim=1)
        unit = points.size.unsqueeze(-1) if self.unit == 'size' else 1.0
        before, after = (offsets * unit).unbind(-1)
        windows = torch.stack((points.center - before, points.center + after), dim=-1)
        mask = torch.cat([level.mask for level in levels], dim=1)
        return [
            PredictionSet(
                'point',
                to_center_width(windows),
                final=True,
                logits=logits,
                mask=mask,
                extras=(PointPredictions(points.size[:, :1], offsets),),
                points=points,
            )
        ]

    def _offsets(self, index: int, level: Tokens) -> Tensor:
        raw, activation = self.offset(level.feat, level.mask).float(), _ACTIVATIONS[self.activation]
        if len(self.scales):
            raw = raw * self.scales[index]
        return activation(raw) if self.factors is None else activation(raw) * self.factors[index]


@MODELS.register_module()
class ScoreRefinement(nn.Module):
    """Scores of levels mixed with scores that see all levels as one sequence (FlashVTG, adaptive score refinement).

    ``a s + (1 - a) s'``, where ``s`` are the logits of each level by itself and ``s'`` those of a tower over the points
    that exist, finest level first. The weight a is learned, 0.5 before training.

    Args:
        tower: Config of the layers in front of ``s'``, e.g. :class:`ScoreTower`; it gets ``out_dims``.
    """

    def __init__(self, tower: dict[str, Any]):
        super().__init__()
        self.tower = MODELS.build(dict(tower, out_dims=1))
        self.weight = nn.Parameter(torch.tensor(0.5))

    def forward(self, levels: Sequence[Tokens], logits: Tensor) -> Tensor:
        """Refine the logits (B, P, 1) of the points of all levels (B, P_l, D)."""
        feat, mask = (torch.cat([getattr(level, name) for level in levels], dim=1) for name in ('feat', 'mask'))
        # Points that exist come together: neighbours must not depend on how much other samples are longer.
        order = (~mask).long().argsort(dim=1, stable=True)
        packed = feat.gather(1, order.unsqueeze(-1).expand(feat.shape))
        whole = self.tower(packed, mask.gather(1, order)).float()
        whole = torch.zeros_like(whole).scatter(1, order.unsqueeze(-1), whole)
        return self.weight * logits + (1 - self.weight) * whole


@MODELS.register_module()
class CosineSaliencyHead(nn.Module):
    """Cosine of clip and sentence before the encoder, and the score of the clip's own point (UniVTG, section 3.2).

    Args:
        score: ``cosine``, ``foreground`` (the score of the point), or the ``sum`` of both.
        half: Pass the cosine through half precision first, as official prediction files do.

    Raises:
        ValueError: If ``score`` is unknown.
    """

    def __init__(self, score: str = 'sum', half: bool = False):
        super().__init__()
        self.score = check_choice(self, 'score', score, _SCORES)
        self.half = half

    def forward(self, memory: Memory, sets: Sequence[PredictionSet] | None = None) -> Tensor:
        """Score the clips (B, Lv).

        Args:
            memory: Output of :class:`SentencePoolEncoder`.
            sets: Prediction sets, of which the final one has a point per clip in front.

        Raises:
            ValueError: If the encoder pools no sentence.
        """
        clips = memory.extra(PooledText, self).clips
        cosine = F.cosine_similarity(clips, memory.sentence.unsqueeze(1), dim=-1).float()
        if self.half:
            cosine = cosine.half().float()
        if self.score == 'cosine':
            return cosine
        (final,) = [predictions for predictions in sets if predictions.final]
        foreground = final.logits[:, : cosine.shape[1], 0].sigmoid()  # of a pyramid the finest level
        return foreground if self.score == 'foreground' else cosine + foreground


@MODELS.register_module()
class LevelSaliencyHead(nn.Module):
    """Best score of the points over a clip, at any temporal resolution, times cosine of clip and sentence (R2-Tuning).

    The point of level l over clip i is the one at clip ``i - i mod 2^l``; clips at the end that no point of a level
    covers take its last one.
    """

    def forward(self, memory: Memory, sets: Sequence[PredictionSet]) -> Tensor:
        """Score the clips (B, Lv).

        Args:
            memory: Output of an encoder that pools the sentence. Clips are those of the finest level where there are
                several, else ``video``.
            sets: Prediction sets, of which the final one has the points of all levels, finest first.

        Raises:
            ValueError: If the encoder pools no sentence.
        """
        if memory.sentence is None:
            raise ValueError(
                'LevelSaliencyHead needs a pooled sentence: wrap model.encoder in LayerPoolEncoder or '
                'SentencePoolEncoder'
            )
        (final,) = [predictions for predictions in sets if predictions.final]
        levels = [memory.video] if memory.levels is None else memory.levels
        scores = final.logits.squeeze(-1).float().sigmoid().split([level.feat.shape[1] for level in levels], dim=1)
        count = memory.video.feat.shape[1]
        clip = torch.arange(count, device=scores[0].device)
        best = torch.zeros_like(scores[0][:, :count])
        for depth, (level, score) in enumerate(zip(levels, scores)):
            points = level.mask.sum(1, keepdim=True)
            place = (clip // 2**depth).minimum(points - 1).clamp(min=0)
            best = best.maximum(score.gather(1, place).where(points > 0, 0.0))
        clips = levels[0].feat[:, :count].float()
        return best * F.cosine_similarity(clips, memory.sentence.float().unsqueeze(1), dim=-1)
