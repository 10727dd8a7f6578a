"""Videos of any length for detectors that were trained on short ones: windows, and one ranking over all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from mmvmr.models.task_modules.nms import SoftNMS


@dataclass(frozen=True)
class Window:
    """A part of a video in clips: ``first`` is the first clip, ``last`` one past the last."""

    first: int
    last: int


def cut_windows(clips: int, size: int | None, overlap: float = 0.5) -> list[Window]:
    """Windows that cover a video.

    The last one ends with the video, however far it overlaps the one before.

    Args:
        clips: Clips of the video.
        size: Clips of a window; None takes the video whole.
        overlap: Part of a window that the next one repeats, at least 0 and less than 1.

    Returns:
        The windows in order; a single one for a video that is no longer than ``size``.

    Raises:
        ValueError: If ``size`` or ``overlap`` is impossible.
    """
    if size is None or clips <= size:
        return [Window(0, clips)]
    if size < 1 or not 0 <= overlap < 1:
        raise ValueError(f'windows: size={size} clips, overlap={overlap}; expected size >= 1 and 0 <= overlap < 1')
    step = max(1, round(size * (1 - overlap)))
    firsts = [*range(0, clips - size, step), clips - size]
    return [Window(first, first + size) for first in firsts]


class MergedPredictions:
    """Predictions of the windows of a video for one sentence, in memory that does not grow with the clips' features.

    Args:
        clips: Clips of the video.
    """

    def __init__(self, clips: int) -> None:
        self.clips = clips
        self._spans: list[np.ndarray] = []
        self._scores: list[np.ndarray] = []
        self._total: np.ndarray | None = None
        self._count = np.zeros(clips, np.float32)
        self.probability: float | None = None
        self.accepted = False

    def add(
        self, window: Window, offset: float, spans: np.ndarray, scores: np.ndarray, saliency: np.ndarray | None
    ) -> None:
        """Add the predictions of a window.

        Args:
            window: The window.
            offset: Its start in seconds.
            spans: Windows in seconds from its start (N, 2).
            scores: Their scores (N,).
            saliency: Highlight scores of its clips (n,), of the first ones where the model sees no more, or None.
        """
        self._spans.append(np.asarray(spans, np.float64) + offset)
        self._scores.append(np.asarray(scores, np.float64))
        if saliency is not None:
            if self._total is None:
                self._total = np.zeros(self.clips, np.float32)
            self._total[window.first : window.first + len(saliency)] += saliency
            self._count[window.first : window.first + len(saliency)] += 1

    def judge(self, probability: float | None, accepted: bool) -> None:
        """Add what the existence head says of a window; a moment exists where any window has one.

        Args:
            probability: Of a moment in the window; None for models without such a head.
            accepted: Whether the model takes it for enough.
        """
        if probability is not None:
            self.probability = max(probability, self.probability or 0.0)
            self.accepted |= accepted

    @property
    def saliency(self) -> np.ndarray | None:
        """Highlight scores of all clips, the mean over the windows that a clip is in; None without any."""
        return None if self._total is None else self._total / np.maximum(self._count, 1)

    def ranked(self, suppression: SoftNMS | None, most: int) -> tuple[np.ndarray, np.ndarray]:
        """The best predictions of the whole video.

        Args:
            suppression: Lowers predictions that repeat a better one; None for a single window, whose ranking stays as
                the model made it.
            most: Predictions at most.

        Returns:
            Windows in seconds (M, 2) and scores (M,), best first.
        """
        spans, scores = np.concatenate(self._spans), np.concatenate(self._scores)
        if suppression is None:
            return spans[:most], scores[:most]
        order, values = suppression(torch.from_numpy(spans)[None], torch.from_numpy(scores)[None])
        finite = values[0] > -torch.inf
        return spans[order[0][finite].numpy()][:most], values[0][finite].numpy()[:most]
