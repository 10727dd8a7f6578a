"""The template of every detector that predicts a span at every point of a video."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvmr.models.builder import fill_shared
from mmvmr.models.detectors.base_detector import BaseDetector, clip_mask
from mmvmr.models.detectors.sliding_windows import Place
from mmvmr.registry import MODELS, TASK_UTILS
from mmvmr.structures import MomentDataSample, MomentTargets, Outputs, PointPredictions, Tokens


@MODELS.register_module()
class PointDetector(BaseDetector):
    """Moment retrieval and highlight detection by dense prediction.

    The sibling of :class:`MomentDetector` without queries, decoder and matching: every point of a video, at one or at
    several temporal resolutions, predicts a score and a span around itself (UniVTG, SnAG)::

        inputs  video (V, Lv, Dv), video_mask (V, Lv), text (B, Lt, Dt), text_mask (B, Lt)
                [, video_index (B,)] [, prior (B, Lv)]
          | projector(inputs)                     -> Features: video (V, Lv, D), text (B, Lt, D'), rows (B,)?
          | encoder(features, targets?)           -> Memory: levels [(B, P_l, D)] or video (B, Lv, D)
          | point_generator(lengths, clips)       -> Points: center, size, low, high (B, P)
          | point_head(levels, points)            -> [PredictionSet]: spans (B, P, 2), logits (B, P, 1), points
          | saliency_head(memory, sets)           -> (B, Lv)
          v Outputs -> criterion (mode='loss') | postprocessor (mode='predict')

    With ``video_index`` a batch holds V videos for B sentences. An encoder whose attribute ``late`` is true takes them
    so, encodes every video once and fuses the sentences with the result; for any other the videos are repeated.
    ``prior`` holds scores of clips from elsewhere, with which those of the points are multiplied at inference.

    Args:
        projector: Config of the projector.
        encoder: Config of the encoder.
        point_generator: Config of the points, e.g. :class:`PyramidPoints`.
        point_head: Config of the head.
        criterion: Config of the criterion, with an assigner such as :class:`PointAssigner`.
        saliency_head: Config of the highlight head; None for moments only.
        postprocessor: Config of the post-processor.
        windows: Config of how a long video is cut at inference, e.g. :class:`SlidingWindows`; None takes it whole.
        max_queries: Sentences that are fused at a time at inference; None for all of the batch. Videos are encoded
            once all the same. Needs a ``late`` encoder.
        kwargs: ``shared``, ``data_preprocessor``, ``init_cfg`` and ``existence_head`` of :class:`BaseDetector`.
    """

    def __init__(
        self,
        projector: dict[str, Any],
        encoder: dict[str, Any],
        point_generator: dict[str, Any],
        point_head: dict[str, Any],
        criterion: dict[str, Any],
        saliency_head: dict[str, Any] | None = None,
        postprocessor: dict[str, Any] | None = None,
        windows: dict[str, Any] | None = None,
        max_queries: int | None = None,
        **kwargs: Any,
    ):
        stages = {'projector': projector, 'encoder': encoder, 'point_head': point_head, 'saliency_head': saliency_head}
        postprocessor = postprocessor or {'type': 'MomentPostProcessor'}
        super().__init__(stages, criterion, postprocessor, **kwargs)
        self.point_generator = TASK_UTILS.build(fill_shared(point_generator, kwargs.get('shared') or {}))
        self.windows = None if windows is None else TASK_UTILS.build(windows)
        self.max_queries = max_queries

    @property
    def late(self) -> bool:
        """True if videos are encoded independently of the sentence."""
        return getattr(self.encoder, 'late', False)

    def predict(self, inputs: dict[str, Tensor], samples: list[MomentDataSample]) -> list[MomentDataSample]:
        """Fill in the predictions of a batch; arguments as in :meth:`BaseDetector.predict`."""
        if self.windows is not None:
            return self.postprocessor(self.windows(self, inputs), samples)
        for rows, outputs in self.answers(inputs):
            self.postprocessor(outputs, samples[rows])
        return samples

    def answers(self, inputs: dict[str, Tensor], place: Place | None = None) -> Iterator[tuple[slice, Outputs]]:
        """Run all stages for at most ``max_queries`` sentences at a time, after the videos were encoded once.

        Args:
            inputs: Padded features and masks.
            place: See :meth:`predict_sets`.

        Yields:
            Which sentences, and their outputs.
        """
        count = len(inputs['text'])
        if self.max_queries is None or count <= self.max_queries or not self.late:
            yield slice(0, count), self.predict_sets(inputs, place=place)
            return
        levels = self.encode_video(inputs)
        index = inputs.get('video_index')
        index = torch.arange(count, device=inputs['text'].device) if index is None else index
        shared = {'video_mask': inputs['video_mask'], 'raw_video': inputs['video']}
        for start in range(0, count, self.max_queries):
            rows = slice(start, start + self.max_queries)
            query_inputs = {name: inputs[name][rows] for name in ('text', 'text_mask', 'prior') if name in inputs}
            part = None if place is None else Place(place.clips[rows], place.start)
            yield (
                rows,
                self.predict_sets({**shared, **query_inputs, 'video_index': index[rows]}, place=part, levels=levels),
            )

    def encode_video(self, inputs: dict[str, Tensor]) -> list[Tokens]:
        """Encode videos for any number of later calls of :meth:`predict_sets`.

        Args:
            inputs: ``video`` (V, Lv, Dv) and ``video_mask`` (V, Lv).

        Returns:
            The levels of every video.

        Raises:
            ValueError: If the encoder needs the sentence.
        """
        if not self.late:
            raise ValueError(f'{type(self.encoder).__name__} fuses before it encodes: videos have no encoding alone')
        return self.encoder.video(self.projector({name: inputs[name] for name in ('video', 'video_mask')}).video)

    def predict_sets(
        self,
        inputs: dict[str, Tensor],
        targets: MomentTargets | None = None,
        place: Place | None = None,
        levels: list[Tokens] | None = None,
    ) -> Outputs:
        """Run all stages.

        Args:
            inputs: Padded features and masks.
            targets: Ground truth; None at inference.
            place: Position in its video of the window that the inputs hold; None for whole videos.
            levels: What :meth:`encode_video` made of the videos; the inputs then hold ``video_mask`` alone of them.

        Returns:
            Everything that the stages produced; spans are parts of the whole video.
        """
        features = self.projector(inputs)
        if self.late:
            memory = self.encoder(features, targets, levels)
        else:
            features = features.paired()
            memory = self.encoder(features, targets)
        levels = [memory.video] if memory.levels is None else memory.levels
        clips, start = (clip_mask(inputs).sum(1), 0) if place is None else (place.clips, place.start)
        lengths = [level.feat.shape[1] for level in levels]
        sets = self.point_head(levels, self.point_generator(lengths, clips, start))
        if 'prior' in inputs:
            prior = point_priors(inputs['prior'], lengths, self.point_generator.input_stride)
            sets[-1].add(dataclasses.replace(sets[-1].extra(PointPredictions, self), prior=prior))
        saliency = negative = None
        if self.saliency_head is not None:
            saliency = self.saliency_head(memory, sets)
            negative = None if memory.negative is None else self.saliency_head(memory.negative, sets)
        return self.judged(Outputs(features, memory, None, None, sets, saliency, negative))


def point_priors(scores: Tensor, lengths: Sequence[int], input_stride: int = 1) -> Tensor:
    """Scores of clips at the points of a pyramid: the maximum over a position and its neighbours, level by level.

    Args:
        scores: In [0, 1] (B, L).
        lengths: Points of every level.
        input_stride: Clips per position of the finest level, a power of 2.

    Returns:
        (B, P).
    """
    level = F.pad(scores, (0, lengths[0] * input_stride - scores.shape[1]))
    while level.shape[1] > lengths[0]:
        level = F.max_pool1d(level, 3, 2, padding=1)
    priors = [level]
    for _ in lengths[1:]:
        priors.append(F.max_pool1d(priors[-1], 3, 2, padding=1))
    return torch.cat(priors, dim=1)
