"""Long videos in windows: features of one after the other, predictions of all together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mmvmr.registry import TASK_UTILS
from mmvmr.structures import Existence, Outputs, PointPredictions, PredictionSet


@dataclass
class Place:
    """Position of a window in its video.

    Attributes:
        clips: Clips of the whole video (B,).
        start: Clips in front of the window.
    """

    clips: Tensor
    start: int


#: Results for one sentence: candidates of the video, the row of the sentence in them, highlight scores, existence.
_Row = tuple[PredictionSet, int, Tensor | None, Tensor | None]


@TASK_UTILS.register_module()
class SlidingWindows:
    """Encode a video window by window and pool the candidates of all windows (SnAG, section 3.4).

    The last window ends with the video, however far it overlaps the one before.

    Args:
        size: Clips of a window; a shorter video is one window.
        stride: Clips between the starts of two windows; None sets them side by side.

    Raises:
        ValueError: If a number is not positive.
    """

    def __init__(self, size: int, stride: int | None = None):
        if size < 1 or (stride is not None and stride < 1):
            raise ValueError(f'SlidingWindows: size={size}, stride={stride}, expected positive numbers of clips')
        self.size = size
        self.stride = stride or size

    def starts(self, length: int) -> list[int]:
        """First clips of the windows of a video of ``length`` clips."""
        last = length - self.size
        if last <= 0:
            return [0]
        starts = list(range(0, last + 1, self.stride))
        return starts if starts[-1] == last else [*starts, last]

    def __call__(self, model: Any, inputs: dict[str, Tensor]) -> Outputs:
        """Predict for a batch of videos of any length.

        Args:
            model: A :class:`PointDetector` whose post-processor can ``reduce`` predictions to candidates.
            inputs: Padded features and masks.

        Returns:
            Outputs with one final set, the candidates of all windows, and highlight scores if the model has any: the
            mean over the windows that contain the clip. A moment exists where any window has one.
        """
        index = inputs.get('video_index')
        if index is None:
            index = torch.arange(len(inputs['text']), device=inputs['text'].device)
        lengths = inputs['video_mask'].sum(1).tolist()
        set_of_start: dict[int, _Row] = {}
        for video, length in enumerate(lengths):
            rows = (index == video).nonzero().squeeze(1)
            if len(rows):
                sets, saliency, verdict = self._video(model, inputs, video, rows, length)
                set_of_start.update({row: (sets, i, saliency, verdict) for i, row in enumerate(rows.tolist())})
        return _stacked([set_of_start[row] for row in range(len(index))])

    def _video(
        self, model: Any, inputs: dict[str, Tensor], video: int, rows: Tensor, length: int
    ) -> tuple[PredictionSet, Tensor | None, Tensor | None]:
        """Candidates, highlight scores and highest existence (3, n) of the sentences of one video."""
        size, sets = min(self.size, length), []
        total, times = torch.zeros(len(rows), length, device=rows.device), torch.zeros(length, device=rows.device)
        saliency = verdict = None
        for start in self.starts(length):
            window = {name: inputs[name][video : video + 1, start : start + size] for name in ('video', 'video_mask')}
            sentences = {name: value[rows] for name, value in inputs.items() if name.startswith('text')}
            if 'prior' in inputs:
                window['prior'] = inputs['prior'][rows, start : start + size]
            place = Place(torch.full((len(rows),), length, device=rows.device), start)
            parts = []
            for part, outputs in model.answers({**window, **sentences, 'video_index': torch.zeros_like(rows)}, place):
                parts.append(model.postprocessor.reduce(outputs.final))
                if outputs.saliency is not None:
                    total[part, start : start + size] += outputs.saliency
                    saliency = total
                if outputs.existence is not None:
                    if verdict is None:
                        verdict = torch.full((3, len(rows)), -torch.inf, device=rows.device)
                    fields = (outputs.existence.logits, outputs.existence.probability, outputs.existence.accepted)
                    verdict[:, part] = torch.maximum(verdict[:, part], torch.stack([x.float() for x in fields]))
            times[start : start + size] += 1
            sets.append(_joined(parts, dim=0))
        return _joined(sets, dim=1), None if saliency is None else saliency / times, verdict


def _joined(sets: list[PredictionSet], dim: int) -> PredictionSet:
    """Candidates of several windows of the same samples (dim 1), or of several samples (dim 0)."""
    points = [s.extra(PointPredictions, 'SlidingWindows') for s in sets]
    step = points[0].step if dim else torch.cat([p.step for p in points])
    prior = None if points[0].prior is None else torch.cat([p.prior for p in points], dim=dim)
    parts = {name: torch.cat([getattr(s, name) for s in sets], dim=dim) for name in ('spans', 'logits', 'mask')}
    return PredictionSet(sets[0].name, final=True, extras=(PointPredictions(step, prior=prior),), **parts)


def _stacked(rows: list[_Row]) -> Outputs:
    """Samples of several videos, padded to the same number of candidates."""

    def stack(name: str) -> Tensor:
        return pad_sequence([getattr(s, name)[i] for s, i, *_ in rows], batch_first=True)

    points = [(s.extra(PointPredictions, 'SlidingWindows'), i) for s, i, *_ in rows]
    prior = None
    if points[0][0].prior is not None:
        prior = pad_sequence([p.prior[i] for p, i in points], batch_first=True)
    extras = (PointPredictions(torch.stack([p.step[i] for p, i in points]), prior=prior),)
    final = PredictionSet(
        rows[0][0].name, stack('spans'), final=True, logits=stack('logits'), mask=stack('mask'), extras=extras
    )
    saliency = None
    if rows[0][2] is not None:
        saliency = pad_sequence([values[i] for _, i, values, _ in rows], batch_first=True)
    existence = None
    if rows[0][3] is not None:
        logits, probability, accepted = torch.stack([verdict[:, i] for _, i, _, verdict in rows], dim=1)
        existence = Existence(logits, probability, accepted > 0)
    return Outputs(None, None, None, None, [final], saliency, existence=existence)  # type: ignore[arg-type]  # nothing reads the stages
