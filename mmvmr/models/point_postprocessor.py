"""From the many predictions of a pyramid of points to a few windows."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmvmr.models.postprocessor import MomentPostProcessor, take
from mmvmr.registry import MODELS, TASK_UTILS
from mmvmr.structures import PointPredictions, PredictionSet, to_center_width, to_start_end


@MODELS.register_module()
class PointPostProcessor(MomentPostProcessor):
    """Candidates, suppression of repeated ones, a vote on the rest, then seconds (SnAG, section 3.4).

    Args:
        min_score: Candidates score more than this.
        pre_topk: Candidates of a window of the video, and of all of its windows together, at most.
        min_width: Candidates are longer than this, in distances between points of the finest level.
        vote: Config of what refines the windows that survive, e.g. :class:`SegmentVoting`; None for nothing.
        kwargs: See :class:`MomentPostProcessor`. Windows are clamped and rounded after the suppression.
    """

    def __init__(
        self,
        min_score: float = 0.001,
        pre_topk: int = 2000,
        min_width: float = 0.1,
        vote: dict[str, Any] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.min_score = min_score
        self.pre_topk = pre_topk
        self.min_width = min_width
        self.vote = None if vote is None else TASK_UTILS.build(vote)

    def scores(self, final: PredictionSet) -> Tensor:
        """Scores of the points (B, N), times the prior of :class:`PointPredictions` where the data bring one."""
        scores = super().scores(final)
        prior = final.extra(PointPredictions, self).prior
        return scores if prior is None else (scores * prior).where(scores > -torch.inf, -torch.inf)

    def reduce(self, predictions: PredictionSet) -> PredictionSet:
        """Keep the candidates, best first; doing so again changes nothing.

        Args:
            predictions: Predictions of points (B, N), with :class:`PointPredictions`.

        Returns:
            A set of at most ``pre_topk`` predictions, with a mask and without points.
        """
        scores = self.scores(predictions)
        scores = scores.where(scores > self.min_score, -torch.inf)
        order = scores.argsort(dim=1, descending=True, stable=True)[:, : self.pre_topk]
        spans = take(predictions.spans, order)
        points = predictions.extra(PointPredictions, self)
        mask = (scores.gather(1, order) > -torch.inf) & (spans[..., 1] > self.min_width * points.step)
        prior = None if points.prior is None else points.prior.gather(1, order)
        extras = (PointPredictions(points.step, prior=prior),)
        logits = predictions.logits.gather(1, order[..., None])
        return PredictionSet(predictions.name, spans, final=predictions.final, logits=logits, mask=mask, extras=extras)

    def rank(self, final: PredictionSet, covered: Tensor, duration: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Rank the candidates; see :meth:`MomentPostProcessor.rank`."""
        final = self.reduce(final)
        windows, scores = to_start_end(final.spans.float()), self.scores(final)
        if self.nms is None:
            order = scores.argsort(dim=1, descending=True, stable=True)
            ranked, best = take(windows, order), scores.gather(1, order)
        else:
            order, best = self.nms(windows, scores)
            ranked = take(windows, order)
        if self.vote is not None:
            ranked = self.vote(ranked, windows, scores)
        ranked, best = ranked[:, : self.max_predictions], best[:, : self.max_predictions]
        seconds, best = self._finish(ranked * covered[:, None, None], best, duration)
        return seconds, to_center_width(ranked), best
