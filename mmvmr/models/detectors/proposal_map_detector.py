"""The detector that scores a map of candidate moments."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mmvmr.models.detectors.base_detector import BaseDetector
from mmvmr.registry import MODELS
from mmvmr.structures import ExtraInputs, MomentTargets, Outputs

_KNOWN = ('video', 'text')


@MODELS.register_module()
class ProposalMapDetector(BaseDetector):
    """Moment retrieval by comparing sentences with all candidate moments of a video (2D-TAN, MMN).

    A video is encoded once for all its sentences::

        inputs  video (V, L, Dv), video_mask (V, L), text (B, Lt, Dt), text_mask (B, Lt) [, video_index (B,)]
          | projector(inputs)          -> Features: video (V, N, D), text (B, Lt, Dw), rows (B,)?
          | encoder(features)          -> Memory with proposals: M moments of V videos and B sentences in joint spaces
          | moment_head(memory, rows)  -> [PredictionSet]: spans (B, M, 2), quality (B, M)
          v Outputs -> criterion (mode='loss') | postprocessor (mode='predict')

    Without ``video_index`` every sentence has a separate video (V = B). The contrastive losses need to know which
    sentences share a video: train with ``VideoSampler`` and ``video_collate``.

    Args:
        projector: Config of the projector.
        encoder: Config of the encoder of moments and sentences.
        moment_head: Config of the head that scores moments.
        criterion: Config of the criterion.
        postprocessor: Config of the post-processor.
        kwargs: ``shared``, ``data_preprocessor``, ``init_cfg`` and ``existence_head`` of :class:`BaseDetector`.

    Attributes:
        sentences_at_once: Sentences of one video that the finder passes together: they cost little next to its map.
    """

    sentences_at_once = 1024

    def __init__(
        self,
        projector: dict[str, Any],
        encoder: dict[str, Any],
        moment_head: dict[str, Any],
        criterion: dict[str, Any],
        postprocessor: dict[str, Any] | None = None,
        **kwargs: Any,
    ):
        stages = {'projector': projector, 'encoder': encoder, 'moment_head': moment_head}
        postprocessor = postprocessor or {'type': 'MomentPostProcessor', 'score': 'quality'}
        super().__init__(stages, criterion, postprocessor, **kwargs)

    def predict_sets(self, inputs: dict[str, Tensor], targets: MomentTargets | None = None) -> Outputs:
        """Run all stages; see :meth:`BaseDetector.predict_sets`."""
        features = self.projector(inputs)
        memory = self.encoder(features, targets)
        # For losses that look at more than clips and text tokens.
        memory.add(ExtraInputs({name: value for name, value in inputs.items() if not name.startswith(_KNOWN)}))
        sets = self.moment_head(memory, features.rows)
        return self.judged(Outputs(features, memory, None, None, sets))
