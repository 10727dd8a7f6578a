"""The detector without parameters: similarity of sentence and clips in a space that both share."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvmr.models.detectors.base_detector import BaseDetector
from mmvmr.models.similarity.similarity_map import neighbour_mean
from mmvmr.models.similarity.window_search import best_windows
from mmvmr.registry import MODELS
from mmvmr.structures import MomentTargets, Outputs, PredictionSet, to_center_width


@MODELS.register_module()
class SimilarityDetector(BaseDetector):
    """Zero-shot moment retrieval by the best windows of a similarity curve.

    Clips are centred over their video and compared with the sentence by cosine. A window of n clips scores by how far
    its mean similarity is above the mean of the video, times the square root of n: the deviation of a mean in units of
    its standard error, up to a constant. Nothing is trained::

        inputs  video (V, Lv, D), video_mask (V, Lv), text (B, Lt, D), text_mask (B, Lt) [, video_index (B,)]
          | cosine with the mean token  -> similarity (B, Lv)
          | best windows                -> PredictionSet: spans (B, n, 2), quality (B, n) = z / (1 + z)
          v Outputs -> postprocessor (mode='predict')

    Args:
        max_clips: Clips of the longest window.
        min_clips: Clips of the shortest window.
        smooth: Clips over which the similarity is averaged first (odd); 1 for none.
        candidates: Windows that are handed to the post-processor, best first.
        centre: Subtract the mean clip of the video before the cosine, which removes what all clips have in common.
        postprocessor: Config of the post-processor; by default Soft-NMS lowers windows that overlap a better one.

    Raises:
        ValueError: If a number of clips is impossible.

    Attributes:
        any_length: Videos of any length are taken whole: memory grows with clips + candidates.
        sentences_at_once: Sentences of one video that the finder passes together.
    """

    any_length = True
    sentences_at_once = 64

    def __init__(
        self,
        max_clips: int = 40,
        min_clips: int = 2,
        smooth: int = 1,
        candidates: int = 100,
        centre: bool = True,
        postprocessor: dict[str, Any] | None = None,
        data_preprocessor: dict[str, Any] | None = None,
    ):
        if not 1 <= min_clips <= max_clips or smooth < 1 or smooth % 2 == 0 or candidates < 1:
            raise ValueError(
                f'SimilarityDetector: min_clips={min_clips}, max_clips={max_clips}, smooth={smooth}, '
                f'candidates={candidates}; expected 1 <= min_clips <= max_clips, an odd smooth, candidates >= 1'
            )
        nms = {'type': 'SoftNMS', 'threshold': 0.0, 'sigma': 0.2, 'max_predictions': 10}
        postprocessor = postprocessor or {'type': 'MomentPostProcessor', 'score': 'quality', 'nms': nms}
        super().__init__({}, None, postprocessor, data_preprocessor=data_preprocessor)  # type: ignore[arg-type]
        self.max_clips = max_clips
        self.min_clips = min_clips
        self.smooth = smooth
        self.candidates = candidates
        self.centre = centre

    def forward(self, inputs: dict[str, Tensor], data_samples: Any = None, mode: str = 'tensor') -> Any:
        """Run the model; see :meth:`BaseDetector.forward`.

        Raises:
            ValueError: If it is asked for losses.
        """
        if mode == 'loss':
            raise ValueError('SimilarityDetector has nothing to train; test it, or train another detector')
        return super().forward(inputs, data_samples, mode)

    def predict_sets(self, inputs: dict[str, Tensor], targets: MomentTargets | None = None) -> Outputs:
        """Run all stages; see :meth:`BaseDetector.predict_sets`."""
        similarity, mask = self.similarity(inputs)
        values = similarity.double()
        starts, ends, scores = best_windows(values, mask, self.min_clips, self.max_clips, self.candidates)
        scores = scores.masked_fill(scores == -torch.inf, -1.0)
        total = mask.sum(1, keepdim=True)
        spans = to_center_width(torch.stack((starts / total, ends / total), dim=-1))
        final = PredictionSet('direct', spans.float(), final=True, quality=scores / (1 + scores), mask=scores > 0)
        return Outputs(None, None, None, None, [final], similarity)  # type: ignore[arg-type]  # no stages

    def similarity(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Cosine of every sentence with the clips of its video.

        Args:
            inputs: Padded features and masks.

        Returns:
            Similarity (B, Lv), 0 on padding, and the mask of the clips (B, Lv).

        Raises:
            ValueError: If clips and sentences have different dimensions.
        """
        video, text = inputs['video'], inputs['text']
        if video.shape[-1] != text.shape[-1]:
            raise ValueError(
                f'SimilarityDetector compares clips and sentences in one space, but clips have {video.shape[-1]} '
                f'dimensions and text tokens {text.shape[-1]}; use features of a joint space without temporal endpoint '
                'features (feature_spec.tef=False), and pooled sentences'
            )
        mask = inputs['video_mask']
        if self.centre:
            weight = mask[..., None].float()
            video = (video - (video * weight).sum(1, keepdim=True) / weight.sum(1, keepdim=True)) * weight
        valid = inputs['text_mask'][..., None].float()
        sentence = F.normalize((text * valid).sum(1) / valid.sum(1).clamp(min=1), dim=-1)
        video = F.normalize(video, dim=-1)
        if (index := inputs.get('video_index')) is not None:
            # Sentences of one video share its clips instead of copying them.
            video = video[index] if len(video) > 1 else video.expand(len(index), -1, -1)
            mask = mask[index]
        return neighbour_mean(torch.einsum('bld,bd->bl', video, sentence), mask, self.smooth), mask
