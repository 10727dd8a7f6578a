"""Retrieved moments that help scoring highlights (TR-DETR)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmvmr.registry import MODELS
from mmvmr.structures import ClipScores, Memory, PredictionSet, to_start_end
from mmvmr.utils import check_choice


@MODELS.register_module()
class MomentGuidedSaliencyHead(nn.Module):
    """Clips that resemble the best predicted moment score higher (TR-DETR's MR2HD, section 3.4).

    A GRU runs over the projected clips of the moment with the best score; its last state g weights every clip v of the
    video, ``m' = m (1 + <g, v>)``, before the encoder's own layer scores ``m'``. Which moment is best is a hard choice
    without gradient.

    Args:
        embed_dims: Channels D.
        padding: ``exclude`` places the moment on the clips of the video and stops the GRU at its end. ``include``
            reproduces the official code: placed on the padded length, and run over zeros up to it.
        start: A moment that begins before the video starts at clip 0 (``clamp``), or is cut like a Python slice with
            a negative start (``wrap``, official), which leaves nothing or the last clips.

    Raises:
        ValueError: If an option is unknown.
    """

    def __init__(self, embed_dims: int, padding: str = 'exclude', start: str = 'clamp'):
        super().__init__()
        for name, value, choices in (('padding', padding, ('exclude', 'include')), ('start', start, ('clamp', 'wrap'))):
            check_choice(self, name, value, choices)
        self.gru = nn.GRU(embed_dims, embed_dims, batch_first=True)
        self.padding = padding
        self.start = start

    def forward(self, memory: Memory, sets: Sequence[PredictionSet] | None = None) -> Tensor:
        """Score the clips (B, Lv).

        Args:
            memory: Output of :class:`ReciprocalEncoder`.
            sets: Prediction sets, of which the final one is used.

        Raises:
            ValueError: If the encoder does not score clips.
        """
        highlights = memory.extra(ClipScores, self)
        weight = self.clip_weights(memory, sets)
        # The scoring layer is linear: the score of m (1 + w) is that of m, times 1 + w, but for the bias.
        return ((1 + weight) * highlights.scores + highlights.bias.unsqueeze(-1)).float()

    def clip_weights(self, memory: Memory, sets: Sequence[PredictionSet]) -> Tensor:
        """Weight ``<g, v>`` of every clip (B, Lv)."""
        clips, mask = memory.extra(ClipScores, self).clips, memory.video.mask
        length = mask.sum(1) if self.padding == 'exclude' else torch.full_like(mask.sum(1), mask.shape[1])
        first, last = self.place(best_window(sets) * length[:, None], length)
        step = torch.arange(clips.shape[1], device=clips.device)
        index = (first[:, None] + step).clamp(max=clips.shape[1] - 1)
        count = last - first
        moment = clips.gather(1, index.unsqueeze(-1).expand_as(clips))
        moment = moment.where((step < count[:, None]).unsqueeze(-1), 0.0)
        states, final = self.gru(moment)
        state = final[-1]
        if self.padding == 'exclude':
            rows = torch.arange(len(count), device=count.device)
            state = states[rows, count.clamp(min=1) - 1]
        return (clips @ state.unsqueeze(-1)).squeeze(-1)

    def place(self, window: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Clips of a window (B, 2), in clips of a video of some length (B,): the first and one past the last.

        They are equal where the moment is empty.
        """
        start, end = window.floor().long().unbind(-1)
        zero = torch.zeros_like(start)
        if self.start == 'clamp':
            start = start.clamp(min=0).minimum(length - 1)
            return start, (end.maximum(start) + 1).minimum(length)
        start, stop = (
            torch.where(edge < 0, (edge + length).maximum(zero), edge.minimum(length)) for edge in (start, end + 1)
        )
        return start, stop.maximum(start)


def best_query(final: PredictionSet) -> Tensor:
    """The query with the best score (B,): foreground probability, or quality where a method predicts that."""
    return (final.quality if final.logits is None else final.logits.softmax(-1)[..., 0]).argmax(1)


def best_window(sets: Sequence[PredictionSet]) -> Tensor:
    """Normalised (start, end) of the best final prediction of every sample (B, 2), without gradient."""
    (final,) = [predictions for predictions in sets if predictions.final]
    rows = torch.arange(len(final.spans), device=final.spans.device)
    return to_start_end(final.spans.detach()[rows, best_query(final)])
