"""From model outputs to moments in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmvmr.registry import MODELS, TASK_UTILS
from mmvmr.structures import MomentDataSample, Outputs, PredictionSet, map_tensors, to_center_width, to_start_end
from mmvmr.utils import check_choice


@MODELS.register_module()
class MomentPostProcessor(nn.Module):
    """Ranks the final predictions and turns them into windows in seconds.

    Args:
        score: ``foreground`` (softmax of two logits, sigmoid of one) or ``quality``.
        scale: What a normalised position is multiplied with: ``clips`` for the time that the clips cover
            (``num_clips`` x ``clip_len``, as targets are made), ``duration`` for the annotated length of the video, as
            the published code of the Moment-DETR family does: with 30 clips of 1 s of a video of 30.9 s it shifts
            windows by up to 0.9 s.
        longest: With ``scale='duration'``, at most n seconds, where videos are cut to a number of clips (official
            BM-DETR); None for no bound.
        clamp: Limits of windows in seconds: ``'duration'`` for the length of each video, a (low, high) pair, or
            None. The published code of most methods clamps QVHighlights to (0, 150).
        round_to: Round windows to multiples of this many seconds, half to even; None leaves them. Published code
            rounds to the clip length.
        decimals: Round windows and scores to this many decimals first (published prediction files have 4).
        max_predictions: Keep the best ones only.
        nms: Config of a suppression of repeated predictions that runs last, e.g. :class:`SoftNMS`; None for none.
        vote: Config of what refines the windows that are left, e.g. :class:`SegmentVoting`; None for nothing.
        half_saliency: Pass highlight scores through half precision, as the published prediction files do.

    Raises:
        ValueError: If ``score``, ``scale`` or ``clamp`` is unknown, or the limits of ``clamp`` are no (low, high).
    """

    def __init__(
        self,
        score: str = 'foreground',
        scale: str = 'clips',
        longest: float | None = None,
        clamp: str | Sequence[float] | None = 'duration',
        round_to: float | None = None,
        decimals: int | None = 4,
        max_predictions: int | None = None,
        nms: dict[str, Any] | None = None,
        vote: dict[str, Any] | None = None,
        half_saliency: bool = False,
    ):
        super().__init__()
        check_choice('postprocessor', 'score', score, ('foreground', 'quality'))
        check_choice('postprocessor', 'scale', scale, ('clips', 'duration'))
        if isinstance(clamp, str) and clamp != 'duration':
            raise ValueError(f"postprocessor.clamp={clamp!r} is unknown, expected 'duration', (low, high) or None")
        if clamp is not None and not isinstance(clamp, str) and not (len(clamp) == 2 and clamp[0] < clamp[1]):
            raise ValueError(f'postprocessor.clamp={list(clamp)}: expected (low, high) seconds with low < high')
        self.score = score
        self.scale = scale
        self.longest = longest
        self.clamp = clamp
        self.round_to = round_to
        self.decimals = decimals
        self.max_predictions = max_predictions
        self.nms = None if nms is None else TASK_UTILS.build(nms)
        self.vote = None if vote is None else TASK_UTILS.build(vote)
        self.half_saliency = half_saliency

    @torch.no_grad()
    def forward(self, outputs: Outputs, samples: Sequence[MomentDataSample]) -> list[MomentDataSample]:
        """Fill in the predictions of a batch.

        Args:
            outputs: Everything that the model produced.
            samples: The samples of the batch, with ``duration``, ``num_clips`` and ``clip_len``.

        Returns:
            The same samples with ``pred_instances`` (best first), ``pred_saliency``, and from detectors with an
            existence head ``pred_existence`` and ``pred_accepted``.
        """
        final = outputs.final
        duration = final.spans.new_tensor([float(s.duration) for s in samples], dtype=torch.float32)
        covered = duration if self.longest is None else duration.clamp(max=self.longest)
        if self.scale == 'clips':
            covered = duration.new_tensor([s.num_clips * float(s.clip_len) for s in samples])
        windows, spans, scores = (part.cpu() for part in self.rank(final, covered, duration))
        saliency = self._saliency(outputs.saliency)
        existence = map_tensors(outputs.existence, Tensor.cpu)
        for row, sample in enumerate(samples):
            exists = scores[row] > -torch.inf
            sample.pred_instances = InstanceData(
                spans=spans[row][exists], windows=windows[row][exists], scores=scores[row][exists]
            )
            if saliency is not None:
                sample.pred_saliency = saliency[row, : sample.num_clips]
            if existence is not None:
                sample.set_field(float(existence.probability[row]), 'pred_existence', field_type='metainfo')
                sample.set_field(bool(existence.accepted[row]), 'pred_accepted', field_type='metainfo')
        return list(samples)

    def rank(self, final: PredictionSet, covered: Tensor, duration: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Rank the predictions.

        Args:
            final: The predictions of the model (B, N).
            covered: Seconds that normalised spans refer to (B,).
            duration: Length of every video in seconds (B,).

        Returns:
            Windows in seconds (B, M, 2), normalised spans (B, M, 2) and scores (B, M), best first; scores are
            ``-inf`` where a sample has fewer predictions than others.
        """
        spans, scores = final.spans.float(), self.scores(final)
        windows = to_start_end(spans) * covered[:, None, None]
        order = scores.argsort(dim=1, descending=True, stable=True)[:, : self.max_predictions]
        windows, scores = self._finish(take(windows, order), scores.gather(1, order), duration)
        spans = take(spans, order)
        voters = windows, scores
        if self.nms is not None:
            order, scores = self.nms(windows, scores)
            windows, spans = take(windows, order), take(spans, order)
        if self.vote is not None:
            windows = self.vote(windows, *voters)
            spans = to_center_width(windows / covered[:, None, None])
        return windows, spans, scores

    def scores(self, final: PredictionSet) -> Tensor:
        """Scores of the predictions (B, N), ``-inf`` for those that do not exist.

        Raises:
            ValueError: If the model does not predict the configured score.
        """
        scores = self._scores(final.logits, final.quality)
        return scores if final.mask is None else scores.where(final.mask, -torch.inf)

    def _scores(self, logits: Tensor | None, quality: Tensor | None) -> Tensor:
        if self.score == 'quality':
            if quality is None:
                raise ValueError("postprocessor.score='quality' needs model.moment_head.quality")
            return quality.float()
        if logits is None:
            raise ValueError("postprocessor.score='foreground' needs model.moment_head.logits")
        return logits.float().softmax(-1)[..., 0] if logits.shape[-1] == 2 else logits.float().squeeze(-1).sigmoid()

    def _finish(self, windows: Tensor, scores: Tensor, duration: Tensor) -> tuple[Tensor, Tensor]:
        if self.decimals is not None:
            # In double precision: float32 cannot hold four decimals of a long video.
            windows = windows.double().round(decimals=self.decimals)
            scores = scores.double().round(decimals=self.decimals)
        if self.clamp == 'duration':
            windows = torch.minimum(windows.clamp(min=0), duration[:, None, None].to(windows.dtype))
        elif self.clamp is not None:
            windows = windows.clamp(*self.clamp)
        if self.round_to is not None:
            windows = (windows / self.round_to).round() * self.round_to
        return windows, scores

    def _saliency(self, saliency: Tensor | None) -> Tensor | None:
        if saliency is None:
            return None
        return (saliency.half() if self.half_saliency else saliency).float().cpu()


def take(spans: Tensor, order: Tensor) -> Tensor:
    """Rows ``order`` (B, M) of spans (B, N, 2)."""
    return spans.gather(1, order[..., None].expand(-1, -1, 2))
