"""Frame probability that a model gives to clips inside and outside the true moments (BM-DETR, Table 9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from mmvmr.datasets.transforms.masking import clips_of_windows
from mmvmr.structures import FrameMatch, Memory, MomentDataSample

FROM_ENCODER = 'frame_prob of the encoder'
FROM_SALIENCY = 'saliency, scaled to [0, 1] in every video'


class FrameProbability:
    """Collects the probability of clips inside and outside the moments.

    Where the encoder of the model computes a probability per clip (:class:`mmvmr.structures.FrameMatch`, written by
    :class:`mmvmr.models.encoders.FrameMatchEncoder`), it is that. Else the highlight scores of every video are scaled
    to [0, 1] (smallest and largest): they rank clips and are not probabilities, so such scores compare models that
    both use them, and no others. The report names the source.

    Args:
        model: The model; the encoder's output is observed from now on, until :meth:`close`.
    """

    def __init__(self, model: nn.Module) -> None:
        self._probability: torch.Tensor | None = None
        self._sources: set[str] = set()
        self._inside: list[float] = []
        self._outside: list[float] = []
        encoder = getattr(model, 'encoder', None)
        self._hook = encoder.register_forward_hook(self._observe) if isinstance(encoder, nn.Module) else None

    def _observe(self, module: nn.Module, arguments: Any, output: Any) -> None:
        match = output.find(FrameMatch) if isinstance(output, Memory) else None
        self._probability = None if match is None else match.prob

    def close(self) -> None:
        """Stop observing."""
        if self._hook is not None:
            self._hook.remove()

    def add(self, samples: Sequence[MomentDataSample]) -> None:
        """Take predicted samples, with ``relevant_windows`` and, where the model has it, ``pred_saliency``."""
        rows, self._probability = self._probability, None
        if rows is not None and len(rows) != len(samples):
            rows = None
        for index, sample in enumerate(samples):
            values = self._values(sample, None if rows is None else rows[index])
            if values is None:
                continue
            inside = np.zeros(len(values), dtype=bool)
            for first, stop in clips_of_windows(sample.relevant_windows, len(values), float(sample.clip_len)):
                inside[first:stop] = True
            if inside.any() and not inside.all():
                self._inside.append(float(values[inside].mean()))
                self._outside.append(float(values[~inside].mean()))

    def _values(self, sample: MomentDataSample, probability: torch.Tensor | None) -> np.ndarray | None:
        if probability is not None:
            self._sources.add(FROM_ENCODER)
            return probability[: sample.num_clips].detach().float().cpu().numpy()
        saliency = sample.get('pred_saliency')
        if saliency is None:
            return None
        self._sources.add(FROM_SALIENCY)
        values = saliency.detach().float().cpu().numpy()
        low, high = values.min(), values.max()
        return (values - low) / (high - low) if high > low else np.full_like(values, 0.5)

    def report(self) -> dict[str, Any]:
        """The averages over queries that have clips on both sides.

        Returns:
            ``source``, ``inside``, ``outside``, ``difference`` in [0, 1] and ``num_queries``; where the model gives
            neither probabilities nor highlight scores, only ``reason``.
        """
        if not self._inside:
            reason = 'no query has clips inside and outside its moments'
            if not self._sources:
                reason = 'the model predicts neither frame probabilities nor highlight scores'
            return {'reason': reason}
        inside, outside = float(np.mean(self._inside)), float(np.mean(self._outside))
        return {
            'source': ' and '.join(sorted(self._sources)),
            'inside': round(inside, 4),
            'outside': round(outside, 4),
            'difference': round(inside - outside, 4),
            'num_queries': len(self._inside),
        }
